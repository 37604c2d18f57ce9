"""Dates and times as people write them, in the languages we ship, in one form. Owns the names of months and weekdays.

The invariant: a date is (year, month, day) with 0 for what was not said, and a text that can be read in two ways gives both readings.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date as calendar_date
from datetime import timedelta

Date = tuple[int, int, int]

_MONTH_NAMES = (
    "january jan januar janvier janv enero ene gennaio janeiro januari",
    "february feb februar fevrier fevr febrero febbraio fevereiro fev februari",
    "march mar marz maerz mars marzo marco maart mrt",
    "april apr avril abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug aout agosto ago augustus",
    "september sep sept septembre septiembre settembre setembro set",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez decembre diciembre dic dicembre dezembro",
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
# Months that are everyday words when they are not written as names.
_NEED_CAPITAL = frozenset({"may", "march", "mar", "mai", "mag", "set", "out", "mars", "ago", "dec", "mei"})
_WEEKDAY_NAMES = (
    "monday mon montag lundi lunes lunedi maandag",
    "tuesday tue tues dienstag mardi martes martedi dinsdag",
    "wednesday wed mittwoch mercredi miercoles mercoledi woensdag",
    "thursday thu thurs donnerstag jeudi jueves giovedi donderdag",
    "friday fri freitag vendredi viernes venerdi vrijdag",
    "saturday sat samstag sonnabend samedi sabado sabato zaterdag",
    "sunday sun sonntag dimanche domingo domenica zondag",
)
WEEKDAYS = {name: number for number, names in enumerate(_WEEKDAY_NAMES) for name in names.split() if len(name) > 3}

_LETTERS_OF_MONTHS = "A-Za-zäéûç"
_ACCENTED = {"marz": "märz", "fevrier": "février", "fevr": "févr", "aout": "août", "decembre": "décembre", "marco": "março"}


def _by_first_letter(words: Iterable[str]) -> str:
    """A pattern of these words that looks at the rest of a word only where its first letter is right."""
    by_letter: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        by_letter.setdefault(word[0], []).append(word[1:])
    return "|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in by_letter.items())


_MONTH = rf"(?i:{_by_first_letter({*MONTHS, *_ACCENTED.values()})})\b\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th|\.|º|er)?"
DATE_PATTERN = (
    r"(?P<iso>\b\d{4}-\d{2}-\d{2}(?!\d))"
    r"|(?P<cjk>(?:\d{4}\s?年\s?)?\d{1,2}\s?月\s?\d{1,2}\s?日)"
    rf"|(?P<named>\b{_MONTH}\s?\d{{1,2}}(?:st|nd|rd|th)?(?![\d%€$]|[:.,]\d|\s?[ap]\.?m\b)(?:\s?[-–]\s?\d{{1,2}}(?!\d))?(?:,?\s\d{{4}}\b)?"
    rf"|\b{_DAY}(?:\s?[-–]\s?{_DAY})?[\s-](?:of\s|de\s)?{_MONTH}(?:,?[\s-](?:de\s|del\s)?\d{{4}}\b)?"
    rf"|\b{_MONTH},?\s(?:de\s|of\s)?(?:19|20)\d{{2}}\b)"
    r"|(?P<slashed>\b\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})(?![\d/.-]*\d)|\b\d{1,2}/(?:19|20)\d{2}\b)"
)
TIME_PATTERN = r"(?P<time>\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\b\.?)?|\b\d{1,2}\s?[AaPp]\.?[Mm]\b\.?|\b\d{1,2}(?=\sUhr\b))"

_DIGITS = re.compile(r"\d+")
_NAME = re.compile(rf"[{_LETTERS_OF_MONTHS}]{{3,}}")
_ACCENTS = str.maketrans("äéûç", "aeuc")


def read_dates(kind: str, text: str) -> tuple[Date, ...]:
    """The readings of what a group of `DATE_PATTERN` matched; none when it is no date after all. A range gives its first day first."""
    return tuple(date for date in _readings(kind, text) if _exists(date))


def read_times(text: str) -> tuple[int, ...]:
    """The readings of what `TIME_PATTERN` matched, in minutes after midnight."""
    figures = [int(found) for found in _DIGITS.findall(text)]
    hour, minute = figures[0], figures[1] if len(figures) > 1 else 0
    if hour > 24 or minute > 59:
        return ()
    letters = text.lower().replace(".", "")
    if letters.endswith("pm"):
        return ((hour % 12 + 12) * 60 + minute,)
    if letters.endswith("am"):
        return (hour % 12 * 60 + minute,)
    return (hour % 24 * 60 + minute,)


def agree(one: Date, other: Date) -> bool:
    """Whether two dates can be the same: what both say is equal, and they have month and year, or month and day, in common."""
    said = [(mine, theirs) for mine, theirs in zip(one, other, strict=True) if mine and theirs]
    return all(mine == theirs for mine, theirs in said) and len(said) >= 2


def days_beside(date: Date) -> tuple[Date, ...]:
    """The day before and the day after; the year is left out where it was not said."""
    year, month, day = date
    if not month or not day:
        return ()
    whole = calendar_date(year or 2024, month, day)
    beside = (whole - timedelta(days=1), whole + timedelta(days=1))
    return tuple((other.year if year else 0, other.month, other.day) for other in beside)


def _readings(kind: str, text: str) -> Iterator[Date]:
    figures = [int(found) for found in _DIGITS.findall(text)]
    match kind:
        case "iso":
            yield figures[0], figures[1], figures[2]
        case "cjk":
            yield (figures[0], figures[1], figures[2]) if len(figures) == 3 else (0, figures[0], figures[1])
        case "slashed":
            yield from _numeric(figures)
        case _:
            yield from _named(text, figures)


def _numeric(figures: list[int]) -> Iterator[Date]:
    if len(figures) == 2:
        yield figures[1], figures[0], 0
        return
    first, second, year = figures
    year += 2000 if year < 100 else 0
    yield year, first, second
    if first != second:
        yield year, second, first


def _named(text: str, figures: list[int]) -> Iterator[Date]:
    name = next((found for found in _NAME.findall(text) if _month(found)), None)
    if name is None:
        return
    year = next((figure for figure in figures if figure > 31), 0)
    days = [figure for figure in figures if figure <= 31]
    for day in days or [0]:
        yield year, _month(name), day


def _month(name: str) -> int:
    lower = name.lower().translate(_ACCENTS)
    return 0 if lower in _NEED_CAPITAL and name[0].islower() and lower not in _LOWER_IN_OTHERS else MONTHS.get(lower, 0)


# In French, Spanish, Italian and Portuguese months are written small; those that are no other word there stay months.
_LOWER_IN_OTHERS = frozenset({"mai", "mars", "ago", "mei"})


def _exists(date: Date) -> bool:
    year, month, day = date
    try:
        calendar_date(year or 2024, month, day or 1)
    except ValueError:
        return False
    return True
