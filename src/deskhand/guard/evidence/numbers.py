"""Numbers as people write them, in one form: "1,500", "1.500,00", "1.5k" and "fifteen" are values that can be compared.

The invariant: a text that can be read in two ways ("1.500") gives both values, and a value is a whole number of ten-thousandths, so that
values are compared exactly.
"""

import re

SCALE = 10_000

_MULTIPLIERS = {
    "k": 1_000,
    "thousand": 1_000,
    "tsd": 1_000,
    "mil": 1_000,
    "mille": 1_000,
    "tausend": 1_000,
    "m": 1_000_000,
    "mio": 1_000_000,
    "million": 1_000_000,
    "millions": 1_000_000,
    "millionen": 1_000_000,
    "millones": 1_000_000,
    "bn": 1_000_000_000,
    "billion": 1_000_000_000,
}
_UNITS = {
    "%": "percent",
    "percent": "percent",
    "prozent": "percent",
    "pour": "",
    "$": "usd",
    "usd": "usd",
    "dollar": "usd",
    "dollars": "usd",
    "€": "eur",
    "eur": "eur",
    "euro": "eur",
    "euros": "eur",
    "£": "gbp",
    "gbp": "gbp",
    "pound": "gbp",
    "pounds": "gbp",
    "¥": "jpy",
    "jpy": "jpy",
    "yen": "jpy",
    "chf": "chf",
    "gb": "gb",
    "mb": "mb",
    "tb": "tb",
    "kb": "kb",
}
CURRENCIES = frozenset({"usd", "eur", "gbp", "jpy", "chf"})
# Unit of time: its name here and how many of the smallest one it is. Months and years are a family of their own.
_TIMES = {
    "second": ("second", 1, "seconds sec secs sekunde sekunden seconde secondes segundo segundos secondo secondi seconden 秒"),
    "minute": ("second", 60, "minutes min mins minuten minuto minutos minuti minuut 分钟 分"),
    "hour": ("second", 3_600, "hours hr hrs h stunde stunden std heure heures hora horas ora ore uur uren 小时 時間"),
    "day": (
        "second",
        86_400,
        "days tag tage tagen werktag werktage werktagen jour jours dia dias día días giorno giorni dag dagen werkdagen 天 日",
    ),
    "week": ("second", 604_800, "weeks woche wochen semaine semaines semana semanas settimana settimane weken 周"),
    "month": ("month", 1, "months monat monate monaten mois mes meses mese mesi mês maand maanden 个月"),
    "year": ("month", 12, "years yr yrs jahr jahre jahren an ans année années año años anno anni ano anos jaar 年"),
}
for _name, (_family, _factor, _others) in _TIMES.items():
    for _word in (_name, *_others.split()):
        _UNITS[_word] = _name
_WORDS = (
    "two zwei deux dos dois duas twee",
    "three drei trois tres tre três drie",
    "four vier quatre cuatro quattro quatro",
    "five funf fuenf cinq cinco cinque vijf",
    "six sechs seis sei zes",
    "seven sieben sept siete sette sete zeven",
    "eight acht huit ocho otto oito",
    "nine neun neuf nueve nove negen",
    "ten zehn dix diez dieci dez tien",
    "eleven elf onze undici",
    "twelve zwolf zwoelf douze doce dodici doze twaalf",
)
NUMBER_WORDS = {word: (number * SCALE,) for number, words in enumerate(_WORDS, start=2) for word in words.split()}
_TENS = {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100}
_MORE = {
    "fourteen": 14,
    "eighteen": 18,
    "vierzehn": 14,
    "zwanzig": 20,
    "dreissig": 30,
    "quinze": 15,
    "quince": 15,
    "trenta": 30,
    "treinta": 30,
}
NUMBER_WORDS.update({word: (number * SCALE,) for word, number in {**_TENS, **_MORE}.items()})

