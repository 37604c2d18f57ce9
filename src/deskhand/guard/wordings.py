"""Many expressions, asked at once which of them a text holds.

The invariant: an expression can only match a text that holds one of the parts it needs. Seeing that costs next to nothing, and most texts
hold none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deskhand.guard.lazy import Expression


@dataclass(frozen=True, slots=True)
class Wording:
    """Over lower case. It can only match a text that holds one of `needs`."""

    expression: Expression
    needs: tuple[str, ...]


def wording(pattern: str, *needs: str) -> Wording:
    return Wording(Expression(pattern), needs)


class Wordings:
    """Named wordings, in order."""

    def __init__(self, named: Mapping[str, Wording]) -> None:
        self._named = named
        names_of: dict[str, list[str]] = {}
        for name, one in named.items():
            for part in one.needs:
                names_of.setdefault(part, []).append(name)
        self._names_of = tuple((part, tuple(names)) for part, names in names_of.items())

    def found_in(self, text: str) -> list[str]:
        """The names of those that stand in a text in lower case."""
        possible = {name for part, names in self._names_of if part in text for name in names}
        return [name for name in self._named if name in possible and self._named[name].expression.regex.search(text)] if possible else []
