"""Numbers that follow from numbers by one step: a total, a difference, so many of one price.

The invariant: what follows is exact. Where a text holds many whole prices, some two of them differ by any amount, so there they prove
nothing.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from deskhand.guard.evidence.atoms import Atom, Kind
from deskhand.guard.evidence.numbers import CURRENCIES, SCALE
from deskhand.guard.evidence.sources import TextIndex

MOST_FACTOR = 9
_MOST_OPERANDS = 24
_MOST_WHOLE_PRICES = 8


def amounts(text: TextIndex) -> Iterator[int]:
    """Every amount of a text as often as it stands there: two items of one price make twice the price. In ten-thousandths."""
    for atom in text.atoms:
        value = first_value(atom)
        if value is not None and (atom.unit in CURRENCIES or "." in atom.text):
            yield value


def first_value(atom: Atom) -> int | None:
    """A number's likelier reading, in ten-thousandths; None for what is no number."""
    key = atom.keys[0]
    return key if atom.kind is Kind.NUMBER and isinstance(key, int) else None


def combines(value: int, operands: Sequence[int]) -> bool:
    """Whether the value is the sum of all operands, or the sum or difference of two."""
    some = operands[:_MOST_OPERANDS]
    if len(some) > 2 and sum(some) == value:
        return True
    return any(value in (one + other, abs(one - other)) for one, other in combinations(some, 2))


def combines_prices(value: int, text: TextIndex) -> bool:
    """Whether the value follows from the amounts of one text."""
    found = list(amounts(text))
    return (value % SCALE != 0 or len(found) <= _MOST_WHOLE_PRICES) and combines(value, found)


def is_multiple(value: int, factors: Sequence[int], texts: Sequence[TextIndex]) -> bool:
    """Whether the value is so many of one price: "two tickets for $348". `factors` are plain numbers."""
    return any(value % factor == 0 and value // factor in text.numbers for factor in factors for text in texts)
