"""The index of the whole knowledge base, in the database itself; this process keeps the counts of terms alone.

Invariant: a search sees every write of this process that was committed before it began; another process's at most `refresh_seconds` later.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa
import structlog

from deskhand.clock import Clock
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.candidates import Candidates, Query
from deskhand.knowledge.chunk_index import Reading
from deskhand.knowledge.loading import Loading, LoadingStep, TellLoading
from deskhand.knowledge.pgvector.finding import StoredEvidence, find_evidence, weighed
from deskhand.knowledge.pgvector.following import MOST_CHANGES, catch_up
from deskhand.knowledge.pgvector.graph import grow_graph, has_graph
from deskhand.knowledge.pgvector.schema import set_up
from deskhand.knowledge.pgvector.statistics import Statistics, read_statistics
from deskhand.knowledge.ranking import Nearest, Weights, dense_share, nearest
from deskhand.knowledge.repository import read_version
from deskhand.knowledge.spelling import Frequencies
from deskhand.persistence import Database, DatabaseUnavailable

log = structlog.get_logger(__name__)

# How many vectors are compared in the time that following the graph takes.
MOST_COMPARED = 20_000
_REACHED = sa.text("SELECT version FROM knowledge_search_state")


class PostgresqlIndex:
    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        refresh_seconds: float,
        most_compared: int = MOST_COMPARED,
        most_changes: int = MOST_CHANGES,
    ) -> None:
        self._database = database
        self._clock = clock
        self._refresh_seconds = refresh_seconds
        self._most_compared = most_compared
        self._most_changes = most_changes
        self._statistics = Statistics()
        self._has_graph = False
        self._growing: asyncio.Task[None] | None = None
        self._checked_at: float | None = None
        self._marks = 0
        self._refreshing = asyncio.Lock()

    async def set_up(self) -> None:
        await set_up(self._database)

    async def open(self, tell: TellLoading) -> None:
        tell(Loading(LoadingStep.INDEX))
        await self._look()
        if self._growing is not None:
            await self._growing

    async def close(self) -> None:
        if self._growing is not None:
            self._growing.cancel()
            await asyncio.wait([self._growing])

    def mark_stale(self) -> None:
        self._marks += 1
        self._checked_at = None

    async def frequencies(self, audience: Audience) -> Frequencies:
        await self._look()
        return partial(self._statistics.frequencies, audience)

    async def candidates(
        self,
        query: Query,
        *,
        audience: Audience,
        share: float,  # noqa: ARG002 - as many are taken by either measure
        limit: int,  # noqa: ARG002 - always more than anybody asks for
    ) -> Candidates:
        await self._look()
        statistics = self._statistics
        find = partial(find_evidence, query=query, audience=audience, statistics=statistics, has_graph=self._has_graph)
        rows = await self._database.read(find)
        return await asyncio.to_thread(weighed, rows, query, audience=audience, statistics=statistics)

    async def nearest(self, read: Reading, *, audience: Audience, weights: Weights, limit: int) -> Nearest:
        query = await asyncio.to_thread(read, await self.frequencies(audience))
        statistics = self._statistics
        find = partial(find_evidence, query=query, audience=audience, statistics=statistics, has_graph=self._has_graph)
        rows = await self._database.read(find)
        return await asyncio.to_thread(_nearest, rows, query, audience=audience, statistics=statistics, weights=weights, limit=limit)

    async def _look(self) -> None:
        if self._is_fresh():
            return
        async with self._refreshing:
            if not self._is_fresh():
                await self._refresh()

    def _is_fresh(self) -> bool:
        return self._checked_at is not None and self._clock.monotonic() < self._checked_at + self._refresh_seconds

    async def _refresh(self) -> None:
        # Both taken before the look, so that a write which ends during it is seen by the next one.
        checked_at, marks = self._clock.monotonic(), self._marks
        if await self._database.read(_is_behind):
            await catch_up(self._database, most_changes=self._most_changes)
        self._statistics = await self._database.read(partial(read_statistics, known=self._statistics))
        if self._marks == marks:
            self._checked_at = checked_at
        if not self._has_graph and self._growing is None and self._statistics.chunk_count(Audience.operator()) > self._most_compared:
            self._growing = asyncio.create_task(self._grow(), name="knowledge-graph")

    async def _grow(self) -> None:
        try:
            await grow_graph(self._database)
            self._has_graph = await self._database.read(has_graph)
        except DatabaseUnavailable:
            log.warning("knowledge_graph_not_built", exc_info=True)
        finally:
            self._growing = None


def _nearest(
    rows: Sequence[StoredEvidence], query: Query, *, audience: Audience, statistics: Statistics, weights: Weights, limit: int
) -> Nearest:
    found = weighed(rows, query, audience=audience, statistics=statistics)
    return nearest(found, query, share=dense_share(query, weights), weights=weights, limit=limit)


def _is_behind(connection: sa.Connection) -> bool:
    return int(connection.execute(_REACHED).scalar_one()) < read_version(connection)
