"""The database as it was at one moment, to be read at leisure while it goes on changing.

On SQLite that is a copy made by SQLite's own backup, beside the file that is written: reading the original row by row would keep it from
emptying its write-ahead log all that time. On PostgreSQL it is one transaction that sees one snapshot.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pysqlite3.dbapi2
import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from deskhand.errors import ConfigurationError
from deskhand.persistence.backup.rows import Kind, Row, Table
from deskhand.persistence.backup.schema import known_revision_of, tables_of
from deskhand.persistence.errors import DatabaseNotSetUp, DatabaseUnavailable
from deskhand.persistence.postgresql_options import address_of

_BUSY_SECONDS = 10.0
_CONNECT_SECONDS = 5.0
# Rows that are read at once: few where each may be a file.
FEW_ROWS = 16
MANY_ROWS = 1_000


class DatabaseDamaged(ConfigurationError):
    """The database file is damaged."""

    code = "database_damaged"
    support = "Restore the last backup, or ask SQLite's 'sqlite3 FILE .recover' for what can still be read."


class Snapshot(Protocol):
    """One moment of a database. `tables` is in an order in which none refers to a later one."""

    @property
    def engine(self) -> str: ...

    @property
    def revision(self) -> str: ...

    @property
    def tables(self) -> list[Table]: ...

    def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        """All rows of a table, some at a time."""
        ...

    async def sequences(self) -> dict[str, int]:
        """For each table that numbers its rows by itself, the highest number that was ever given."""
        ...


@asynccontextmanager
async def open_snapshot(url: sa.URL, *, scratch: Path) -> AsyncIterator[Snapshot]:
    """`scratch` is a folder with room for a copy of an SQLite database.

    Raises:
        ConfigurationError: there is no database of Deskhand's, or it cannot be read.
    """
    if url.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory(dir=scratch, prefix=".deskhand-backup-") as folder:
            copy = Path(folder) / "copy.db"
            await asyncio.to_thread(_copy, Path(url.database or ""), copy)
            engine = sa.create_engine(url.set(database=str(copy)), module=pysqlite3.dbapi2)
            with engine.connect() as connection:
                yield SqliteSnapshot(connection)
            engine.dispose()
        return
    address, arguments = address_of(url)
    asynchronous = create_async_engine(
        address,
        poolclass=sa.NullPool,
        isolation_level="REPEATABLE READ",
        connect_args={**arguments, "timeout": _CONNECT_SECONDS, "server_settings": {"application_name": "deskhand-backup"}},
    )
    try:
        async with AsyncExitStack() as opened:
            try:
                plain = await asynchronous.connect()
                opened.push_async_callback(plain.close)
                reading = await plain.execution_options(postgresql_readonly=True)
                snapshot = await PostgresqlSnapshot.take(reading)
            except (OSError, sqlalchemy.exc.DBAPIError) as error:
                raise unreachable(url, error) from error
            yield snapshot
    finally:
        await asynchronous.dispose()


def unreachable(url: sa.URL, error: OSError | sqlalchemy.exc.DBAPIError) -> ConfigurationError:
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return ConfigurationError(
        f"The database {url.render_as_string(hide_password=True)} cannot be used: {cause}.",
        support="Check that the server runs and that DESKHAND_DATABASE_URL has the right host, user and password.",
    )


class SqliteSnapshot:
    engine = "sqlite"

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.revision = known_revision_of(connection)
        self.tables = tables_of(connection)

    async def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        cursor = self._raw.execute(select_from(table))
        while batch := cursor.fetchmany(FEW_ROWS if table.is_heavy else MANY_ROWS):
            yield batch

    async def sequences(self) -> dict[str, int]:
        if not self._raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
            return {}
        return dict(self._raw.execute("SELECT name, seq FROM sqlite_sequence").fetchall())

    @property
    def _raw(self) -> Any:
        return self._connection.connection.dbapi_connection


class PostgresqlSnapshot:
    engine = "postgresql"

    def __init__(self, connection: AsyncConnection, *, revision: str, tables: list[Table], numbered: dict[str, str]) -> None:
        self._connection = connection
        self._numbered = numbered
        self.revision = revision
        self.tables = tables

    @classmethod
    async def take(cls, connection: AsyncConnection) -> "PostgresqlSnapshot":
        revision = await connection.run_sync(known_revision_of)
        tables = await connection.run_sync(tables_of)
        return cls(connection, revision=revision, tables=tables, numbered=await connection.run_sync(numbered_tables))

    async def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        raw = (await self._connection.get_raw_connection()).driver_connection
        assert raw is not None
        try:
            async for batch in batches(raw, table):
                yield batch
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseUnavailable(f"The database could not be read to the end of {table.name}: {error}.") from error

    async def sequences(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for table, sequence in self._numbered.items():
            row = (await self._connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608 - quoted
            found[table] = row.last_value if row.is_called else row.last_value - 1
        return {table: last for table, last in found.items() if last > 0}


def numbered_tables(connection: sa.Connection) -> dict[str, str]:
    """On PostgreSQL: tables that number their rows by themselves, with the sequence that does it, both as SQL writes them."""
    statement = sa.text(
        "SELECT c.relname AS name, pg_get_serial_sequence(quote_ident(c.relname), a.attname) AS sequence FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
        " AND pg_get_serial_sequence(quote_ident(c.relname), a.attname) IS NOT NULL"
    )
    return {row.name: row.sequence for row in connection.execute(statement)}


async def batches(raw: Any, table: Table) -> AsyncIterator[list[Row]]:
    """All rows of a table over a connection of asyncpg's that is in a transaction, as many at a time as are fetched at a time."""
    size = FEW_ROWS if table.is_heavy else MANY_ROWS
    batch: list[Row] = []
    # To the end, or the statement stays open and nothing can be changed about the table.
    async for row in raw.cursor(select_from(table, on_postgresql=True), prefetch=size):
        batch.append(tuple(row))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def select_from(table: Table, *, on_postgresql: bool = False) -> str:
    """A statement for all rows, whose values the driver hands out as a backup holds them."""
    names = [
        # SQLAlchemy has the driver parse JSON, which a backup holds as it is written.
        f"{quoted(column.name)}::text" if on_postgresql and column.kind is Kind.JSON else quoted(column.name)
        for column in table.columns
    ]
    return f"SELECT {', '.join(names)} FROM {quoted(table.name)}"  # noqa: S608 - quoted


def _copy(file: Path, copy: Path) -> None:
    if not file.exists():
        raise DatabaseNotSetUp(f"There is no database file {file}.", support="Check DESKHAND_DATA_DIR and DESKHAND_DATABASE_URL.")
    try:
        source = pysqlite3.dbapi2.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)
        target = pysqlite3.dbapi2.connect(str(copy))
        try:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            found = [row[0] for row in target.execute("PRAGMA integrity_check(3)").fetchall()]
        finally:
            source.close()
            target.close()
    except pysqlite3.dbapi2.DatabaseError as error:
        raise DatabaseDamaged(f"The database file {file} cannot be copied: {error}.") from error
    if found != ["ok"]:
        raise DatabaseDamaged(f"The database file {file} is damaged: {'; '.join(found)}.")
