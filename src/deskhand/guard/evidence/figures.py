"""Whether figures, dates, times, links, addresses and codes of a sentence stand in the evidence, or follow from it.

The invariant: a small number ("3") proves nothing by standing somewhere: it has to stand beside the same unit or the same words, and in the
record that the sentence speaks of, if it names one. A number that hardly comes twice by chance ("1,264.50") has only to stand there.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from deskhand.guard.evidence import arithmetic
from deskhand.guard.evidence.atoms import RANGE, Atom, Kind, fold_code
from deskhand.guard.evidence.belonging import Belonging
from deskhand.guard.evidence.calendar import Date, days_beside
from deskhand.guard.evidence.numbers import CURRENCIES, SCALE, family, in_smallest, is_unit
from deskhand.guard.evidence.roots import root
from deskhand.guard.evidence.sources import Evidence, TextIndex, beside
from deskhand.words import fold

_SMALL = 100 * SCALE
_LARGE = 1_000 * SCALE
_MOST_COUNTED = 12 * SCALE
_MINUTES_OF_HALF_A_DAY = 720
_MINUTES_OF_A_DAY = 1_440
_UNIT_LETTERS = 4
_RANGE_CHARACTERS = 6
_SHORTEST_PHONE = 7
_LONGEST_COUNTRY = 4
_SHORTEST_ENDING = 3
_MONTHS_OF_A_YEAR = 12
_YEARLY = re.compile(r"\b(?:year|yearly|annual|annually|jahr|jahrlich|an|annee|ano|anual|anno|annuale|jaar)\b")
_MEASURES = frozenset({"second", "month", "percent", "gb", "mb", "tb", "kb"})

# What stands between two numbers of one span or choice: "5 to 7 days", "4G/5G".
_JOINED = re.compile(r"[^\W\d_]{0,5}\s?(?:[-–—/]|to|bis|à|a|or|o|ou|oder|and|und|y|et|e)\s?")
_LISTED = re.compile(
    r"[^\W\d_]{0,5}\s?(?:,|/|\bor\b|\band\b|\boder\b|\bund\b)\s?(?:(?:or|and|oder|und)\s)?(?:[^\W\d_]+,\s(?:(?:or|and|oder|und)\s)?)?"
)
_TOTAL = re.compile(r"\+|\b(?:total|altogether|combined|in all|sum|insgesamt|zusammen|summe|somme|suma|totale|totaal)", re.IGNORECASE)
# "The card ending in 7086", in the languages we ship.
_ENDING = re.compile(r"\b(?:end|last|final|letzt|termin|dern|ult|eind|laatste)|[*•x·]{2,}\s?\d", re.IGNORECASE)
_ATTACHED = re.compile(r"-?[^\W\d_]")
_NEXT_DAY = re.compile(
    r"\b(?:next day|day after|following day|tomorrow|day before|previous day|yesterday|morgen|folgetag|demain|lendemain|manana|domani"
    r"|amanha|volgende dag)\b"
)
_BOUND = re.compile(
    r"\b(?:before|after|by|until|vor|nach|bis|avant|après|antes|después|prima|dopo|depois|voor|na)\s\w{0,4}\s?$", re.IGNORECASE
)
_LONGEST_BOUND = 16
_NEXT_WORD = re.compile(r"[\s-]([^\W\d_]+)")


class FigureCheck:
    """The atoms of one sentence against the evidence. `answer` is what the same answer said before, which was proven."""

    def __init__(self, sentence: str, atoms: Sequence[Atom], evidence: Evidence, *, answer: Sequence[TextIndex]) -> None:
        self._sentence = sentence
        self._atoms = atoms
        self._evidence = evidence
        self._answer = answer
        self._says_ending = _ENDING.search(sentence) is not None
        codes = frozenset(str(key) for atom in atoms if atom.kind is Kind.CODE for key in atom.keys)
        self._records = evidence.records(codes)
        self._belonging = Belonging(sentence, atoms, evidence, codes=codes)

    def unproven(self) -> Iterator[Atom]:
        """The atoms for which there is no evidence."""
        torn = self._torn_spans()
        for atom in self._atoms:
            if atom in torn or not self._is_proven(atom) or self._belonging.is_elsewhere(atom):
                yield atom

    def _is_proven(self, atom: Atom) -> bool:
        match atom.kind:
            case Kind.LINK | Kind.EMAIL:
                address = str(atom.keys[0])
                return any(address in text.addresses or address in text.folded for text in self._evidence)
            case Kind.PHONE:
                return self._has_phone(str(atom.keys[0]))
            case Kind.CODE:
                return self._has_code(str(atom.keys[0]))
            case Kind.DATE:
                holds = [self._has_date(key) for key in atom.keys if isinstance(key, tuple)]
                return all(holds) if atom.unit == RANGE else any(holds)
            case Kind.TIME:
                return self._has_time(atom)
            case Kind.NUMBER:
                return self._has_number(atom)

    def _torn_spans(self) -> list[Atom]:
        """The second ends of spans and choices that no evidence has so, or that say the same twice."""
        torn = self._listed_twice()
        for one, other in pairwise(self._atoms):
            joined = _JOINED.fullmatch(self._sentence, one.end, other.start)
            if joined is None or not one.unit or one.unit != other.unit or one.kind is not Kind.NUMBER:
                continue
            is_span = "/" in joined[0] or family(other.unit) == family("day")
            if one.keys == other.keys or (is_span and not any(_has_span(text, one, other, joined=joined[0]) for text in self._evidence)):
                torn.append(other)
        return torn

    def _listed_twice(self) -> list[Atom]:
        """What stands a second time in one list of choices: "4G, 5G, LTE, 4G". Prices may be equal."""
        twice: list[Atom] = []
        listed: set[tuple[object, str]] = set()
        for at, atom in enumerate(self._atoms):
            if at and not _LISTED.fullmatch(self._sentence, self._atoms[at - 1].end, atom.start):
                listed = set()
            key = (atom.keys, atom.unit)
            if atom.kind is Kind.NUMBER and atom.unit and atom.unit not in CURRENCIES:
                if key in listed:
                    twice.append(atom)
                listed.add(key)
        return twice

    def _has_phone(self, digits: str) -> bool:
        """The same digits, or the same without the country's: "+49 30 123456" is "030 123456"."""
        known = (found for text in self._evidence for found in text.digits.split())
        return any(digits == found or _is_national(digits, found) or _is_national(found, digits) for found in known)

    def _has_code(self, code: str) -> bool:
        for text in self._evidence:
            if code in text.codes or code in text.words:
                return True
            if code.isdigit() and (f" {code} " in f" {text.digits} " or int(code) * SCALE in text.numbers):
                return True
            if self._says_ending and len(code) >= _SHORTEST_ENDING and any(found.endswith(code) for found in text.codes):
                return True
        return False

    def _has_date(self, date: Date) -> bool:
        if self._evidence.has_date(date):
            return not date[0] or self._evidence.has_year(date[0])
        if not (_NEXT_DAY.search(fold(self._sentence)) or any(_NEXT_DAY.search(text.folded) for text in self._evidence.said)):
            return False
        return any(self._evidence.has_date(other) for other in days_beside(date))

    def _has_time(self, atom: Atom) -> bool:
        exact = "m" in atom.text.lower()
        keys = {key for key in atom.keys if isinstance(key, int) and key >= 0}
        if not exact:
            keys |= {(key + _MINUTES_OF_HALF_A_DAY) % _MINUTES_OF_A_DAY for key in keys}
        texts: Iterable[TextIndex] = [record for record in self._records if record.times] or self._evidence
        if _is_bound(self._sentence, atom) and (bounds := [bound for said in self._evidence.said for bound in _bounds(said)]):
            # What the customer wants "before 7 am" is no other time at which something happens.
            bounds += [bound for text in (*self._evidence.documents, *self._evidence.earlier) for bound in _bounds(text)]
            return not keys.isdisjoint(bounds)
        return any(keys & text.times for text in texts)

    def _has_number(self, atom: Atom) -> bool:
        values = [key for key in atom.keys if isinstance(key, int)]
        if (length := self._length_named(atom)) is not None:
            return any(value in length for value in values)
        if any(self._stands_somewhere(value, atom) for value in values) or (self._says_ending and self._is_ending(atom)):
            return True
        return self._counts(values[0], atom) or any(self._follows(value, atom) for value in values)

    def _relevant(self, value: int) -> Iterable[TextIndex]:
        """Where a number of the sentence may come from."""
        if not self._records or value >= _LARGE:
            return self._evidence
        return (*self._records, *(text for text in self._evidence if text.value is None))

    def _stands_somewhere(self, value: int, atom: Atom) -> bool:
        span = in_smallest(value, atom.unit)
        near = beside(self._sentence, atom)
        for text in self._relevant(value):
            if any(self._means_the_same(value, atom, near, found=found, text=text) for found in text.numbers.get(value, ())):
                return True
            if span is not None and any(family(found.unit) == span[1] for found in text.numbers.get(-span[0], ())):
                return True
        # A percentage that a tool gave as a fraction: 10 % for 0.1.
        return atom.unit == "percent" and any(
            not found.unit for text in self._evidence.found for found in text.numbers.get(value // 100, ())
        )

    def _means_the_same(self, value: int, atom: Atom, near: frozenset[str], *, found: Atom, text: TextIndex) -> bool:
        if atom.unit and found.unit:
            return family(atom.unit) == family(found.unit) and in_smallest(value, atom.unit) == in_smallest(value, found.unit)
        if value >= _LARGE or value % SCALE or (atom.unit in CURRENCIES and (value >= _SMALL or text in self._records)):
            return True
        around = beside(text.text, found)
        if atom.unit and any(word.startswith(atom.unit[:_UNIT_LETTERS]) for word in around):
            return True
        return bool(near & around) and (not atom.unit or is_unit(atom.unit))

    def _is_ending(self, atom: Atom) -> bool:
        """The last digits of a longer number or code."""
        digits = atom.text
        if not digits.isdigit() or len(digits) < _SHORTEST_ENDING or atom.unit:
            return False
        return any(number.endswith(digits) for text in self._evidence for number in (*text.codes, *text.digits.split()))

    def _length_named(self, atom: Atom) -> set[int] | None:
        """How long the record's list is that is called like what the number counts. None: there is none, or the customer says so."""
        thing = _next_root(self._sentence, atom.end)
        found = (
            {length * SCALE for record in self._records for length in record.lengths.get(thing, ())} if thing and not atom.unit else set()
        )
        if not found or any(key in text.numbers for text in self._evidence.said for key in atom.keys if isinstance(key, int)):
            return None
        return found

    def _counts(self, value: int, atom: Atom) -> bool:
        """Whether a small number only counts what is listed here, or what the evidence lists."""
        if atom.unit or value > _MOST_COUNTED or value % SCALE or _ATTACHED.match(self._sentence, atom.end):
            return False
        if self._sentence.rstrip().endswith(":"):
            return True
        count = value // SCALE
        if self._counts_list(count, _next_root(self._sentence, atom.end)):
            return True
        return not atom.text[0].isdigit() and not self._is_contradicted(value, atom)

    def _counts_list(self, count: int, thing: str) -> bool:
        """Whether a list of the evidence holds so many; of lists that are called like what is counted, if there are any."""
        lengths = [text.lengths for text in self._records or self._evidence.found]
        named = [found[thing] for found in lengths if thing in found]
        if named:
            return any(count in each for each in named)
        return any(count in each for found in lengths for each in found.values())

    def _is_contradicted(self, value: int, atom: Atom) -> bool:
        """Whether the evidence counts the same thing, and not to this number."""
        thing = _next_root(self._sentence, atom.end)
        return bool(thing) and any(
            found.kind is Kind.NUMBER and found.keys[0] != value and _next_root(text.text, found.end) == thing
            for text in self._evidence.found
            for found in text.atoms
        )

    def _follows(self, value: int, atom: Atom) -> bool:
        """Whether the number is the sum, the difference or a small multiple of numbers that are evidence."""
        is_amount = atom.unit in CURRENCIES
        if not (is_amount or family(atom.unit) in _MEASURES or (not atom.unit and _TOTAL.search(self._sentence))):
            return False
        others = [(other, number) for other in self._atoms if other is not atom and (number := arithmetic.first_value(other)) is not None]
        alike = [number for other, number in others if other.unit == atom.unit]
        before = [number for text in self._answer for number in arithmetic.amounts(text)] if is_amount else []
        if arithmetic.combines(value, [*alike, *before]):
            return True
        if not is_amount and not value % SCALE:
            return False
        factors = [number // SCALE for _, number in others if SCALE < number <= arithmetic.MOST_FACTOR * SCALE]
        if _YEARLY.search(fold(self._sentence)):
            factors.append(_MONTHS_OF_A_YEAR)
        if arithmetic.is_multiple(value, factors, tuple(self._evidence)):
            return True
        texts: Iterable[TextIndex] = self._evidence if value % SCALE else (*self._evidence.found, *self._evidence.said)
        return any(arithmetic.combines_prices(value, text) for text in texts)


def _has_span(text: TextIndex, one: Atom, other: Atom, *, joined: str) -> bool:
    """Whether the two stand so in a text, or as a part of a code ("4g_5g_preferred"). What is listed with commas is no pair."""
    if any(
        first.keys == one.keys
        and second.keys == other.keys
        and second.start - first.end <= _RANGE_CHARACTERS
        and ("/" not in joined or "," not in text.text[first.end : second.start])
        for first, second in pairwise(text.atoms)
    ):
        return True
    pair = fold_code(f"{one.text}{joined}{other.text}")
    return not pair.isdigit() and any(pair in code for code in text.codes)


def _bounds(text: TextIndex) -> Iterator[int]:
    """The times of a text that something has to happen before or after."""
    for told in text.atoms:
        if told.kind is Kind.TIME and _is_bound(text.text, told):
            yield from (key for key in told.keys if isinstance(key, int))


def _is_bound(text: str, atom: Atom) -> bool:
    return _BOUND.search(text[max(0, atom.start - _LONGEST_BOUND) : atom.start]) is not None


def _is_national(short: str, long: str) -> bool:
    local = short.removeprefix("0")
    return len(local) >= _SHORTEST_PHONE and 1 <= len(long) - len(local) <= _LONGEST_COUNTRY and long.endswith(local)


def _next_root(text: str, end: int) -> str:
    found = _NEXT_WORD.match(text, end)
    return root(fold(found[1])) if found is not None else ""
