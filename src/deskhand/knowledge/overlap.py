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
        self._seconds: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def put(self, given: _Given) -> None:
        """Begin with `given` as soon as the first step is free; returns when it is."""
        await self._hand_over()
        self._firsts = asyncio.create_task(_awaited(self._first(given)))

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                await self._hand_over()
                if self._seconds is not None:
                    await self._seconds
        finally:
            await self._stop()

    async def _hand_over(self) -> None:
        """The first step's last thing to the second step, which has to be free."""
        if self._firsts is None:
            return
        made = await self._firsts
        if self._seconds is not None:
            await self._seconds
        self._firsts = None
        self._seconds = asyncio.create_task(_awaited(self._second(made)))

    async def _stop(self) -> None:
        running = [task for task in (self._firsts, self._seconds) if task is not None and not task.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _awaited(work: Awaitable[_Made]) -> _Made:
    return await work
