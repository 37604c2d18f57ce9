"""Where a backup is restored to.

Invariant: until it is known to be right, everything happens aside (a new SQLite file) or in one transaction (PostgreSQL).
"""

import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pysqlite3.dbapi2
import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from deskhand.errors import ConfigurationError, Conflict
from deskhand.persistence.backup.rows import Row, Table
from deskhand.persistence.backup.schema import VERSION_TABLE
from deskhand.persistence.backup.sources import FEW_ROWS, MANY_ROWS, batches, numbered_tables, quoted, select_from, unreachable
from deskhand.persistence.errors import DatabaseFull
from deskhand.persistence.migrations import TABLES
from deskhand.persistence.postgresql_options import address_of
from deskhand.persistence.server_lock import ServerLock

_CONNECT_SECONDS = 5.0
_SIDE_FILES = ("-wal", "-shm", "-journal")


class TargetNotEmpty(Conflict):
    """The database that was to be restored to has something in it."""

    code = "target_not_empty"
    support = "Restore to an empty database, or use --force to lose everything that is in this one."


class TargetInUse(Conflict):
    """Somebody uses the database that was to be restored to."""

    code = "target_in_use"
    support = "Stop every Deskhand that uses this database, then try again."


class Target(Protocol):
    """A database that is being restored. Nothing of it is seen by others before it is left without an error."""

    async def do(self, work: Callable[[sa.Connection], None]) -> None:
        """Run `work` on a connection, in the one transaction of the restore."""
        ...

    async def insert(self, table: Table, rows: Iterator[Row]) -> None: ...

    async def set_sequence(self, table: str, last: int) -> None:
        """The next row that numbers itself gets a number above `last`."""
        ...

    def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        """What the table holds now."""
        ...

    async def check(self) -> None:
        """Raises ConfigurationError: what was restored is not consistent."""
        ...


@asynccontextmanager
async def open_target(url: sa.URL, *, force: bool, spared: Collection[str], derived: Collection[str]) -> AsyncIterator[Target]:
    """An empty schema to restore to, which replaces what is there.

    `spared`: tables whose rows do not make a database one that has something in it. `derived`: tables that go with the others, and are made
    again when they are missed.

    Raises:
        TargetNotEmpty: and not `force`.
        TargetInUse: a server runs on it.
    """
    if url.get_backend_name() == "sqlite":
        with _sqlite_target(Path(url.database or ""), force=force, spared=spared) as target:
            yield target
        return
    address, arguments = address_of(url)
    engine = create_async_engine(
        address,
        poolclass=sa.NullPool,
        connect_args={**arguments, "timeout": _CONNECT_SECONDS, "server_settings": {"application_name": "deskhand-restore"}},
    )
    try:
        async with engine.begin() as connection:
            postgresql = PostgresqlTarget(connection)
            await connection.run_sync(lambda sync: _clear(sync, force=force, spared=spared, derived=derived))
            yield postgresql
    except asyncpg.DiskFullError as error:
        raise DatabaseFull(support="Free disk space on the database server; then restore again.") from error
    except (OSError, sqlalchemy.exc.DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
            raise ConfigurationError(f"The database refused what was restored: {error}.") from error
        raise unreachable(url, error) from error
    finally:
        await engine.dispose()


class SqliteTarget:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    async def do(self, work: Callable[[sa.Connection], None]) -> None:
        work(self._connection)

    async def insert(self, table: Table, rows: Iterator[Row]) -> None:
        names = ", ".join(quoted(column.name) for column in table.columns)
        places = ", ".join("?" for _ in table.columns)
        self._raw.executemany(f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({places})", rows)  # noqa: S608 - quoted

    async def set_sequence(self, table: str, last: int) -> None:
        if self._raw.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, table)).rowcount == 0:
            self._raw.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))

    async def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        cursor = self._raw.execute(select_from(table))
        while batch := cursor.fetchmany(FEW_ROWS if table.is_heavy else MANY_ROWS):
            yield batch

    async def check(self) -> None:
        broken = self._raw.execute("PRAGMA foreign_key_check").fetchall()
        found = [row[0] for row in self._raw.execute("PRAGMA integrity_check(3)").fetchall()]
        if broken or found != ["ok"]:
            raise ConfigurationError(f"What was restored is not consistent: {len(broken)} rows refer to none; {'; '.join(found)}.")

    @property
    def _raw(self) -> Any:
        return self._connection.connection.dbapi_connection


