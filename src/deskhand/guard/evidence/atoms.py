"""What of a text can be right or wrong by itself: figures, dates, times, links, addresses, telephone numbers, codes. In one form each.

The invariant: a claim and its evidence are read by the same function, so whatever one spelling means, it means on both sides.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from deskhand.guard.evidence.calendar import DATE_PATTERN, TIME_PATTERN, Date, read_dates, read_times
from deskhand.guard.evidence.numbers import NUMBER_PATTERN, NUMBER_WORDS, read_values, unit_after, unit_before
from deskhand.guard.lazy import Expression
from deskhand.words import fold


class Kind(StrEnum):
    LINK = "link"
    EMAIL = "email"
    PHONE = "phone"
    CODE = "code"
    DATE = "date"
    TIME = "time"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Atom:
    """`keys` are the readings, any of which will do: texts, minutes, dates, or ten-thousandths. `unit` is of numbers, and
    `RANGE` for a date whose keys are all said."""

    kind: Kind
    text: str
    start: int
    end: int
    keys: tuple[str | int | Date, ...]
    unit: str = ""


RANGE = "range"
_NEVER = -1
_DOMAINS = "com|org|net|io|ai|app|dev|co|uk|de|at|ch|fr|es|it|pt|nl|be|eu|us|ca|br|info|biz|shop|store|support|help|cloud|example|gov|edu"
_ADDRESS_PATTERN = (
    r"(?P<link>(?:https?://|www\.)[^\s<>\"'`|\])}]+)"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    rf"|(?P<domain>\b(?:[A-Za-z0-9-]+\.)+(?:{_DOMAINS})\b(?:/[^\s<>\"'`|\])}}]*)?)"
)
_VALUE_PATTERN = (
    rf"{DATE_PATTERN}|{TIME_PATTERN}"
    r"|(?P<phone>\+\d[\d\s().-]{5,18}\d|\(\d{2,5}\)\s?\d[\d\s.-]{3,14}\d|\b\d{2,5}(?:[-./ ]\d{2,5}){2,4}\b(?!\w)"
    r"|\b0\d{2,4}[ /-]\d{4,9}\b|\b\d{3}-\d{4}\b)"
    r"|(?P<code>(?<![A-Za-z0-9_])[#№]?(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9]+(?:[_-]+[A-Za-z0-9]+)*(?![A-Za-z0-9])|#\d+)"
    rf"|{NUMBER_PATTERN}"
)
_ATOM = Expression(f"{_ADDRESS_PATTERN}|{_VALUE_PATTERN}")
# Looking for addresses at each letter is half of the work, and only a few texts can hold one.
_VALUE = Expression(_VALUE_PATTERN)
_IN_ADDRESS = re.compile(r"@|://|www\.|\.[a-z]")
_NUMBER_AND_UNIT = re.compile(r"\d+(?:-?[^\W\d_]+)(?:-[^\W\d_]+)*$")
_LIST_NUMBER = re.compile(r"\d{1,3}[.)]\s")
_TRIGGER = re.compile(r"\d+|@|://|www\.|[^\W\d_]\.(?=[a-z]{2})")
_EDGES = ' \n\t"{}'
_EDGE = re.compile(rf"[{_EDGES}]")
_ISLAND_BEFORE = 14
_ISLAND_AFTER = 22
_SIGNED = re.compile(r"\d")
_NO_DIGIT = re.compile(r"[\W_]+")
_NOT_DIGITS = re.compile(r"\D+")
_THREES = re.compile(r"\d{1,3}(?: \d{3})+$")
_ENDS_OF_LINKS = ".,;:!?*_~"
_WORD = re.compile(r"[^\W\d_]+")


def scan(text: str) -> Iterator[Atom]:
    """Every atom, in order. Number words are not among them: see `number_words`."""
    for start, end in _islands(text):
        at = start
        pattern = (_ATOM if _IN_ADDRESS.search(text, start, end) else _VALUE).regex
        while at < end and (match := pattern.search(text, at, end)) is not None:
            atom = _read(match)
            if atom is None:
                # What looked like a date may still hold a number: "Gate 12 opens".
                atom, at = _after_failure(text, match)
                if atom is None:
                    continue
            at = max(atom.end, match.start() + 1)
            yield atom


def _islands(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text in which an atom can be: around digits, "@" and what begins a link. Looking at all of it costs ten times more."""
    start = end = -1
    for trigger in _TRIGGER.finditer(text):
        if trigger.start() < end:
            # What ends an island needs what stands behind it as much as what began it: "HAT110 does not depart at 3 PM."
            if trigger.end() + _ISLAND_AFTER > end:
                end = _edge_behind(text, trigger.end())
            continue
        first = max(end, _edge(text, trigger.start()))
        if start >= 0 and first > end:
            yield start, end
            start = first
        elif start < 0:
            start = first
        end = _edge_behind(text, trigger.end())
    if start >= 0:
        yield start, end


