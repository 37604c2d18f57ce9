"""The things that a JSON result of a tool lists, such as flights, plans and orders' items, and what it says of each under which name.

The invariant: a thing is an object that holds no list of other objects, so each of its values is said of it alone.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from deskhand.guard.evidence.atoms import Atom, fold_code, number_words, scan
from deskhand.guard.evidence.numbers import SCALE
from deskhand.guard.evidence.roots import root, words_of
from deskhand.words import STOP_WORDS, fold

_MAY_NAME = re.compile(r"(?=\S{5,40}$)\S*\d")
Leaf = tuple[frozenset[str], str]


@dataclass(frozen=True, slots=True)
class Thing:
    """`leaves` are the roots of the words of a value's name, and the value as it is written."""

    leaves: tuple[Leaf, ...]

    def named(self, labels: frozenset[str], is_alike: Callable[[Atom], bool]) -> list[Atom]:
        """Of the values that are alike, those whose names have most of these words and the fewest others; none where no name has any."""
        best, found = (0, 0), list[Atom]()
        for name, text in self.leaves:
            fit = (len(name & labels), -len(name - labels))
            if fit[0] and fit >= best and (atoms := [atom for atom in (*scan(text), *number_words(text)) if is_alike(atom)]):
                found = atoms if fit > best else [*found, *atoms]
                best = fit
        return found


def things_by_key(value: Any) -> dict[str | int, list[Thing]]:
    """The things of a JSON value by what tells them apart: codes as texts, and amounts that are no whole number in ten-thousandths."""
    found: dict[str | int, list[Thing]] = {}
    for thing, keys in _things(value, ""):
        for key in keys:
            found.setdefault(key, []).append(thing)
    return found


def _things(value: Any, name: str) -> Iterator[tuple[Thing, set[str | int]]]:
    match value:
        case dict():
            if _is_thing(value):
                leaves = list(_leaves(value, frozenset()))
                keys = {key for _, leaf in leaves if (key := _key(leaf)) is not None}
                if _MAY_NAME.match(name):
                    keys.add(fold_code(name))
                yield Thing(tuple((labels, str(leaf)) for labels, leaf in leaves)), keys
                return
            for key, item in value.items():
                yield from _things(item, key)
        case list():
            for item in value:
                yield from _things(item, "")
        case _:
            pass


def _is_thing(value: dict[str, Any]) -> bool:
    nested = [item for item in value.values() if isinstance(item, dict | list)]
    return len(nested) < len(value) and not any(isinstance(item, dict | list) for each in nested for item in _items(each))


def _items(value: dict[str, Any] | list[Any]) -> Iterator[Any]:
    return iter(value.values() if isinstance(value, dict) else value)


def _leaves(value: dict[str, Any], labels: frozenset[str]) -> Iterator[tuple[frozenset[str], Any]]:
    for key, item in value.items():
        named = labels | {root(word) for word in words_of(fold(key)) if word not in STOP_WORDS}
        if isinstance(item, dict):
            yield from _leaves(item, named)
        elif isinstance(item, str | int | float) and not isinstance(item, bool):
            yield named, item


def _key(leaf: Any) -> str | int | None:
    if isinstance(leaf, float) and not leaf.is_integer():
        return round(leaf * SCALE)
    return fold_code(leaf) if isinstance(leaf, str) and _MAY_NAME.match(leaf) else None