class PostgresqlTarget:
    """PostgreSQL compares what refers to what as the rows come in, so there is nothing to check afterwards."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def do(self, work: Callable[[sa.Connection], None]) -> None:
        await self._connection.run_sync(work)

    async def insert(self, table: Table, rows: Iterator[Row]) -> None:
        raw = await self._raw()
        await raw.copy_records_to_table(table.name, records=rows, columns=[column.name for column in table.columns])

    async def set_sequence(self, table: str, last: int) -> None:
        sequence = (await self._connection.run_sync(numbered_tables))[table]
        await self._connection.execute(sa.select(sa.func.setval(sequence, last)))

    async def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        async for batch in batches(await self._raw(), table):
            yield batch

    async def check(self) -> None:
        pass

    async def _raw(self) -> Any:
        return (await self._connection.get_raw_connection()).driver_connection


@contextmanager
def _sqlite_target(file: Path, *, force: bool, spared: Collection[str]) -> Iterator[SqliteTarget]:
    file.absolute().parent.mkdir(parents=True, exist_ok=True)
    lock = ServerLock(file)
    try:
        lock.acquire()
    except ConfigurationError as error:
        raise TargetInUse(error.message) from error
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.restoring")
    engine = sa.create_engine(f"sqlite:///{unfinished}", module=pysqlite3.dbapi2, connect_args={"isolation_level": None})
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        if file.exists():
            _put_aside(file, force=force, spared=spared)
        unfinished.touch(mode=0o600, exist_ok=False)
        with engine.begin() as connection:
            yield SqliteTarget(connection)
        engine.dispose()
        descriptor = os.open(unfinished, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        unfinished.replace(file)
    except sqlalchemy.exc.DBAPIError as error:
        raise ConfigurationError(f"{file} cannot be restored: {error.orig}.") from error
    except pysqlite3.dbapi2.DatabaseError as error:
        raise ConfigurationError(f"{file} cannot be restored: {error}.") from error
    finally:
        engine.dispose()
        unfinished.unlink(missing_ok=True)
        Path(f"{unfinished}-journal").unlink(missing_ok=True)
        lock.release()


def _put_aside(file: Path, *, force: bool, spared: Collection[str]) -> None:
    """See that the old file may be replaced, and that nothing beside it will be taken for the new one's."""
    engine = sa.create_engine(f"sqlite:///{file}", module=pysqlite3.dbapi2, connect_args={"isolation_level": None})
    try:
        with engine.connect() as connection:
            if not force:
                _require_empty(connection, sa.inspect(connection).get_table_names(), spared=spared)
            # Leaves the write-ahead log empty and gone, and fails while anybody else has the file open.
            mode = connection.exec_driver_sql("PRAGMA journal_mode=DELETE").scalar_one()
    except sqlalchemy.exc.DBAPIError as error:
        if "locked" in str(error.orig):
            raise TargetInUse(f"Another program uses {file}.") from error
        if not force:
            raise TargetNotEmpty(f"{file} is there and cannot be read: {error.orig}.") from error
    else:
        if mode != "delete":
            raise TargetInUse(f"Another program uses {file}.")
    finally:
        engine.dispose()
    for ending in _SIDE_FILES:
        Path(f"{file}{ending}").unlink(missing_ok=True)


def _clear(connection: sa.Connection, *, force: bool, spared: Collection[str], derived: Collection[str]) -> None:
    ours = {*TABLES, *derived, VERSION_TABLE}
    found = [name for name in sa.inspect(connection).get_table_names() if name in ours]
    others = connection.execute(
        sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'deskhand'")
    ).scalar_one()
    if others:
        raise TargetInUse(f"{others} connections of a Deskhand are open to this database.")
    if not force:
        _require_empty(connection, [name for name in found if name not in derived], spared=spared)
    for name in found:
        connection.exec_driver_sql(f"DROP TABLE {quoted(name)} CASCADE")


def _require_empty(connection: sa.Connection, names: Collection[str], *, spared: Collection[str]) -> None:
    for name in names:
        if name in {VERSION_TABLE, *spared}:
            continue
        if connection.exec_driver_sql(f"SELECT 1 FROM {quoted(name)} LIMIT 1").first() is not None:  # noqa: S608 - quoted
            raise TargetNotEmpty(f"The table {name} of the database that is to be restored has rows.")
