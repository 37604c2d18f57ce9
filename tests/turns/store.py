"""The real store on one SQLite file, with a clock that only the test moves."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pysqlite3.dbapi2

from deskhand.persistence import Database, Transaction
from deskhand.persistence.migrations import migrate

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
    """The real store on one file, with the loop that runs it and a connection of its own for reading what was committed."""

    loop: asyncio.AbstractEventLoop
    clock: VirtualClock
    database: Database
    reader: Any

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path) -> Iterator["Store"]:
        clock = VirtualClock()
        path = folder / "machine.db"
        loop = asyncio.new_event_loop()
        try:
            database = loop.run_until_complete(Database.open(f"sqlite:///{path}", clock=clock))
            loop.run_until_complete(migrate(database))
            reader = pysqlite3.dbapi2.connect(str(path), isolation_level=None)
            with contextlib.closing(reader):
                yield cls(loop, clock, database, reader)
            loop.run_until_complete(database.close())
        finally:
            loop.close()

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.loop.run_until_complete(self.database.write(work))

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def select(self, sql: str, parameters: dict[str, Any]) -> Sequence[Any]:
        rows: Sequence[Any] = self.reader.execute(sql, parameters).fetchall()
        return rows
