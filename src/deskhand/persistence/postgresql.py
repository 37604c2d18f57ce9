"""PostgreSQL through asyncpg. The work of a transaction is the same synchronous code as on SQLite, run in SQLAlchemy's greenlet.

The invariant: a write locks the session row first (`FOR UPDATE` in the repositories), so that what SQLite gets from its single writer,
PostgreSQL gets per session.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.ext.asyncio import create_async_engine

from deskhand.errors import ConfigurationError
from deskhand.persistence.errors import translated
from deskhand.persistence.json_text import from_json, to_json
from deskhand.persistence.transaction import Transaction

_COMMAND_TIMEOUT_SECONDS = 30.0
_CONNECT_TIMEOUT_SECONDS = 5.0


class PostgresqlEngine:
    def __init__(self, url: sa.URL, *, pool_size: int) -> None:
        self._url = url
        self._engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            json_serializer=to_json,
            json_deserializer=from_json,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_CONNECT_TIMEOUT_SECONDS,
            pool_pre_ping=True,
            # The text of an error would otherwise carry what customers wrote into the log.
            hide_parameters=True,
            connect_args={
                "timeout": _CONNECT_TIMEOUT_SECONDS,
                "command_timeout": _COMMAND_TIMEOUT_SECONDS,
                "server_settings": {"application_name": "deskhand", "idle_in_transaction_session_timeout": "30000"},
            },
        )

    async def open(self) -> None:
        """Connect once.

        Raises:
            ConfigurationError: the server cannot be reached or refuses us.
        """
        try:
            async with self._engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except (OSError, sqlalchemy.exc.DBAPIError, TimeoutError) as error:
            cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
            raise ConfigurationError(
                f"The database {self._url.render_as_string(hide_password=True)} cannot be reached: {cause}.",
                support="Check that the server runs and that DESKHAND_DATABASE_URL has the right host, user and password.",
            ) from error

    async def write(self, work: Callable[[Transaction], Any], *, durable: bool) -> Any:
        callbacks: list[Callable[[], None]] = []

        def run(connection: sa.Connection) -> Any:
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            return work(Transaction(connection=connection, callbacks=callbacks))

        try:
            async with self._engine.begin() as connection:
                result = await connection.run_sync(run)
        except (sqlalchemy.exc.DBAPIError, OSError, sqlalchemy.exc.TimeoutError, TimeoutError) as error:
            raise _translated(error) from error
        for callback in callbacks:
            callback()
        return result

    async def read(self, work: Callable[[sa.Connection], Any]) -> Any:
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)
        except (sqlalchemy.exc.DBAPIError, OSError, sqlalchemy.exc.TimeoutError, TimeoutError) as error:
            raise _translated(error) from error

    async def maintain(self, statement: str) -> None:
        """Run a statement outside any transaction, however long it takes, on a connection of its own."""
        engine = create_async_engine(
            self._url.set(drivername="postgresql+asyncpg"),
            poolclass=sa.NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": _CONNECT_TIMEOUT_SECONDS, "server_settings": {"application_name": "deskhand"}},
        )
        try:
            async with engine.connect() as connection:
                await connection.execute(sa.text(statement))
        except (sqlalchemy.exc.DBAPIError, OSError) as error:
            raise _translated(error) from error
        finally:
            await engine.dispose()

    async def close(self) -> None:
        await self._engine.dispose()


def _translated(error: Exception) -> Exception:
    if isinstance(error, sqlalchemy.exc.DBAPIError | OSError):
        return translated(error)
    return translated(OSError(str(error)))
