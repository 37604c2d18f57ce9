"""The real store of a walk, and its time, which only the walk moves."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pysqlite3.dbapi2
import sqlalchemy as sa

from deskhand.persistence import Database, Transaction
from deskhand.persistence.migrations import migrate
from turns.history import Select

T = TypeVar("T")


@dataclass(slots=True)
class VirtualClock:
    seconds: float = 1_000_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


@dataclass(slots=True)
class Store:
    """A database and the loop that runs it. `select` reads what was committed, with SQL of its own.

    `now` is the time that the walk has reached. SQLite is given it; on PostgreSQL, which keeps its own, the ends of leases and deadlines
    are moved instead, and the time that the walk itself takes has to be far less than any that it lets pass.
    """

    loop: asyncio.AbstractEventLoop
    database: Database
    select: Select
    clock: VirtualClock = field(default_factory=VirtualClock)

    @property
    def now(self) -> float:
        return self.clock.seconds

    def pass_time(self, seconds: float) -> None:
        self.clock.seconds += seconds
        if self.database.dialect == "postgresql":
            back = "UPDATE turn SET lease_until = lease_until - :seconds, deadline = deadline - :seconds WHERE ended_at IS NULL"
            self.write(lambda tx: tx.execute(sa.text(back), {"seconds": seconds}))

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.loop.run_until_complete(self.database.write(work))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)


@contextlib.contextmanager
def _opened(url: str, clock: VirtualClock) -> Iterator[tuple[asyncio.AbstractEventLoop, Database]]:
    loop = asyncio.new_event_loop()
    try:
        database = loop.run_until_complete(Database.open(url, clock=clock))
        loop.run_until_complete(migrate(database))
        yield loop, database
        loop.run_until_complete(database.close())
    finally:
        loop.close()


@contextlib.contextmanager
def sqlite_store(folder: Path) -> Iterator[Store]:
    clock = VirtualClock()
    path = folder / "walk.db"
    with (
        _opened(f"sqlite:///{path}", clock) as (loop, database),
        # A connection that shares nothing with those of the code under test, and costs no change of thread.
        contextlib.closing(pysqlite3.dbapi2.connect(str(path), isolation_level=None)) as reader,
    ):
        yield Store(loop, database, lambda sql, parameters: reader.execute(sql, parameters).fetchall(), clock)


@contextlib.contextmanager
def postgresql_store(url: str) -> Iterator[Store]:
    with _opened(url, VirtualClock()) as (loop, database):

        def select(sql: str, parameters: dict[str, Any]) -> Sequence[Any]:
            read = database.read(lambda connection: connection.execute(sa.text(sql), parameters).all())
            return loop.run_until_complete(read)

        yield Store(loop, database, select)
