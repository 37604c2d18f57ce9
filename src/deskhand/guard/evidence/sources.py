"""The evidence of one turn: passages, tool results, the customer's own words, what was answered before. Texts in, look-ups out.

The invariant: a text is read when something is first looked up, once, and nothing of it is kept beyond the turn, so what a company deletes
is not kept here.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec

from deskhand.guard.evidence import records
from deskhand.guard.evidence.atoms import Atom, Kind, digits_of, number_words, scan
from deskhand.guard.evidence.calendar import Date, agree
from deskhand.guard.evidence.numbers import NUMBER_WORDS, SCALE, in_smallest
from deskhand.guard.evidence.roots import root, words_of
from deskhand.guard.evidence.things import Thing, things_by_key
from deskhand.guard.lazy import lazy
from deskhand.words import STOP_WORDS, fold

_CAPITAL = re.compile(r"\b[A-Z][^\W\d_]{2,}")
_BEFORE = 60
_AFTER = 40
_BREAK = re.compile(r"\n|[.!?]\s")
_WORDS_BEFORE = 4
_WORDS_BEHIND = 3
_SHORTEST_KEY = 5


def beside(text: str, atom: Atom) -> frozenset[str]:
    """The roots of the few words that carry meaning right before and behind an atom, within its line and sentence."""
    before = _BREAK.split(text[max(0, atom.start - _BEFORE) : atom.start])[-1]
    behind = _BREAK.split(text[atom.end : atom.end + _AFTER], maxsplit=1)[0]
    return frozenset((*_meant(before)[-_WORDS_BEFORE:], *_meant(behind)[:_WORDS_BEHIND]))


def _meant(text: str) -> list[str]:
    return [root(word) for word in words_of(fold(text)) if word not in STOP_WORDS]


class TextIndex:
    """One text of the evidence."""

    def __init__(self, text: str) -> None:
        self.text = text

    @lazy
    def folded(self) -> str:
        return fold(self.text)

    @lazy
    def words(self) -> frozenset[str]:
        """The folded words."""
        return frozenset(words_of(self.folded))

    @lazy
    def _places(self) -> dict[str, list[int]]:
        """Where each folded word stands, counted in words."""
        found: dict[str, list[int]] = {}
        for at, word in enumerate(words_of(self.folded)):
            found.setdefault(word, []).append(at)
        return found

    @lazy
    def roots(self) -> frozenset[str]:
        return frozenset(root(word) for word in self.words)

    @lazy
    def atoms(self) -> tuple[Atom, ...]:
        atoms = tuple(scan(self.text))
        return atoms if NUMBER_WORDS.keys().isdisjoint(self.words) else (*atoms, *number_words(self.text))

    @lazy
    def value(self) -> Any:
        """The text read as a JSON object or list; None for any other text."""
        if self.text[:1] not in ("{", "["):
            return None
        try:
            return msgspec.json.decode(self.text)
        except msgspec.DecodeError:
            return None

    @lazy
    def lengths(self) -> dict[str, set[int]]:
        """How many things the lists of a JSON text hold, by the root of what they are called."""
        found: dict[str, set[int]] = {}
        for name, length in records.list_lengths(self.value):
            found.setdefault(name, set()).add(length)
        return found

    @lazy
    def numbers(self) -> dict[int, list[Atom]]:
        """By value. Spans of time stand under their value in the smallest unit as well, negative so that the two never mix."""
        found: dict[int, list[Atom]] = {}
        for atom in self.atoms:
            if atom.kind is Kind.NUMBER or (atom.kind is Kind.CODE and atom.text.isdigit()):
                for key in atom.keys:
                    value = int(key) * SCALE if isinstance(key, str) else key
                    if isinstance(value, int):
                        found.setdefault(value, []).append(atom)
                        if (span := in_smallest(value, atom.unit)) is not None:
                            found.setdefault(-span[0], []).append(atom)
        return found

    @lazy
    def codes(self) -> frozenset[str]:
        """Codes, and all other runs of digits and letters that a code may be written as."""
        return frozenset(str(key) for atom in self.atoms if atom.kind is Kind.CODE for key in atom.keys)

    @lazy
    def digits(self) -> str:
        """All digits of telephone numbers and long numbers, each between spaces."""
        return " ".join(digits_of(atom.text) for atom in self.atoms if atom.kind in (Kind.PHONE, Kind.CODE, Kind.NUMBER))

    @lazy
    def addresses(self) -> frozenset[str]:
        """Links and e-mail addresses."""
        return frozenset(str(key) for atom in self.atoms if atom.kind in (Kind.LINK, Kind.EMAIL) for key in atom.keys)

    @lazy
    def dates(self) -> tuple[Date, ...]:
        return tuple(key for atom in self.atoms if atom.kind is Kind.DATE for key in atom.keys if isinstance(key, tuple))

    @lazy
    def times(self) -> frozenset[int]:
        return frozenset(key for atom in self.atoms if atom.kind is Kind.TIME for key in atom.keys if isinstance(key, int) and key >= 0)

    def read(self) -> None:
        """Work out now what is mostly asked for."""
        _ = (self.roots, self.numbers, self.codes, self.digits, self.times, self.dates, self.lengths, self._by_code, self.things)

    def records(self, codes: frozenset[str]) -> tuple["TextIndex", ...]:
        """The records of a JSON text that hold one of these codes, each the smallest that says something about it."""
        return tuple(record for code in codes for record in self._by_code.get(code, ()))

    @lazy
    def _by_code(self) -> dict[str, list["TextIndex"]]:
        found: dict[str, list[TextIndex]] = {}
        # With the record, which thereby lives and keeps its id for as long as it is looked up by it.
        made: dict[int, tuple[Any, TextIndex]] = {}
        for code, record in records.coded_records(self.value):
            if id(record) not in made:
                made[id(record)] = (record, TextIndex(msgspec.json.encode(record).decode()))
            found.setdefault(code, []).append(made[id(record)][1])
        return found

    @lazy
    def things(self) -> dict[str | int, list[Thing]]:
        """What a JSON text lists, by codes and by amounts in ten-thousandths."""
        return things_by_key(self.value)

    def has_near(self, one: str, other: str, *, within: int) -> bool:
        """Whether two folded words stand at most `within` words apart."""
        first, second = self._places.get(one), self._places.get(other)
        return bool(first and second) and any(abs(at - there) <= within for at in first or () for there in second or ())


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done: a tool that was called and succeeded, and the effects it has (see `deeds`)."""

    name: str
    effects: frozenset[str]