NUMBER_PATTERN = r"(?P<number>(?:[$€£¥]\s?)?(?:(?<!\d)\d{1,3}(?:[\u00a0\u202f' ]\d{3})+(?:[.,]\d{1,2})?(?![\d-])|\d+(?:[.,]\d+)*))"
_UNIT_BEHIND = re.compile(r"[\s\u00a0\u202f-]?([$€£¥%]|[^\W\d_]+)")
_CODE_BEFORE = re.compile(r"\b(USD|EUR|GBP|CHF|JPY)\s?$")
_ORDINALS = frozenset({"st", "nd", "rd", "th", "er", "eme", "e"})
_UNIT_LETTERS = 5
_KNOWN_UNITS = frozenset(_UNITS.values())
_JOINS = frozenset({"to", "bis", "à", "a", "or", "o", "ou", "oder", "and", "und", "y", "et", "e"})
_RANGE = re.compile(r"\s?(?:[-–—]|\b(?:to|bis|à|a|or|o|ou|oder|and|und|y|et|e)\b)\s?\d+(?:[.,]\d+)*")
_FAR_UNIT = re.compile(r"[\s-](?:business|working|calendar|full|more|extra)[\s-]([^\W\d_]+)")


def read_values(written: str) -> tuple[int, ...]:
    """The values a number can have, in ten-thousandths; none when it is no number ("1.2.3")."""
    text = written.strip("$€£¥ \u00a0\u202f").translate({0x20: None, 0xA0: None, 0x202F: None, 0x27: None})
    marks = [character for character in text if character in ".,"]
    if not marks:
        return (int(text) * SCALE,)
    if len(set(marks)) == 2:
        decimal = marks[-1]
        if marks.count(decimal) > 1:
            return ()
        thousands = "." if decimal == "," else ","
        return (_value(text.replace(thousands, "").replace(decimal, ".")),)
    mark = marks[0]
    groups = text.split(mark)
    grouped = all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= 3 and groups[0] != "0"
    as_thousands = (int("".join(groups)) * SCALE,) if grouped else ()
    return as_thousands if len(marks) > 1 else (_value(text.replace(",", ".")), *as_thousands)


def unit_after(text: str, end: int) -> tuple[int, str, int]:
    """(multiplier, unit, end) of what stands behind a number: "k" multiplies, "GB" is a unit; the unit is "" when there is none."""
    multiplier = 1
    found = _UNIT_BEHIND.match(text, end)
    if found is not None and (times := _MULTIPLIERS.get(found[1].lower())) is not None and (len(found[1]) > 1 or found.start(1) == end):
        multiplier, end = times, found.end()
        found = _UNIT_BEHIND.match(text, end)
    if found is None or (found[1] in _JOINS and _RANGE.match(text, end)):
        # "5 to 7 days": both are days.
        other = _RANGE.match(text, end)
        return (multiplier, unit_after(text, other.end())[1], end) if other is not None else (multiplier, "", end)
    unit = _UNITS.get(found[1].lower(), "")
    if not unit and (far := _FAR_UNIT.match(text, end)) is not None:
        unit = _UNITS.get(far[1].lower(), "")
    if not unit and found[1].isalpha() and found[1].lower() not in _ORDINALS and (found.start() == found.start(1) or found[0][0] == "-"):
        # What is written as one with its number is its unit, whatever it measures: "10x", "500-piece".
        unit = found[1].lower()[:_UNIT_LETTERS]
    return multiplier, unit, end


def unit_before(text: str, start: int, written: str) -> str:
    """The currency that stands before a number or within it."""
    if written[0] in "$€£¥":
        return _UNITS[written[0]]
    found = _CODE_BEFORE.search(text[max(0, start - 5) : start])
    return _UNITS[found[1].lower()] if found else ""


def in_smallest(value: int, unit: str) -> tuple[int, str] | None:
    """A span of time in the smallest unit of its family; None for what is no span of time."""
    time = _TIMES.get(unit)
    return (value * time[1], time[0]) if time is not None else None


def is_unit(unit: str) -> bool:
    """Whether it is one of the units that have many names; any other is only the letters that stand behind a number."""
    return unit in _KNOWN_UNITS


def family(unit: str) -> str:
    """What units must share to be compared: spans of time share one, every other unit is its own."""
    time = _TIMES.get(unit)
    return time[0] if time is not None else unit


def _value(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole or "0") * SCALE + int((part + "0000")[:4])
