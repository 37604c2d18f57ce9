"""The database as the rest of Deskhand sees it: pieces of synchronous work, each in a transaction that lasts no longer than it does."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import sqlalchemy as sa
import sqlalchemy.exc

from deskhand.clock import Clock, SystemClock
from deskhand.errors import ConfigurationError
from deskhand.persistence.postgresql_options import PostgresqlOptions
from deskhand.persistence.server_lock import ServerLock
from deskhand.persistence.sqlite import SqliteEngine
from deskhand.persistence.transaction import Transaction

if TYPE_CHECKING:
    from deskhand.persistence.postgresql import PostgresqlEngine

T = TypeVar("T")

Dialect = Literal["sqlite", "postgresql"]


def parse_url(url: str) -> sa.URL:
    """Read a database URL.

    Raises:
        ConfigurationError: not a URL of SQLite or PostgreSQL. The message never holds the password.
    """
    try:
        parsed = sa.make_url(url)
    except sqlalchemy.exc.ArgumentError as error:
        raise ConfigurationError(
            "DESKHAND_DATABASE_URL is not a database URL.",
            support="Use 'sqlite:////path/to/file.db' or 'postgresql://user:password@host/name'.",
        ) from error
    backend = parsed.get_backend_name()
    if backend == "postgres":
        return parsed.set(drivername="postgresql")
    if backend not in ("sqlite", "postgresql") or (backend == "sqlite" and parsed.database in (None, "", ":memory:")):
        raise ConfigurationError(
            f"DESKHAND_DATABASE_URL names {parsed.render_as_string(hide_password=True)!r}, which Deskhand cannot use.",
            support="Use 'sqlite:////path/to/file.db' or 'postgresql://user:password@host/name'.",
        )
    return parsed.set(drivername=backend)


class Database:
    def __init__(self, url: sa.URL, engine: "SqliteEngine | PostgresqlEngine") -> None:
        self.url = url
        self._engine = engine
        self._lock: ServerLock | None = None

    @classmethod
    async def open(cls, url: str, *, clock: Clock | None = None, options: PostgresqlOptions | None = None) -> "Database":
        """Open the database behind `url`. `clock` is SQLite's; PostgreSQL has its own, and `options`.

        Raises:
            ConfigurationError: the address is wrong, or nothing usable is there.
        """
        parsed = parse_url(url)
        if parsed.get_backend_name() == "sqlite":
            sqlite = SqliteEngine(parsed, now=(clock or SystemClock()).now)
            sqlite.open()
            return cls(parsed, sqlite)
        from deskhand.persistence.postgresql import PostgresqlEngine  # noqa: PLC0415 - SQLAlchemy's asyncio brings its ORM: 60 ms, 8 MiB

        postgresql = PostgresqlEngine(parsed, options=options or PostgresqlOptions())
        await postgresql.open()
        return cls(parsed, postgresql)

    @property
    def dialect(self) -> Dialect:
        return "sqlite" if isinstance(self._engine, SqliteEngine) else "postgresql"

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = True) -> T:
        """Run `work` in one transaction and return its result once that is committed.

        With `durable=False` a power loss may take the change back (a crash of the process may not): for what can be made again.
        Whatever `work` raises is raised here, and nothing of it is stored.

        Raises:
            DatabaseUnavailable: locked or unreachable for too long.
            DatabaseFull: no space left.
            DatabaseNotSetUp: a table is missing.
        """
        result: T = await self._engine.write(work, durable=durable)
        return result

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` on a connection that does not write. Raises as `write` does."""
        result: T = await self._engine.read(work)
        return result

    async def maintain(self, statement: str) -> None:
        """Run a statement of PostgreSQL's that takes long and works beside everything else, such as building an index concurrently.

        Raises:
            ConfigurationError: the database is not PostgreSQL.
            DatabaseUnavailable: it could not be reached, or went away meanwhile.
        """
        if isinstance(self._engine, SqliteEngine):
            raise ConfigurationError("Only PostgreSQL can do this.")
        await self._engine.maintain(statement)

    async def alter(self, work: Callable[[Transaction], T], *, lock: int) -> T:
        """Change the tables, in one transaction. On PostgreSQL one process at a time does, and nobody waits behind it for long.

        Raises:
            DatabaseUnavailable: a table was held by somebody else for minutes, or the database went away.
        """
        if isinstance(self._engine, SqliteEngine):
            return await self.write(work)
        result: T = await self._engine.alter(work, lock=lock)
        return result

    async def checkpoint(self) -> bool:
        """On SQLite, move the write-ahead log into the file and empty it, so that nothing of what was deleted is left there.

        False: somebody was reading from it all the time. On PostgreSQL there is nothing to do.
        """
        return await self._engine.checkpoint() if isinstance(self._engine, SqliteEngine) else True

    def serve_alone(self) -> bool:
        """State that this process serves the database. True: no other can (SQLite); False: others may, too (PostgreSQL).

        Raises:
            ConfigurationError: another process serves this SQLite file.
        """
        if self.dialect != "sqlite":
            return False
        self._lock = ServerLock(Path(self.url.database or ""))
        self._lock.acquire()
        return True

    async def close(self) -> None:
        await self._engine.close()
        if self._lock is not None:
            self._lock.release()