class Evidence:
    """Everything a turn's answer may be drawn from. Grows while the turn runs."""

    def __init__(self, base: tuple[TextIndex, ...] = (), *, abilities: frozenset[str] = frozenset()) -> None:
        """`base` is what holds in every turn, such as the company's instructions; it is read once for all of them. `abilities` are the
        effects of the tools that could be called."""
        self._base = base
        self.passages: list[TextIndex] = []
        self.results: list[TextIndex] = []
        self.said: list[TextIndex] = []
        self.earlier: list[TextIndex] = []
        self.deeds: list[Deed] = []
        self.abilities: frozenset[str] = abilities

    def add_passage(self, text: str) -> None:
        """A passage of a document: what holds for everybody."""
        self.passages.append(TextIndex(text))

    def add_result(self, text: str) -> None:
        """What a tool gave: what holds for this customer."""
        self.results.append(TextIndex(text))

    def add_said(self, text: str) -> None:
        """The customer's own words."""
        self.said.append(TextIndex(text))

    def add_answered(self, text: str) -> None:
        """What was answered in an earlier turn."""
        self.earlier.append(TextIndex(text))

    def add_deed(self, deed: Deed) -> None:
        """A tool that was called and succeeded."""
        self.deeds.append(deed)

    @property
    def documents(self) -> list[TextIndex]:
        """What people wrote for everybody, as against what tools gave."""
        return [*self.passages, *self._base]

    @property
    def found(self) -> list[TextIndex]:
        """What was looked up, and what always holds."""
        return [*self.results, *self.passages, *self._base]

    def __iter__(self) -> Iterator[TextIndex]:
        """Where a claim is most likely to be found comes first: what is not asked for is never read."""
        return chain(self.passages, self.results, self.said, self._base, self.earlier)

    @property
    def not_answered(self) -> Iterator[TextIndex]:
        """All that is not the agent's own words."""
        return chain(self.passages, self.results, self.said, self._base)

    @property
    def written_large(self) -> Iterator[str]:
        """The words that the customer wrote with a capital letter."""
        return (word for text in self.said for word in _CAPITAL.findall(text.text))

    def has_word(self, word: str) -> bool:
        return any(word in text.words for text in self)

    def records(self, codes: frozenset[str]) -> tuple[TextIndex, ...]:
        """The records of tool results that hold one of these codes; a short code, such as a size, names no record."""
        codes = frozenset(code for code in codes if len(code) >= _SHORTEST_KEY)
        return tuple(record for text in self.results for record in text.records(codes)) if codes else ()

    def things(self, keys: AbstractSet[str | int]) -> tuple[Thing, ...]:
        """What the tool results list under one of these codes or amounts."""
        return tuple(thing for text in self.results for key in keys for thing in text.things.get(key, ()))

    def has_date(self, date: Date) -> bool:
        return any(agree(date, found) for text in self for found in text.dates)

    def has_year(self, year: int) -> bool:
        """Whether any evidence is of that year or the ones beside it, or none names a year."""
        is_named = False
        for found in (date[0] for text in self for date in text.dates if date[0]):
            if abs(year - found) <= 1:
                return True
            is_named = True
        return not is_named
