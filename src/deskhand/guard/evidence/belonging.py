"""Whether a value belongs to the thing that a sentence speaks of, or only to its neighbour.

The invariant: a sentence names a thing by a code or by an amount that is no whole number, and a value by the words that stand with it.
Where either is missing, where the customer said the value themselves, and where no tool gave it at all (a total, say), nothing is said
against it here.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from deskhand.guard.evidence.arithmetic import first_value
from deskhand.guard.evidence.atoms import Atom, Kind
from deskhand.guard.evidence.numbers import CURRENCIES, SCALE, family, in_smallest
from deskhand.guard.evidence.roots import roots
from deskhand.guard.evidence.sources import Evidence, TextIndex

_CLAUSE = re.compile(r"[,;:()\n–—]|\. ")
_MINUTES_OF_HALF_A_DAY = 720
_OF_THINGS = frozenset({Kind.NUMBER, Kind.TIME, Kind.CODE})


class Belonging:
    """The atoms of one sentence against what tools said of the things that it names. `codes` are the codes in it."""

    def __init__(self, sentence: str, atoms: Sequence[Atom], evidence: Evidence, *, codes: frozenset[str]) -> None:
        self._sentence = sentence
        self._atoms = atoms
        self._evidence = evidence
        self._things = evidence.things(codes) or evidence.things(frozenset(self._exact_amounts()))

    def is_elsewhere(self, atom: Atom) -> bool:
        """Whether what the sentence speaks of has other values under the name that the sentence gives to this one."""
        if not self._things or atom.kind not in _OF_THINGS:
            return False
        labels = _labels(atom, self._sentence, self._atoms)
        if not labels or not self._is_given(atom) or any(self._is_told(atom, labels, text) for text in self._evidence.said):
            return False
        values = self._named(atom, labels)
        return bool(values) and not any(_equal(atom, found) for found in values)

    def _named(self, atom: Atom, labels: frozenset[str]) -> list[Atom]:
        return [found for thing in self._things for found in thing.named(labels, partial(_alike, atom))]

    def _is_told(self, atom: Atom, labels: frozenset[str], text: TextIndex) -> bool:
        """Whether the customer speaks of the value, and not under the other name that it has: who says "arrives at 4" says no departure."""
        for told in text.atoms:
            if _alike(atom, told) and _equal(atom, told):
                theirs = _labels(told, text.text, text.atoms)
                if not labels.isdisjoint(theirs) or not any(_equal(atom, found) for found in self._named(atom, theirs)):
                    return True
        return False

    def _is_given(self, atom: Atom) -> bool:
        """Whether a tool gave the value of something; what was only reckoned belongs to nothing else."""
        return atom.kind is not Kind.NUMBER or any(key in text.numbers for text in self._evidence.results for key in atom.keys)

    def _exact_amounts(self) -> Iterator[int]:
        """The amounts of the sentence that hardly two things share."""
        for atom in self._atoms:
            value = first_value(atom)
            if value is not None and value % SCALE and (atom.unit in CURRENCIES or not atom.unit):
                yield value


def _labels(atom: Atom, text: str, atoms: Sequence[Atom]) -> frozenset[str]:
    """The roots of the words that stand with an atom between commas, brackets and other atoms of its text."""
    before = max((other.end for other in atoms if other.end <= atom.start), default=0)
    behind = min((other.start for other in atoms if other.start >= atom.end), default=len(text))
    left = _CLAUSE.split(text[before : atom.start])[-1]
    right = _CLAUSE.split(text[atom.end : behind], maxsplit=1)[0]
    return roots(left) | roots(right)


def _alike(atom: Atom, found: Atom) -> bool:
    return atom.kind is found.kind and (not atom.unit or not found.unit or family(atom.unit) == family(found.unit))


def _equal(atom: Atom, found: Atom) -> bool:
    mine, theirs = (frozenset(key for key in each.keys if isinstance(key, int)) for each in (atom, found))
    match atom.kind:
        case Kind.TIME:
            # "At 2:00" may be in the afternoon.
            apart = {0} if "m" in atom.text.lower() else {0, _MINUTES_OF_HALF_A_DAY}
            return any(abs(one - other) in apart for one in mine for other in theirs)
        case Kind.NUMBER:
            # 10 % may be given as 0.1.
            said = mine | {key // 100 for key in mine} if atom.unit == "percent" and not found.unit else mine
            return any((in_smallest(key, found.unit) or key) in {in_smallest(one, atom.unit) or one for one in said} for key in theirs)
        case _:
            return not {*atom.keys}.isdisjoint(found.keys)
