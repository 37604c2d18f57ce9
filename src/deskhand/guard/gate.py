"""The evidence gate: each sentence of an answer is examined before it is shown. Pure: a sentence and the evidence in, problems out.

The invariant: a sentence that stands word for word in a passage has no problem, so who only quotes always passes.
"""

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from functools import cache

from deskhand.guard.evidence.atoms import Atom, Kind, number_words, scan
from deskhand.guard.evidence.deeds import Claim, claims_in, is_kept, promises_person
from deskhand.guard.evidence.effects import effects_of_tool
from deskhand.guard.evidence.figures import FigureCheck
from deskhand.guard.evidence.names import unknown_names
from deskhand.guard.evidence.numbers import NUMBER_WORDS
from deskhand.guard.evidence.recital import Rules, recited
from deskhand.guard.evidence.roots import words_of
from deskhand.guard.evidence.sentences import SentenceStream
from deskhand.guard.evidence.sources import Deed, Evidence, TextIndex
from deskhand.guard.evidence.statements import lacks_support
from deskhand.texts import LANGUAGES, language_of, texts_for
from deskhand.words import fold


class GatePolicy(StrEnum):
    """`MARK` shows every sentence and says which have problems; `BLOCK` shows none that has."""

    OFF = "off"
    MARK = "mark"
    BLOCK = "block"


class WithheldPolicy(StrEnum):
    """What follows when a sentence has no evidence for the second time."""

    SAY_LESS = "say_less"
    HAND_OVER = "hand_over"


class Reason(StrEnum):
    FIGURE = "figure"
    DATE = "date"
    CODE = "code"
    ADDRESS = "address"
    NAME = "name"
    STATEMENT = "statement"
    REPORT = "report"
    PROMISE = "promise"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Problem:
    """`text` is the part of the sentence that has no evidence; the whole sentence where it has no part that could be named."""

    reason: Reason
    text: str


_REASONS = {
    Kind.LINK: Reason.ADDRESS,
    Kind.EMAIL: Reason.ADDRESS,
    Kind.PHONE: Reason.ADDRESS,
    Kind.CODE: Reason.CODE,
    Kind.DATE: Reason.DATE,
    Kind.TIME: Reason.DATE,
    Kind.NUMBER: Reason.FIGURE,
}
_CLAIMS = {Claim.REPORT: Reason.REPORT, Claim.PROMISE: Reason.PROMISE}
_GERMAN = "de"
_NUMBERING = re.compile(r"[\s>#]*(?:\(?\d{1,3}[.)]|[-*•+])\s+")
_CITATION = re.compile(r"\s?\[\d{1,3}(?:\s?[,;]\s?\d{1,3})*\]")
_EMPHASIS = re.compile(r"\*\*|__|`")
_HOLDS_ATOM = re.compile(r"[\d@]|www\.|://|\.[a-z]{2}")
_NUMBER_WORDS = frozenset(NUMBER_WORDS)
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems` is empty when the sentence may be shown. `promises_person`: it says that a person takes over.

    `words` are the folded words of the sentence.
    """

    problems: tuple[Problem, ...] = ()
    promises_person: bool = False
    words: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What the same answer said before: its sentences that were let through, and the last words of them (see `recital`)."""

    sentences: Sequence[TextIndex] = ()
    words: Sequence[str] = ()


_NO_RULES = Rules()


def examine(sentence: str, evidence: Evidence, *, answer: Sequence[str] = (), language: str = "en") -> tuple[Problem, ...]:
    """What in the sentence has no evidence; empty when it may be shown. For one sentence by itself; see `judge`."""
    return judge(sentence, evidence, before=SaidBefore([TextIndex(text) for text in answer]), language=language).problems


def judge(sentence: str, evidence: Evidence, *, before: SaidBefore, language: str, rules: Rules = _NO_RULES) -> Verdict:
    """Whether the sentence may be shown. At most 5 ms of CPU, a plain sentence 0.02 ms.

    `language` is the one the answer is likely in, as an ISO 639-1 code. `rules` are the agent's own, which no answer recites.
    """
    body = _body(sentence)
    if not body:
        return Verdict()
    folded = fold(body)
    words = words_of(folded)
    found: list[Problem] = []
    atoms = _atoms(body, words)
    if atoms:
        found += [
            Problem(_REASONS[atom.kind], atom.text) for atom in FigureCheck(body, atoms, evidence, answer=before.sentences).unproven()
        ]
    found += [Problem(Reason.NAME, name) for name in _unknown_names(body, evidence, language=language)]
    claims = claims_in(folded, words)
    found += [Problem(_CLAIMS[said.claim], said.word) for said in claims if not is_kept(said, evidence)]
    if not found and not atoms and not claims and lacks_support(folded, words, evidence) and body not in our_phrases():
        found.append(Problem(Reason.STATEMENT, body))
    if found and _is_quoted(body, evidence):
        found = []
    if row := recited(rules, before.words, words, known=evidence.not_answered):
        found.append(Problem(Reason.RULES, row))
    return Verdict(tuple(found), bool(claims) and promises_person(claims, folded), words)


def _body(sentence: str) -> str:
    """Without numbering, emphasis and citations."""
    if (numbering := _NUMBERING.match(sentence)) is not None:
        sentence = sentence[numbering.end() :]
    # A look for one letter is far cheaper than an expression.
    if "*" in sentence or "_" in sentence or "`" in sentence:
        sentence = _EMPHASIS.sub("", sentence)
    if "[" in sentence:
        sentence = _CITATION.sub("", sentence)
    return sentence.strip()


@cache
def our_phrases() -> frozenset[str]:
    """Each sentence of our own words to customers: they state nothing that a document would have to support."""
    found: set[str] = set()
    for language in LANGUAGES:
        for phrase in astuple(texts_for(language)):
            stream = SentenceStream()
            found.update(sentence.strip() for sentence in (*stream.feed(phrase), *stream.flush()))
    return frozenset(found)


def deed(tool: str, purpose: str) -> Deed:
    """What a tool of this name and purpose does when it succeeds."""
    return Deed(tool, effects_of_tool(tool, purpose))


def _atoms(body: str, words: Sequence[str]) -> tuple[Atom, ...]:
    atoms = tuple(scan(body)) if _HOLDS_ATOM.search(body) else ()
    return atoms if _NUMBER_WORDS.isdisjoint(words) else (*atoms, *number_words(body))


def _unknown_names(body: str, evidence: Evidence, *, language: str) -> list[str]:
    """None in German, where every noun is written like a name; also when the customer does not write German, but the model does."""
    found = [] if language == _GERMAN else list(unknown_names(body, evidence))
    return [] if found and language_of(body) == _GERMAN else found


def _is_quoted(body: str, evidence: Evidence) -> bool:
    wanted = _SPACE.sub(" ", fold(body))
    return any(wanted in _SPACE.sub(" ", _EMPHASIS.sub("", text.folded)) for text in evidence.passages)
