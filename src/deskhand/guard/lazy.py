"""What is worked out when it is first asked for, and kept with what it was worked out of. Owns the expressions that are compiled so.

The invariant: no lock is held, so a text that is read in another thread keeps nobody waiting (`functools.cached_property` of Python 3.11
has one lock for all instances). Two threads may work the same out, and get the same.
"""

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Worked = TypeVar("Worked")


class lazy(Generic[Worked]):  # noqa: N801 - it is written like `property`
    """A property of an object with a `__dict__`."""

    def __init__(self, work: Callable[[Any], Worked]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy[Worked]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> Worked: ...
    def __get__(self, instance: object | None, owner: type) -> "lazy[Worked] | Worked":
        if instance is None:
            return self
        worked = instance.__dict__[self._name] = self._work(instance)
        return worked


class Expression:
    """A regular expression. Compiling the large ones takes some milliseconds each, for which the start of a server need not wait."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern = pattern
        self._flags = flags
        _expressions.append(self)

    @lazy
    def regex(self) -> re.Pattern[str]:
        return re.compile(self._pattern, self._flags)


_expressions: list[Expression] = []


def compile_all() -> None:
    """Compile what no customer shall wait for: every expression of the modules that are loaded."""
    for expression in tuple(_expressions):
        _ = expression.regex
