"""The index of this process, kept in step with the database, whoever writes to it.

Invariant: an index handed out is complete up to its version. It may lag behind a write of another process by `refresh_seconds` and the
time that the refresh takes, and behind a write of this process not at all.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from deskhand.clock import Clock
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.candidates import Candidates, Finder, Query
from deskhand.knowledge.chunk_index import Reading
from deskhand.knowledge.documents import DocumentId
from deskhand.knowledge.index import EXACT_ROWS, Index, Vocabulary
from deskhand.knowledge.loading import Loading, LoadingStep, TellLoading
from deskhand.knowledge.ranking import Nearest, Weights, dense_share, nearest
from deskhand.knowledge.repository import Changes, Stock, changes_since, is_far_behind, read_version, rows_of, take_stock
from deskhand.knowledge.segment import ChunkRow, Segment
from deskhand.knowledge.settling import Living, next_step
from deskhand.knowledge.shard import MOST_ROWS, Shard
from deskhand.knowledge.shard_files import ShardFolder
from deskhand.knowledge.spelling import Frequencies
from deskhand.knowledge.views import Part
from deskhand.persistence import Database

log = structlog.get_logger(__name__)

_MOST_THREADS = 4
# Documents.
_READ_AT_ONCE = 500

_Result = TypeVar("_Result")


class LiveIndex:
    """A large index is kept in files of `folder` beside memory, and read from there at the next start; without one, it is built anew."""

    def __init__(self, database: Database, *, clock: Clock, executor: Executor, refresh_seconds: float, folder: Path | None = None) -> None:
        self._database = database
        self._clock = clock
        self._executor = executor
        self._refresh_seconds = refresh_seconds
        self._folder = ShardFolder(folder) if folder is not None else None
        self._finder = Finder(threads=min(_MOST_THREADS, os.cpu_count() or 1))
        # Of its own, so that what takes seconds keeps no search waiting.
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="index")
        self._index = Index()
        self._checked_at: float | None = None
        self._marks = 0
        self._refreshing = asyncio.Lock()
        self._settling: asyncio.Task[None] | None = None
        self._tell: TellLoading = _tell_nobody

    async def set_up(self) -> None:
        """Memory is there."""

    async def open(self, tell: TellLoading) -> None:
        tell(Loading(LoadingStep.INDEX))
        self._tell = tell
        await self.current()
        self._tell = _tell_nobody

    async def close(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.wait([self._settling])
        await asyncio.to_thread(self._builder.shutdown)
        await asyncio.to_thread(self._finder.close)

    def mark_stale(self) -> None:
        self._marks += 1
        self._checked_at = None

    async def frequencies(self, audience: Audience) -> Frequencies:
        return Vocabulary(await self.current(), audience, now=self._clock.now())

    async def candidates(self, query: Query, *, audience: Audience, share: float, limit: int) -> Candidates:
        find = partial(self._finder.candidates, audience=audience, now=self._clock.now(), share=share, limit=limit)
        return await asyncio.get_running_loop().run_in_executor(self._executor, find, await self.current(), query)

    async def nearest(self, read: Reading, *, audience: Audience, weights: Weights, limit: int) -> Nearest:
        find = partial(self._nearest, read=read, audience=audience, now=self._clock.now(), weights=weights, limit=limit)
        return await self._run(self._executor, find, await self.current())

    def _nearest(self, index: Index, *, read: Reading, audience: Audience, now: float, weights: Weights, limit: int) -> Nearest:
        query = read(Vocabulary(index, audience, now=now))
        share = dense_share(query, weights)
        found = self._finder.candidates(index, query, audience=audience, now=now, share=share, limit=limit)
        return nearest(found, query, share=share, weights=weights, limit=limit)

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
        known = self._index.version
        if await self._database.read(read_version) != known:
            if await self._database.read(lambda connection: is_far_behind(connection, known, most_chunks=MOST_ROWS)):
                self._index = await self._read_anew()
            else:
                changes = await self._database.read(lambda connection: changes_since(connection, known))
                self._index = await self._run(self._executor, _applied, self._index, changes)
            self._settle()
        if self._marks == marks:
            self._checked_at = checked_at

    async def _read_anew(self) -> Index:
        """All that the database has: of what is here or in files, what is still so; the rest in portions that fit into memory."""
        stock = await self._database.read(take_stock)
        if sum(stock.chunk_counts) <= EXACT_ROWS:
            if self._folder is not None:
                await self._run(self._builder, self._folder.clear)
            rows = await self._database.read(partial(rows_of, ids=stock.ids))
            return await self._run(self._builder, partial(Index().updated, version=stock.version, rows=rows, gone=()))
        parts: Sequence[Part] = self._index.parts
        if not parts and self._folder is not None:
            parts = await self._run(self._builder, self._folder.load)
        pairs, missing = await self._run(self._builder, _still_so, parts, stock)
        rows = []
        total = sum(stock.chunk_counts)
        done = sum(int(alive.sum()) for _, alive in pairs)
        for start in range(0, len(missing), _READ_AT_ONCE):
            self._tell(Loading(LoadingStep.INDEX, done, total))
            read = await self._database.read(partial(rows_of, ids=missing[start : start + _READ_AT_ONCE]))
            rows += read
            done += len(read)
            if len(rows) >= MOST_ROWS:
                pairs.append(_whole(await self._run(self._builder, self._kept, partial(_shard, rows[:MOST_ROWS]))))
                del rows[:MOST_ROWS]
        if rows:
            pairs.append(_whole(await self._run(self._builder, Segment.of, rows)))
        return Index().with_parts(pairs, version=stock.version)

    def _settle(self) -> None:
        if next_step(self._index) is not None and (self._settling is None or self._settling.done()):
            self._settling = asyncio.create_task(self._tidy(), name="index-settling")
            self._settling.add_done_callback(_report)

    async def _tidy(self) -> None:
        while (step := next_step(self._index)) is not None:
            made = await self._run(self._builder, self._kept, step.made)
            async with self._refreshing:
                self._index = step.applied(self._index, made) or self._index
            if self._folder is not None:
                await self._run(self._builder, self._folder.remove_others, self._index.parts)

    def _kept(self, make: Callable[[], Shard]) -> Shard:
        made = make()
        return made if self._folder is None else self._folder.keep(made)

    async def _run(self, executor: Executor, work: Callable[..., _Result], *arguments: object) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(executor, work, *arguments)


def _tell_nobody(_loading: Loading) -> None:
    """Nobody waits for this."""


def _applied(index: Index, changes: Changes) -> Index:
    return index.updated(version=changes.version, rows=changes.rows, gone=changes.gone)


def _shard(rows: Sequence[ChunkRow]) -> Shard:
    return Shard.of(Segment.of(rows))


def _whole(part: Part) -> Living:
    return part, np.ones(len(part), np.bool_)


def _still_so(parts: Sequence[Part], stock: Stock) -> tuple[list[Living], list[DocumentId]]:
    """Of each part the rows of documents that are as they were then, each chunk once; and the documents of which a chunk is missing."""
    ids = np.array([name.encode() for name in stock.ids], np.bytes_)
    changed_at = np.array(stock.changed_at, np.float64)
    pairs: list[Living] = []
    seen = np.zeros(0, np.int64)
    places: list[NDArray[np.int64]] = []
    for part in parts:
        columns = part.columns
        place = np.minimum(np.searchsorted(ids, columns.document_ids), len(ids) - 1)
        there = (ids[place] == columns.document_ids)[columns.documents]
        place = place[columns.documents]
        alive = there & (changed_at[place] == columns.changed_at) & ~np.isin(columns.chunk_ids, seen)
        seen = np.concatenate([seen, columns.chunk_ids[alive]])
        pairs.append((part, alive))
        places.append(place)
    found = sum(
        (np.bincount(place[alive], minlength=len(ids)) for place, (_, alive) in zip(places, pairs, strict=True)), np.zeros(len(ids))
    )
    complete = found == np.array(stock.chunk_counts)
    return (
        [(part, alive & complete[place]) for place, (part, alive) in zip(places, pairs, strict=True)],
        [name for name, is_complete in zip(stock.ids, complete.tolist(), strict=True) if not is_complete],
    )


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("index_not_tidied", exc_info=error)
