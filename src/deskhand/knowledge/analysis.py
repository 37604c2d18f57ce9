"""Text into terms for the keyword index: words, their stems and pieces of them, the same for every language.

A word counts as it is written, by its stem, and by its overlapping 4-grams, ends marked, without accents: so an exact word counts most, and
forms, compounds, missing accents and slips of the pen still meet (McNamee and Mayfield, Information Retrieval 7, 2004). The stemmer is told
by the script alone: every word of Latin letters is stemmed as English, which costs other languages nothing, since their forms meet in the
pieces. A word that says nothing by itself has no pieces. A figure is one word, however its thousands and decimals are parted: "12" is no
part of "12.90". Scripts that write no spaces are cut into single characters, with the marks that belong to them, and pairs of these.

A term is kept as the CRC-32 of its UTF-8, so a chunk's terms are two small arrays, and the index needs no dictionary.

Invariant: `VERSION` changes whenever the terms of any text do.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deskhand.words import STOP_WORDS, fold, stem

VERSION = "words-and-grams-1"

_LONGEST_WORD = 64
_LONGEST_COUNT = 255
_GRAM = 4
# A shorter word has no piece that is not the whole word.
_PIECED = 3
_MARKS = "".join(chr(code) for code in range(0x300, 0x1B00) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_HAN = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_HANGUL = "\uac00-\ud7af"
_WORD = re.compile(
    rf"(?P<figure>\d+(?:[.,:]\d+)+)|(?P<han>[{_HAN}]+)|(?P<unspaced>(?:(?=[^\W_]|[{_MARKS}])[{_UNSPACED}])+)|(?P<hangul>[{_HANGUL}]+)"
    rf"|(?P<word>(?:(?![{_HAN}{_UNSPACED}{_HANGUL}])[^\W_]|[{_MARKS}])+)"
)
# Thai and Lao vowels are letters of their own, before or behind the consonant with which they are read.
_CLUSTER = re.compile(
    rf"[\u0e40-\u0e44\u0ec0-\u0ec4]*[^\u0e40-\u0e44\u0ec0-\u0ec4][{_MARKS}\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3]*|[\u0e40-\u0e44\u0ec0-\u0ec4]+"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
# The first and last letter of a script, and the language whose stemmer serves it.
_STEMMED = (("\u0370", "\u03ff", "el"), ("\u0400", "\u04ff", "ru"), ("\u0600", "\u06ff", "ar"), ("\u0900", "\u097f", "hi"))

Hashes = NDArray[np.uint32]
Counts = NDArray[np.uint8]


def analyse(text: str) -> tuple[Hashes, Counts]:
    """The distinct terms of `text`, ascending, and how often each occurs (255 at most)."""
    hashes: list[int] = []
    for kind, word in _words(text):
        hashes.extend(_hashes(kind, word))
    unique, counts = np.unique(np.array(hashes, dtype=np.uint32), return_counts=True)
    return unique, np.minimum(counts, _LONGEST_COUNT).astype(np.uint8)


def stem_terms(text: str) -> Hashes:
    """The terms of the stems of `text`, or of its characters where no spaces are written: what there is of it if its words are used."""
    hashes = [_hash(f"={_stem(word)}") if kind == "word" else hashed for kind, word in _words(text) for hashed in _hashes(kind, word)]
    return np.unique(np.array(hashes, dtype=np.uint32))


def word_terms(words: Sequence[str]) -> Hashes:
    """The terms of `words`, each of one word as it is written, in their order."""
    return np.array([_hash(f"={unicodedata.normalize('NFKC', word).casefold()}") for word in words], dtype=np.uint32)


def pack(hashes: Hashes, counts: Counts) -> bytes:
    """Little-endian hashes, then the counts: five bytes a term."""
    return hashes.astype("<u4").tobytes() + counts.tobytes()


def unpack(packed: bytes) -> tuple[Hashes, Counts]:
    terms = len(packed) // 5
    return np.frombuffer(packed, "<u4", terms), np.frombuffer(packed, np.uint8, terms, offset=4 * terms)


def _words(text: str) -> Iterator[tuple[str, str]]:
    """The words of `text` in order, each with its kind; what is longer than any word in pieces."""
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        word = match.group()
        for start in range(0, len(word), _LONGEST_WORD):
            yield match.lastgroup or "word", word[start : start + _LONGEST_WORD]


def _hash(term: str) -> int:
    return zlib.crc32(term.encode())


@lru_cache(maxsize=16_384)
def _hashes(kind: str, word: str) -> tuple[int, ...]:
    return tuple(_hash(term) for term in _terms(kind, word))


def _terms(kind: str, word: str) -> list[str]:
    match kind:
        case "han":
            return [*word, *_grams(word, 2)]
        case "unspaced":
            clusters: list[str] = _CLUSTER.findall(word)
            return [*clusters, *map("".join, pairwise(clusters))]
        case "figure":
            figure = re.sub(r"[.,]", "" if _THOUSANDS.fullmatch(word) else ".", word)
            return [f"={figure}", f"={figure}", *_grams(f"_{figure}_", _GRAM)]
        case "hangul":
            return _grams(f"_{word}_", 2)
        case _:
            folded = fold(word)
            if folded in STOP_WORDS:
                return [f"={word}"]
            return [f"={word}", f"={_stem(word)}", *(_grams(f"_{folded}_", _GRAM) if len(folded) >= _PIECED else [])]


def _stem(word: str) -> str:
    folded = fold(word)
    if not folded or folded in STOP_WORDS:
        return word
    return stem(folded, next((language for first, last, language in _STEMMED if first <= folded[0] <= last), "en"))


def _grams(word: str, size: int) -> list[str]:
    return [word[start : start + size] for start in range(len(word) - size + 1)]
