"""Right sentences made wrong in one place: a digit of a figure, a day of a date, a letter of an address, a name.

The invariant: one thing is changed and the rest is left as it was, by a seeded chance, so that two runs spoil alike.
"""

import calendar
import re
from collections.abc import Callable
from random import Random

from deskhand.guard.evidence.atoms import Atom, Kind, scan
from deskhand.guard.evidence.numbers import CURRENCIES

KINDS = ("figure", "amount", "code", "phone", "time", "date", "email", "link", "name")

_NUMBERING = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•])\s+")
_NAME = re.compile(r"(?<=[a-z,(] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*")
_MONTHS = tuple(calendar.month_name[1:])
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Of people, places, plans and makers; none is from any set.
_NEW_NAMES = """
    Oliver Wagner Denver Seattle Marcus Bennett Priya Boston Helena Novak Toronto Platinum Acme Sapphire Hannah Schultz Geneva Diego Vargas
    Oslo Fiona Nakamura Titan Nimbus
"""
_NAMES = tuple(_NEW_NAMES.split())


def spoil(sentence: str, kind: str, chance: Random) -> str | None:
    """The sentence with one thing of this kind (of `KINDS`) changed; None when it has none."""
    if kind == "name":
        return _spoil_name(sentence, chance)
    numbering = _NUMBERING.match(sentence)
    start = numbering.end() if numbering is not None else 0
    atoms = [atom for atom in scan(sentence) if atom.start >= start and _IS_OF[kind](atom)]
    if not atoms:
        return None
    atom = chance.choice(atoms)
    if kind in ("email", "link"):
        return _change(sentence, [at for at in range(atom.start, atom.end) if sentence[at].isalpha()], chance, of=_LETTERS)
    if kind == "date" and (spoiled := _spoil_month(sentence, atom, chance)) is not None:
        return spoiled
    digits = [at for at in range(atom.start, atom.end) if sentence[at].isdigit()]
    return _change(sentence, digits, chance, of="0123456789")


def _is_a(kind: Kind) -> Callable[[Atom], bool]:
    return lambda atom: atom.kind is kind


_IS_OF: dict[str, Callable[[Atom], bool]] = {
    "figure": lambda atom: atom.kind is Kind.NUMBER and atom.unit not in CURRENCIES,
    "amount": lambda atom: atom.kind is Kind.NUMBER and atom.unit in CURRENCIES,
    **{kind.value: _is_a(kind) for kind in Kind if kind is not Kind.NUMBER},
}


def _change(sentence: str, places: list[int], chance: Random, *, of: str) -> str | None:
    if not places:
        return None
    at = chance.choice(places)
    others = [other for other in of if other != sentence[at].lower() and not (other == "0" and at == places[0])]
    return f"{sentence[:at]}{chance.choice(others)}{sentence[at + 1 :]}"


def _spoil_month(sentence: str, atom: Atom, chance: Random) -> str | None:
    """Another month half of the times, where one is written out; None where the day is to be changed."""
    month = next((name for name in _MONTHS if name in atom.text), None)
    if month is None or chance.random() < 0.5:
        return None
    other = chance.choice([name for name in _MONTHS if name != month])
    return f"{sentence[: atom.start]}{atom.text.replace(month, other)}{sentence[atom.end :]}"


def _spoil_name(sentence: str, chance: Random) -> str | None:
    names = [match for match in _NAME.finditer(sentence) if match[0].split()[0] not in _MONTHS]
    if not names:
        return None
    match = chance.choice(names)
    words = match[0].split()
    at = chance.randrange(len(words))
    words[at] = chance.choice([name for name in _NAMES if name != words[at]])
    return f"{sentence[: match.start()]}{' '.join(words)}{sentence[match.end() :]}"
