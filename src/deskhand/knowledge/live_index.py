"""The index of this process, kept in step with the database, whoever writes to it.

Invariant: an index handed out is complete up to its version. It may lag behind a write of another process by `refresh_seconds` and the
time that the refresh takes, and behind a write of this process not at all.
"""

import asyncio
from concurrent.futures import Executor
from functools import partial

from deskhand.clock import Clock
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.candidates import Candidates, Query, candidates
from deskhand.knowledge.index import Index, Vocabulary
from deskhand.knowledge.repository import Changes, changes_since, read_version
from deskhand.knowledge.spelling import Frequencies
from deskhand.persistence import Database


class LiveIndex:
    def __init__(self, database: Database, *, clock: Clock, executor: Executor, refresh_seconds: float) -> None:
        self._database = database
        self._clock = clock
        self._executor = executor
        self._refresh_seconds = refresh_seconds
        self._index = Index()
        self._checked_at: float | None = None
        self._marks = 0
        self._refreshing = asyncio.Lock()

    async def set_up(self) -> None:
        """Memory is there."""

    async def open(self) -> None:
        await self.current()

    async def close(self) -> None:
        """Nothing runs beside."""

    def mark_stale(self) -> None:
        self._marks += 1
        self._checked_at = None

    async def frequencies(self, audience: Audience) -> Frequencies:
        return Vocabulary(await self.current(), audience, now=self._clock.now())

    async def candidates(self, query: Query, *, audience: Audience, share: float, limit: int) -> Candidates:
        find = partial(candidates, audience=audience, now=self._clock.now(), share=share, limit=limit)
        return await asyncio.get_running_loop().run_in_executor(self._executor, find, await self.current(), query)

    async def current(self) -> Index:
        """The index, refreshed if it is time to look.

        Raises:
            DatabaseUnavailable: the database could not be asked.
        """
        if self._is_fresh():
            return self._index
        async with self._refreshing:
            # Whoever waited here finds what the one before has just read.
            if not self._is_fresh():
                await self._refresh()
            return self._index

    def _is_fresh(self) -> bool:
        return self._checked_at is not None and self._clock.monotonic() < self._checked_at + self._refresh_seconds

    async def _refresh(self) -> None:
        # Both taken before the look, so that a write which ends during it is seen by the next one.
        checked_at, marks = self._clock.monotonic(), self._marks
        if await self._database.read(read_version) != self._index.version:
            known = self._index.version
            changes = await self._database.read(lambda connection: changes_since(connection, known))
            self._index = await asyncio.get_running_loop().run_in_executor(self._executor, _applied, self._index, changes)
        if self._marks == marks:
            self._checked_at = checked_at


def _applied(index: Index, changes: Changes) -> Index:
    base = Index() if changes.all_of_it else index
    return base.updated(version=changes.version, rows=changes.rows, gone=changes.gone)
