"""PostgreSQL through asyncpg. The work of a transaction is the same synchronous code as on SQLite, run in SQLAlchemy's greenlet.

The invariant: a write locks the session row first (`FOR UPDATE` in the repositories), so that what SQLite gets from its single writer,
PostgreSQL gets per session.

Work that was certainly rolled back is done again: after a deadlock, and when the connection was lost before the commit was asked for.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from deskhand.errors import ConfigurationError
from deskhand.persistence.errors import DatabaseUnavailable, OutcomeNotKnown, translated
from deskhand.persistence.json_text import from_json, to_json
from deskhand.persistence.postgresql_options import CONNECT_TIMEOUT_SECONDS, PostgresqlOptions, address_of, connect_arguments, name_of
from deskhand.persistence.transaction import Transaction

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.02
# A connection that was used so recently is not asked whether it still stands: three round trips that a busy server does not pay.
_TRUSTED_SECONDS = 1.0
# How long a change of the tables waits for a lock, with all others waiting behind it, and how often it comes back.
_ALTER_LOCK_SECONDS = 2.0
_ALTER_ATTEMPTS = 30
_ALTER_PAUSE_SECONDS = 2.0
# read_only_sql_transaction: the server is a replica by now, or its name still led to the one that is.
_READ_ONLY = "25006"
# deadlock_detected, serialization_failure; and a plan from before a table was changed.
_AGAIN = frozenset({"40P01", "40001", "0A000", _READ_ONLY})
# lock_not_available; and deadlock_detected, with somebody who read one table before another, in another order than they are changed in.
_HELD_BY_OTHERS = frozenset({"55P03", "40P01"})

Fault = sqlalchemy.exc.DBAPIError | OSError | sqlalchemy.exc.TimeoutError
_FAULTS = (sqlalchemy.exc.DBAPIError, OSError, sqlalchemy.exc.TimeoutError)

log = structlog.get_logger(__name__)


class PostgresqlEngine:
    def __init__(self, url: sa.URL, *, options: PostgresqlOptions) -> None:
        """Raises ConfigurationError: the address has a parameter that is not known."""
        self._url = url
        self._options = options
        address, _ = address_of(url)
        self._engine = create_async_engine(
            address,
            json_serializer=to_json,
            json_deserializer=from_json,
            pool_size=options.pool_size,
            max_overflow=options.pool_overflow,
            pool_timeout=options.pool_wait_seconds,
            pool_recycle=int(options.recycle_seconds),
            # The text of an error would otherwise carry what customers wrote into the log.
            hide_parameters=True,
            connect_args=connect_arguments(url, options),
        )
        _ask_those_that_rested(self._engine)

    async def open(self) -> None:
        """Connect once.

        Raises:
            ConfigurationError: the server cannot be reached or refuses us.
        """
        try:
            async with self._connected() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except (*_FAULTS, UnicodeError) as error:
            # UnicodeError: the host's name cannot be looked up, such as "a..b".
            cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
            raise ConfigurationError(
                f"The database {self._url.render_as_string(hide_password=True)} cannot be reached: {cause}.",
                support="Check that the server runs and that DESKHAND_DATABASE_URL has the right host, user and password.",
            ) from error

    async def write(self, work: Callable[[Transaction], Any], *, durable: bool) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            callbacks: list[Callable[[], None]] = []
            asked_to_commit = False
            try:
                async with self._connected() as connection:
                    result = await connection.run_sync(_work_on(work, callbacks, durable=durable))
                    asked_to_commit = True
                    await connection.commit()
            except _FAULTS as error:
                if asked_to_commit and (_is_lost(error) or isinstance(error, TimeoutError)):
                    raise OutcomeNotKnown(retry_after_seconds=1) from error
                if attempt == _ATTEMPTS or not (_is_lost(error) or _sqlstate(error) in _AGAIN):
                    raise _translated(error) from error
                log.info("transaction_again", attempt=attempt, sqlstate=_sqlstate(error))
                await asyncio.sleep(_PAUSE_SECONDS * attempt)
            else:
                for callback in callbacks:
                    callback()
                return result
        raise AssertionError("the last attempt raises or returns")

    async def read(self, work: Callable[[sa.Connection], Any]) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._connected() as connection:
                    return await connection.run_sync(work)
            except _FAULTS as error:
                if attempt == _ATTEMPTS or not (_is_lost(error) or _sqlstate(error) in _AGAIN):
                    raise _translated(error) from error
        raise AssertionError("the last attempt raises or returns")

    async def maintain(self, statement: str) -> None:
        """Run a statement outside any transaction, however long it takes, on a connection of its own."""
        engine = self._own_engine(isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(sa.text(statement))
        except _FAULTS as error:
            raise _translated(error) from error
        finally:
            await engine.dispose()

    async def alter(self, work: Callable[[Transaction], Any], *, lock: int) -> Any:
        """Change the tables in one transaction under the advisory `lock`, however long it takes, on a connection of its own.

        It never waits long for a table that somebody else holds, because everybody else would wait behind it: it lets go and comes back.

        Raises:
            DatabaseUnavailable: a table was held for minutes, or the server went away.
        """
        engine = self._own_engine()
        try:
            for attempt in range(1, _ALTER_ATTEMPTS + 1):
                try:
                    async with engine.begin() as connection:
                        return await connection.run_sync(_altering(work, lock))
                except _FAULTS as error:
                    if _sqlstate(error) not in _HELD_BY_OTHERS or attempt == _ALTER_ATTEMPTS:
                        raise _translated(error) from error
                    log.warning("migration_waits", attempt=attempt)
                    await asyncio.sleep(_ALTER_PAUSE_SECONDS)
        finally:
            await engine.dispose()
        raise AssertionError("the last attempt raises or returns")

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """A connection that answered lately. Whatever goes wrong with it, it is not waited for once more when it is given back."""
        # Opening one, or asking one that rested, may meet a network that swallows everything.
        async with asyncio.timeout(max(self._options.pool_wait_seconds, CONNECT_TIMEOUT_SECONDS)):
            connection = await self._engine.connect()
        try:
            yield connection
        except (TimeoutError, sqlalchemy.exc.DBAPIError) as error:
            if isinstance(error, TimeoutError) or _sqlstate(error) == _READ_ONLY:
                await connection.invalidate()
            raise
        finally:
            await asyncio.shield(asyncio.create_task(connection.close()))

    def _own_engine(self, **options: Any) -> AsyncEngine:
        address, arguments = address_of(self._url)
        name = name_of(self._url, self._options.application_name)
        return create_async_engine(
            address,
            poolclass=sa.NullPool,
            hide_parameters=True,
            connect_args={**arguments, "timeout": CONNECT_TIMEOUT_SECONDS, "server_settings": {"application_name": name}},
            **options,
        )


def _work_on(work: Callable[[Transaction], Any], callbacks: list[Callable[[], None]], *, durable: bool) -> Callable[[sa.Connection], Any]:
    def run(connection: sa.Connection) -> Any:
        if not durable:
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
        return work(Transaction(connection=connection, callbacks=callbacks))

    return run


def _altering(work: Callable[[Transaction], Any], lock: int) -> Callable[[sa.Connection], Any]:
    def run(connection: sa.Connection) -> Any:
        # Several instances may start at once: one migrates, the others wait here, however long, and find it done.
        connection.exec_driver_sql("SET LOCAL statement_timeout TO 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout TO 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout TO 0")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        connection.exec_driver_sql(f"SET LOCAL lock_timeout TO '{_ALTER_LOCK_SECONDS:g}s'")
        return work(Transaction(connection=connection, callbacks=[]))

    return run


def _ask_those_that_rested(engine: AsyncEngine) -> None:
    """Ask a connection that was not used for a while whether it still stands, before it is handed out."""

    def given_back(_connection: Any, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    def handed_out(connection: Any, record: sa.pool.ConnectionPoolEntry, _proxy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < _TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except (engine.dialect.loaded_dbapi.Error, OSError) as error:
            # The pool opens another one.
            record.info.pop("used_at", None)
            raise sqlalchemy.exc.DisconnectionError from error

    sa.event.listen(engine.sync_engine, "checkin", given_back)
    sa.event.listen(engine.sync_engine, "checkout", handed_out)


def _sqlstate(error: Fault) -> str | None:
    if not isinstance(error, sqlalchemy.exc.DBAPIError):
        return None
    # The driver's own faults, as those of a lost connection, have none. That of a plan from before a change SQLAlchemy does not pass on.
    cause = error.orig.__cause__ if error.orig is not None else None
    state: str | None = getattr(error.orig, "sqlstate", None) or getattr(cause, "sqlstate", None)
    return state


def _is_lost(error: Fault) -> bool:
    """Whether the connection is gone, and with it everything that was not committed."""
    return isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated


def _translated(error: Fault) -> Exception:
    if isinstance(error, sqlalchemy.exc.DBAPIError | OSError):
        return translated(error)
    return DatabaseUnavailable(retry_after_seconds=1)
