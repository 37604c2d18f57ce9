"""Reading from SQLite: a few threads, each with its own connection that cannot write.

The invariant: one read sees one state of the database, however many statements it has, and leaves no transaction behind.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pysqlite3.dbapi2
import sqlalchemy as sa
import sqlalchemy.exc

from deskhand.persistence.errors import translated

_THREADS = 3


@dataclass(slots=True)
class _Read:
    work: Callable[[sa.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"

    def settle(self, result: Any, error: Exception | None) -> None:
        """Run on the event loop: tell the waiting task, if it still waits."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class Readers:
    """The reading threads. They start with the first read. A thread pool of the standard library costs three times as much a read."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reads: queue.SimpleQueue[_Read | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def read(self, work: Callable[[sa.Connection], Any]) -> Any:
        if not self._threads:
            self._start()
        loop = asyncio.get_running_loop()
        read = _Read(work, loop, loop.create_future())
        self._reads.put(read)
        return await read.future

    async def close(self) -> None:
        for _ in self._threads:
            self._reads.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._threads.clear()

    def _start(self) -> None:
        self._threads = [threading.Thread(target=self._serve, name=f"sqlite-read-{number}", daemon=True) for number in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        connection: sa.Connection | None = None
        while (read := self._reads.get()) is not None:
            result: Any = None
            error: Exception | None = None
            try:
                if connection is None:
                    connection = self._engine.connect()
                result = _read(connection, read.work)
            except Exception as fault:  # noqa: BLE001 - carried to the task that waits for this read, which raises it
                error = translated_fault(fault)
            if not read.loop.is_closed():
                read.loop.call_soon_threadsafe(read.settle, result, error)
        if connection is not None:
            connection.close()


def _read(connection: sa.Connection, work: Callable[[sa.Connection], Any]) -> Any:
    raw: Any = connection.connection.dbapi_connection
    raw.execute("BEGIN")
    try:
        return work(connection)
    finally:
        if connection.in_transaction():
            # SQLAlchemy noted a transaction of its own, which is the one begun above.
            connection.rollback()
        if raw.in_transaction:
            raw.execute("ROLLBACK")


def translated_fault(error: Exception) -> Exception:
    """What a caller is told of an error that a piece of work raised: ours for the driver's, any other as it is."""
    if isinstance(error, pysqlite3.dbapi2.Error):
        error = sqlalchemy.exc.DBAPIError.instance(None, None, error, pysqlite3.dbapi2.Error)
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        mapped = translated(error)
        if mapped is not error:
            mapped.__cause__ = error
        return mapped
    return error
