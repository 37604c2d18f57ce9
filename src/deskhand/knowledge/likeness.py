"""What documents say twice, and what they say differently. Pure: texts in, marks and findings out.

Marks are numbers that like texts share with a good chance (MinHash in bands; Broder, Compression and Complexity of Sequences, 1997): four
for a chunk's runs of words, and some for the words of each of its sentences, figures left out. They only say where to look; what is
found is compared word by word.

Invariant: marks depend on nothing but the text, so those of a stored chunk can be compared with those of a new one.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from deskhand.words import STOP_WORDS, fold, sentences, stem, words

_RUN = 3
_LEAST_WORDS = 12
_CHUNK_BANDS, _CHUNK_ROWS = 4, 4
_SENTENCE_BANDS, _SENTENCE_ROWS = 3, 2
_MOST_SENTENCES = 12
_LEAST_STEMS, _MOST_STEMS = 3, 24
_SAME_RUNS = 0.6
_SAME_STATEMENT = 0.6
_SAME_STATEMENT_ELSEWHERE = 0.75
_SAME_BUT_FOR_NOT = 0.8
_MUCH_SHARED = 2
_SURELY_SAME_RUNS = 0.85
# Of keys: whether it is a chunk's or a sentence's.
_OF_CHUNK = 1 << 61

# Each turns one order of hashes into another; the least of a set in each order is as good as that of a hash of its own.
_ORDERS = np.random.default_rng(19_970_611).integers(0, 1 << 32, _CHUNK_BANDS * _CHUNK_ROWS, dtype=np.int64)
_SENTENCE_ORDERS: tuple[int, ...] = tuple(_ORDERS[: _SENTENCE_BANDS * _SENTENCE_ROWS].tolist())

_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)])\s)")
_NO_SENTENCE = re.compile(r"^[ \t]*[#|].*$", re.MULTILINE)
_NUMBERED = re.compile(r"^\s*(?:[-*+•>]\s+|\d+[.)]\s+)+")
_MARKUP = re.compile(r"[*_`#]+|\]\([^)\s]*\)")
_FIGURE = re.compile(r"[$€£¥]?\s?\d+(?:[.,:/-]\d+)*\s?(?:%|[$€£¥])?")
_DIGITS = re.compile(r"\d")
_NAME = re.compile(r"(?<=[^\W_] )[A-Z][\w-]+")
# Of a title, what does not say which thing it is about.
_GENERIC_WORDS = """
    policy policies guide faq faqs help information info overview terms conditions general page article internal document version new old
    updated update copy final draft richtlinie hinweise leitfaden politique condiciones politica
"""
_GENERIC = frozenset(_GENERIC_WORDS.split())
# Words that turn a statement round, in the languages that have stop words.
_NEGATING_WORDS = """
    no not never cannot can't don't doesn't isn't aren't won't without nicht kein keine keinen niemals ne pas jamais non nunca nao geen niet
