"""What a JSON result of a tool says by its shape: how long its lists are, and which record a code belongs to.

The invariant: a record is the smallest object that holds a code, so what stands in it is said of what the code names.
"""

import re
from collections.abc import Iterator
from typing import Any

from deskhand.guard.evidence.atoms import fold_code
from deskhand.guard.evidence.roots import root
from deskhand.words import fold

_WORD = re.compile(r"[^\W\d_]+")
_MAY_BE_CODE = re.compile(r"^[^\s]{0,40}\d[^\s]{0,40}$")


def list_lengths(value: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """(root of what the list is called, how many it holds)."""
    match value:
        case dict():
            if all(isinstance(item, dict | list) for item in value.values()):
                yield name, len(value)
            for key, item in value.items():
                yield from list_lengths(item, root(_WORD.findall(fold(key))[-1]) if _WORD.search(key) else "")
        case list():
            yield name, len(value)
            for item in value:
                yield from list_lengths(item)
        case _:
            pass


def coded_records(value: Any) -> Iterator[tuple[str, Any]]:
    """(code, the smallest record that holds it), for every text of a JSON value that may be a code."""
    match value:
        case dict():
            for key, item in value.items():
                if isinstance(item, str) and _MAY_BE_CODE.search(item):
                    yield fold_code(item), value
                if isinstance(item, dict | list):
                    if _MAY_BE_CODE.search(key):
                        yield fold_code(key), {key: item}
                    yield from coded_records(item)
        case list():
            for item in value:
                yield from coded_records(item)
        case _:
            pass
