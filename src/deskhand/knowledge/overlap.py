"""Two steps of work on one thing after another, each step on another thing at the same time.

Invariant: each step takes things in the order in which they were put, one at a time, and at most one waits between two steps.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class Overlap(Generic[_Given, _Made]):
    """While the second step works on a thing, the first works on the next one, and the caller makes the one after that.

    Left without an error, it waits for all that was put. What a step raises is raised by the next `put`, or when it is left; nothing
    that came after is worked on then.
    """

    def __init__(self, first: Callable[[_Given], Awaitable[_Made]], second: Callable[[_Made], Awaitable[None]]) -> None:
        self._first = first
        self._second = second
        self._firsts: asyncio.Task[_Made] | None = None
        # Of the thing put last, and of the one before it.
        self._seconds: asyncio.Task[None] | None = None
        self._earlier: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def put(self, given: _Given) -> None:
        """Begin with `given` as soon as the first step is free and no more than one thing waits for the second; returns when it is so."""
        if self._firsts is not None:
            await self._firsts
        if self._earlier is not None:
            await self._earlier
        if self._seconds is not None and self._seconds.done():
            await self._seconds
        self._earlier = self._seconds
        self._firsts = asyncio.create_task(_awaited(self._first(given)))
        self._seconds = asyncio.create_task(self._follow(self._firsts, self._earlier))

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None and self._seconds is not None:
                await self._seconds
        finally:
            await self._stop()

    async def _follow(self, first: "asyncio.Task[_Made]", earlier: "asyncio.Task[None] | None") -> None:
        made = await first
        if earlier is not None:
            await earlier
        await self._second(made)

    async def _stop(self) -> None:
        tasks = [task for task in (self._firsts, self._earlier, self._seconds) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _awaited(work: Awaitable[_Made]) -> _Made:
    return await work