"""
_NEGATIONS = frozenset(_NEGATING_WORDS.split())


class LikenessKind(StrEnum):
    NEAR_DUPLICATE = "near_duplicate"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence. `stems` are those of its words that carry meaning; `names` those of them that are written as names."""

    text: str
    stems: frozenset[str]
    names: frozenset[str]
    figures: frozenset[str]
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A chunk with what stands above it."""

    title: str
    section: str | None
    text: str


def marks_of(text: str) -> list[int]:
    """The keys of a chunk. Each is in [0, 2^62)."""
    found = _chunk_marks(_runs(text))
    for statement in statements(text):
        found += _sentence_marks(statement.stems)
    return list(dict.fromkeys(found))


def is_of_chunk(key: int) -> bool:
    """Whether a key is that of a whole chunk, and not of a sentence."""
    return key & _OF_CHUNK != 0


@lru_cache(maxsize=1_024)
def statements(text: str) -> tuple[Statement, ...]:
    """The sentences of a chunk that say enough to be compared; no headings and no rows of tables."""
    found: list[Statement] = []
    for block in _BLOCK.split(_NO_SENTENCE.sub("\n", text)):
        for sentence in sentences(" ".join(_NUMBERED.sub("", block).split())):
            statement = _statement(sentence)
            if _LEAST_STEMS <= len(statement.stems) <= _MOST_STEMS:
                found.append(statement)
    return tuple(found[:_MOST_SENTENCES])


def share_of_same_runs(text: str, other: str) -> float:
    """Which part of all runs of three words both texts have."""
    runs, others = _runs(text), _runs(other)
    return len(runs & others) / max(1, len(runs | others))


def is_near_duplicate(chunk: Written, other: Written) -> bool:
    """Whether two chunks are nearly the same words; if they are of the same subject, much the same are enough."""
    shared = share_of_same_runs(chunk.text, other.text)
    return shared >= _SURELY_SAME_RUNS or (shared >= _SAME_RUNS and is_same_subject(chunk, other))


def is_same_subject(chunk: Written, other: Written) -> bool:
    """Whether the titles leave it possible that both are about the same thing.

    Titles that share much differ in what they are about ("Gold account: fees" and "Gold plus account: fees"), unless each text says the
    words that only the other title has. Titles that share little are two names of one thing if one text says all of the other's title.
    """
    one, two = set(_title_words(chunk.title)), set(_title_words(other.title))
    shared = len(one & two)
    if one - two and two - one and 2 * shared >= len(one):
        return False
    says_one, says_two = _says_all(other, _title_words(chunk.title)), _says_all(chunk, _title_words(other.title))
    return says_one and says_two if shared >= _MUCH_SHARED else says_one or says_two


def find_contradiction(chunk: Written, other: Written) -> tuple[str, str] | None:
    """The two sentences that disagree most plainly; `None` if none do, or the chunks are about different things."""
    if not is_same_subject(chunk, other):
        return None
    by_title = _says_all(other, _title_words(chunk.title)) and _says_all(chunk, _title_words(other.title))
    least = _SAME_STATEMENT if by_title else _SAME_STATEMENT_ELSEWHERE
    pairs = [
        (len(one.stems & two.stems) / len(one.stems | two.stems), one.text, two.text)
        for one in statements(chunk.text)
        for two in statements(other.text)
        if contradicts(one, two, least=least)
    ]
    return max(pairs)[1:] if pairs else None


def contradicts(statement: Statement, other: Statement, *, least: float = _SAME_STATEMENT) -> bool:
    """Whether two sentences say of the same thing different figures, or one that it is and the other that it is not.

    They are of the same thing if they share `least` of all their words.
    """
    if statement.names - other.stems - other.names and other.names - statement.stems - statement.names:
        return False
    shared, both = len(statement.stems & other.stems), len(statement.stems | other.stems)
    if statement.figures != other.figures:
        differ = bool(statement.figures - other.figures and other.figures - statement.figures)
        return differ and statement.is_negated == other.is_negated and shared >= least * both
    return statement.is_negated != other.is_negated and shared >= _SAME_BUT_FOR_NOT * both


def _statement(sentence: str) -> Statement:
    plain = _MARKUP.sub(" ", sentence)
    figures = frozenset(_normal(match.group()) for match in _FIGURE.finditer(plain))
    # The first word is written large whatever it is.
    names = frozenset(stem(fold(match.group())) for match in _NAME.finditer(plain))
    without = _FIGURE.sub(" ", plain)
    return Statement(
        text=" ".join(sentence.split()),
        stems=frozenset(_stems(without)),
        names=names,
        figures=figures,
        is_negated=any(word in _NEGATIONS or word.endswith("n't") for word in words(without)),
    )


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words(text) if len(word) > 1 and word not in STOP_WORDS and word not in _NEGATIONS]


def _normal(figure: str) -> str:
    """A figure as it compares: "$1,500.00" and "1500 $" are the same."""
    figure = re.sub(r"\s", "", figure)
    unit = "".join(character for character in figure if character in "$€£¥%")
    number = re.sub(r"[$€£¥%]", "", figure)
    number = re.sub(r"(?<=\d),(?=\d{3}(?:\D|$))", "", number)
    number = re.sub(r"\.0+$", "", number)
    return f"{number}{unit}"


@lru_cache(maxsize=1_024)
def _runs(text: str) -> frozenset[int]:
    found = words(text)
    if len(found) < _LEAST_WORDS:
        return frozenset()
    return frozenset(zlib.crc32(" ".join(found[at : at + _RUN]).encode()) for at in range(len(found) - _RUN + 1))


def _chunk_marks(runs: frozenset[int]) -> list[int]:
    if not runs:
        return []
    values = np.fromiter(runs, np.int64, len(runs))
    least = (values ^ _ORDERS[:, None]).min(axis=1).tolist()
    return [_OF_CHUNK | _key(band, least[band * _CHUNK_ROWS : (band + 1) * _CHUNK_ROWS]) for band in range(_CHUNK_BANDS)]


def _sentence_marks(stems: frozenset[str]) -> list[int]:
    values = [zlib.crc32(word.encode()) for word in stems]
    least = [min(map(order.__xor__, values)) for order in _SENTENCE_ORDERS]
    return [_key(band, least[band * _SENTENCE_ROWS : (band + 1) * _SENTENCE_ROWS]) for band in range(_SENTENCE_BANDS)]


def _key(band: int, least: Sequence[int]) -> int:
    name = f"{band}:{least}".encode()
    return zlib.crc32(name) << 29 | zlib.adler32(name) & 0x1FFFFFFF


@lru_cache(maxsize=4_096)
def _title_words(title: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(stem(word) for word in words(title) if word not in STOP_WORDS and word not in _GENERIC and not word[0].isdigit())
    )


def _says_all(chunk: Written, title_words: tuple[str, ...]) -> bool:
    said = _said(chunk)
    # A stem ends before what changes of a word.
    return all(word.removesuffix("i") in said for word in title_words)


@lru_cache(maxsize=4_096)
def _said(chunk: Written) -> str:
    return fold(f"{chunk.title} {chunk.section or ''} {chunk.text}")