def _edge_behind(text: str, at: int) -> int:
    """The end of the word that stands `_ISLAND_AFTER` behind `at`."""
    behind = _EDGE.search(text, at + _ISLAND_AFTER)
    return behind.start() if behind is not None else len(text)


def _edge(text: str, at: int) -> int:
    """The beginning of the word that stands `_ISLAND_BEFORE` before `at`."""
    at = max(0, at - _ISLAND_BEFORE)
    while at > 0 and text[at - 1] not in _EDGES:
        at -= 1
    return at


def number_words(text: str) -> Iterator[Atom]:
    """Numbers that are written as words, from two on: "one" is too often no number."""
    for match in _WORD.finditer(text):
        keys = NUMBER_WORDS.get(fold(match[0]))
        if keys is not None:
            multiplier, unit, _ = unit_after(text, match.end())
            yield Atom(Kind.NUMBER, match[0], match.start(), match.end(), tuple(key * multiplier for key in keys), unit)


def fold_code(text: str) -> str:
    """A code without what people leave out or change: case, "#", hyphens, underscores."""
    return _NO_DIGIT.sub("", text).lower()


def fold_link(text: str) -> str:
    """A link without scheme, "www." and what a sentence puts behind it."""
    bare = text.rstrip(_ENDS_OF_LINKS).lower()
    return bare.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")


def digits_of(text: str) -> str:
    return _NOT_DIGITS.sub("", text)


def _after_failure(text: str, match: re.Match[str]) -> tuple[Atom | None, int]:
    found = _SIGNED.search(text, match.start(), match.end())
    if found is None:
        return None, match.end()
    start = found.start()
    number = _PLAIN.regex.match(text, start)
    if number is None or (atom := _number(text, start, number.end())) is None:
        return None, max(start + 1, number.end() if number else 0)
    return atom, atom.end


_PLAIN = Expression(NUMBER_PATTERN)


def _read(match: re.Match[str]) -> Atom | None:
    kind = match.lastgroup or ""
    text, start, end = match.group(), match.start(), match.end()
    match kind:
        case "link" | "domain":
            bare = text.rstrip(_ENDS_OF_LINKS)
            return Atom(Kind.LINK, bare, start, start + len(bare), (fold_link(bare),))
        case "email":
            bare = text.rstrip(".-")
            return Atom(Kind.EMAIL, bare, start, start + len(bare), (bare.lower(),))
        case "iso" | "cjk" | "named" | "slashed":
            dates = read_dates(kind, text)
            return (
                Atom(Kind.DATE, text, start, end, dates, RANGE if kind == "named" and len(dates) > 1 else "")
                if dates
                else _no_date(kind, text, start)
            )
        case "time":
            times = read_times(text)
            return Atom(Kind.TIME, text, start, end, times or (_NEVER,))
        case "phone":
            if _THREES.fullmatch(text) or len(digits_of(text)) < 7:
                return None
            return Atom(Kind.PHONE, text, start, end, (digits_of(text),))
        case "code":
            return _code(match.string, start, end)
        case _:
            return _number(match.string, start, end)


def _no_date(kind: str, text: str, start: int) -> Atom | None:
    """A date that no calendar has; "1/2/22" may be something else than a date."""
    return Atom(Kind.DATE, text, start, start + len(text), ((0, 0, 0),)) if kind in ("iso", "cjk") else None


def _code(text: str, start: int, end: int) -> Atom | None:
    written = text[start:end]
    if _NUMBER_AND_UNIT.match(written):
        return _number(text, start, start + len(written) - len(written.lstrip("0123456789")))
    return Atom(Kind.CODE, written, start, end, (fold_code(written),))


def _number(text: str, start: int, end: int) -> Atom | None:
    if _LIST_NUMBER.match(text, start) and not text[text.rfind("\n", 0, start) + 1 : start].strip():
        return None
    written = text[start:end]
    # A decimal part may go on behind what was matched as a code: "3.5GB".
    values = read_values(written)
    start += len(written) - len(written.lstrip())
    written = written.strip()
    if not values:
        return Atom(Kind.CODE, written, start, end, (fold_code(written),))
    multiplier, unit, end = unit_after(text, end)
    unit = unit_before(text, start, written) or unit
    if not unit and multiplier == 1 and len(digits_of(written)) >= 5 and written.isdigit():
        return Atom(Kind.CODE, written, start, end, (written,))
    return Atom(Kind.NUMBER, written, start, end, tuple(value * multiplier for value in values), unit)
