"""SQLite: one writer thread whose queued transactions share a commit, and a few reader threads (`sqlite_readers`).

The invariant: all writing of this process goes through one connection, with `BEGIN IMMEDIATE`. A deferred transaction that turns into a
writer fails at once when another process wrote in between, whatever the busy timeout; an immediate one waits.

Transactions that are waiting when the writer becomes free run in one SQLite transaction, each in its own savepoint, and become durable
by one fsync (group commit). None is reported done before that commit.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2
import sqlalchemy as sa
import sqlalchemy.exc

from deskhand.errors import ConfigurationError
from deskhand.persistence.errors import DatabaseUnavailable
from deskhand.persistence.json_text import from_json, to_json
from deskhand.persistence.sqlite_readers import Readers, translated_fault
from deskhand.persistence.transaction import Transaction

_BUSY_SECONDS = 5.0
_LEAST_PATIENCE_SECONDS = 0.05
_LOCKED = "database is locked"
_LARGEST_GROUP = 128
_CHECKPOINTS = 10
_CHECKPOINT_PAUSE_SECONDS = 0.05


@dataclass(slots=True)
class _Job:
    """`work` of `None` is no transaction, but a checkpoint after those of its group."""

    work: Callable[[Transaction], Any] | None
    durable: bool
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    result: Any = None
    error: Exception | None = None
    queued_at: float = field(default_factory=time.monotonic)

    def settle(self) -> None:
        """Run on the event loop: tell the waiting task, then those who wanted to know of the commit."""
        if self.error is None:
            for callback in self.after_commit:
                callback()
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class SqliteEngine:
    def __init__(self, url: sa.URL, *, now: Callable[[], float]) -> None:
        self._url = url
        self._now = now
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._write_engine = self._create_engine(writes=True)
        self._read_engine = self._create_engine(writes=False)
        self._readers = Readers(self._read_engine)
        self._writer = threading.Thread(target=self._write_jobs, name="sqlite-write", daemon=True)
        self._synchronous = "FULL"
        self._patience_ms = int(_BUSY_SECONDS * 1000)
        # By another process, when the last group was to begin: those who wait have waited before.
        self._is_locked = False
        self._is_stopping = False
        self._closed = False

    def open(self) -> None:
        """Open the file and start the writer.

        Raises:
            ConfigurationError: the folder or the file cannot be written, or the file is not a database.
        """
        path = Path(self._url.database or "")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._write_engine.connect()
            raw = self._raw(self._connection)
            if raw.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
                raise ConfigurationError(
                    f"The database file {path} cannot be used in WAL mode.", support="Put it on a local disk that you may write to."
                )
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("ROLLBACK")
        except (OSError, sqlalchemy.exc.DBAPIError, pysqlite3.dbapi2.DatabaseError) as error:
            cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
            raise ConfigurationError(
                f"The database file {path} cannot be opened for writing: {cause}.",
                support="Choose a folder you may write to with DESKHAND_DATA_DIR, or another DESKHAND_DATABASE_URL.",
            ) from error
        self._writer.start()

    async def write(self, work: Callable[[Transaction], Any], *, durable: bool) -> Any:
        if self._closed:
            raise DatabaseUnavailable(retry_after_seconds=1)
        loop = asyncio.get_running_loop()
        job = _Job(work=work, durable=durable, loop=loop, future=loop.create_future())
        self._jobs.put(job)
        return await job.future

    async def checkpoint(self) -> bool:
        """See `Database.checkpoint`."""
        for attempt in range(_CHECKPOINTS):
            if attempt:
                await asyncio.sleep(_CHECKPOINT_PAUSE_SECONDS)
            if self._closed:
                raise DatabaseUnavailable(retry_after_seconds=1)
            loop = asyncio.get_running_loop()
            job = _Job(work=None, durable=True, loop=loop, future=loop.create_future())
            self._jobs.put(job)
            if await job.future:
                return True
        return False

    async def read(self, work: Callable[[sa.Connection], Any]) -> Any:
        if self._closed:
            raise DatabaseUnavailable(retry_after_seconds=1)
        return await self._readers.read(work)

    async def close(self) -> None:
        self._closed = True
        self._jobs.put(None)
        if self._writer.is_alive():
            await asyncio.to_thread(self._writer.join)
        await self._readers.close()
        self._connection.close()
        self._write_engine.dispose()
        self._read_engine.dispose()

    def _create_engine(self, *, writes: bool) -> sa.Engine:
        engine = sa.create_engine(
            self._url,
            # The text of an error would otherwise carry what customers wrote into the log.
            hide_parameters=True,
            module=pysqlite3.dbapi2,
            json_serializer=to_json,
            json_deserializer=from_json,
            poolclass=sa.pool.StaticPool if writes else sa.pool.NullPool,
            connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS, "isolation_level": None, "cached_statements": 512},
        )

        def prepare(raw: Any, _record: Any) -> None:
            raw.create_function("db_now", 0, self._now)
            raw.execute("PRAGMA foreign_keys=ON")
            raw.execute("PRAGMA temp_store=MEMORY")
            if not writes:
                raw.execute("PRAGMA query_only=ON")

        sa.event.listen(engine, "connect", prepare)
        if writes:
            sa.event.listen(engine, "begin", lambda connection: self._raw(connection).execute("BEGIN IMMEDIATE"))
        return engine

    @staticmethod
    def _raw(connection: sa.Connection) -> Any:
        return connection.connection.dbapi_connection

    def _write_jobs(self) -> None:
        waiting: list[_Job] = []
        while group := self._next_group(waiting):
            checkpoints = [job for job in group if job.work is None]
            transactions = [job for job in group if job.work is not None] if checkpoints else group
            waiting = self._commit_group(transactions) if transactions else []
            if checkpoints:
                self._checkpoint(checkpoints)

    def _next_group(self, waiting: list[_Job]) -> list[_Job]:
        """Those that wait for a lock, or the next job, and all that is queued with them; empty when there is nothing more to come."""
        group = waiting
        if not group:
            first = None if self._is_stopping else self._jobs.get()
            if first is None:
                return []
            group = [first]
        while len(group) < _LARGEST_GROUP and not self._is_stopping and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._is_stopping = True
            else:
                group.append(job)
        return group

    def _commit_group(self, group: list[_Job]) -> list[_Job]:
        """Run and commit a group; returns those that may still wait for the lock that another process holds."""
        raw = self._raw(self._connection)
        patient: list[_Job] = []
        try:
            self._set_synchronous("FULL" if any(job.durable for job in group) else "NORMAL")
            self._set_patience(_BUSY_SECONDS - _age(group) if self._is_locked else _BUSY_SECONDS)
            with self._connection.begin():
                self._is_locked = False
                for job in group:
                    self._run_in_savepoint(job, raw)
                    if not raw.in_transaction:
                        # SQLite rolled the whole transaction back (disk full, I/O error): what ran before in this group is gone too.
                        raise job.error or DatabaseUnavailable(retry_after_seconds=1)
        except (sqlalchemy.exc.DBAPIError, pysqlite3.dbapi2.Error, DatabaseUnavailable) as error:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            elif _LOCKED in str(error):
                self._is_locked = True
                # None of them has run. Each is told when its own time is over, not when that of the first is.
                patient = [job for job in group if _age([job]) < _BUSY_SECONDS - _LEAST_PATIENCE_SECONDS]
            for job in group:
                if job.error is None and job not in patient:
                    job.error = translated_fault(error)
        except Exception as error:  # noqa: BLE001 - the supervisor of the writer thread: it must outlive a fault, and each job is told
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            for job in group:
                job.error = job.error or error
        _tell([job for job in group if job not in patient] if patient else group)
        return patient

    def _checkpoint(self, jobs: list[_Job]) -> None:
        try:
            # A reader is not waited for: whoever wants to write waits here, too.
            self._set_patience(_LEAST_PATIENCE_SECONDS)
            busy = self._raw(self._connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            for job in jobs:
                job.result = not busy
        except pysqlite3.dbapi2.Error as error:
            for job in jobs:
                job.error = translated_fault(error)
        _tell(jobs)

    def _set_patience(self, seconds: float) -> None:
        milliseconds = int(max(seconds, _LEAST_PATIENCE_SECONDS) * 1000)
        if milliseconds != self._patience_ms:
            self._raw(self._connection).execute(f"PRAGMA busy_timeout={milliseconds}")
            self._patience_ms = milliseconds

    def _set_synchronous(self, level: str) -> None:
        if level != self._synchronous:
            self._raw(self._connection).execute(f"PRAGMA synchronous={level}")
            self._synchronous = level

    def _run_in_savepoint(self, job: _Job, raw: Any) -> None:
        assert job.work is not None
        raw.execute("SAVEPOINT job")
        try:
            job.result = job.work(Transaction(connection=self._connection, callbacks=job.after_commit))
        except Exception as error:  # noqa: BLE001 - carried to the task that waits for this job, which raises it
            job.error = translated_fault(error)
            if raw.in_transaction:
                raw.execute("ROLLBACK TO job")
        if raw.in_transaction:
            raw.execute("RELEASE job")


def _age(jobs: list[_Job]) -> float:
    """How long the first of them has waited, in seconds."""
    return time.monotonic() - min(job.queued_at for job in jobs)


def _tell(jobs: list[_Job]) -> None:
    """Let those who wait for these jobs know that they have ended, each event loop once."""
    for loop in {job.loop for job in jobs}:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, [job for job in jobs if job.loop is loop])


def _settle_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()
