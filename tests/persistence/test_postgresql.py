"""PostgreSQL at its worst: connections that are lost, swallowed or refused, locks that are held, statements without end."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from deskhand.errors import ConfigurationError
from deskhand.persistence import Database, DatabaseUnavailable, PostgresqlOptions, Transaction
from deskhand.testing.fault_proxy import Fault, FaultProxy
from parts.postgres import PostgresServer

# The time limits of the settings, scaled down.
QUICK = PostgresqlOptions(pool_size=4, pool_wait_seconds=1.0, statement_seconds=1.0, lock_seconds=0.5, idle_in_transaction_seconds=1.0)
HEALED_SECONDS = 10
NOTE = sa.table("note", sa.column("word"))


@asynccontextmanager
async def opened(url: str, options: PostgresqlOptions = QUICK) -> AsyncIterator[Database]:
    database = await Database.open(url, options=options)
    try:
        yield database
    finally:
        await database.close()


async def run(database: Database, statement: str) -> None:
    await database.write(lambda tx: tx.connection.exec_driver_sql(statement).close())


async def note(database: Database, word: str) -> None:
    await database.write(lambda tx: tx.execute(sa.insert(NOTE).values(word=word)))


async def words(database: Database) -> list[str]:
    return await database.read(lambda connection: list(connection.execute(sa.select(NOTE.c.word)).scalars()))


async def scalar(database: Database, statement: str) -> str:
    return await database.read(lambda connection: str(connection.exec_driver_sql(statement).scalar_one()))


def through(proxy: FaultProxy, url: str) -> str:
    return str(sa.make_url(url).set(port=proxy.port).render_as_string(hide_password=False))


@pytest.mark.parametrize(
    "fault", [Fault(blackhole=True), Fault(refuse=True), Fault(reset_chance=1.0)], ids=["blackhole", "refuse", "reset"]
)
async def test_a_network_that_fails_is_told_in_time_and_the_pool_heals(
    postgres_server: PostgresServer, postgres_url: str, fault: Fault
) -> None:
    async with FaultProxy("127.0.0.1", postgres_server.port) as proxy, opened(through(proxy, postgres_url)) as database:
        await run(database, "CREATE TABLE note (word text)")
        stored: list[str] = []
        longest = 0.0

        async def go_on_writing(name: int) -> None:
            nonlocal longest
            for number in range(1_000):
                if ended.is_set():
                    return
                began = time.monotonic()
                try:
                    await note(database, f"{name}-{number}")
                except DatabaseUnavailable:
                    await asyncio.sleep(0.02)
                else:
                    stored.append(f"{name}-{number}")
                longest = max(longest, time.monotonic() - began)

        ended = asyncio.Event()
        writers = [asyncio.create_task(go_on_writing(name)) for name in range(8)]
        while len(stored) < 20:  # noqa: ASYNC110 - the writers tell nobody
            await asyncio.sleep(0.01)
        await proxy.set_fault(fault)
        await asyncio.sleep(3)
        await proxy.set_fault(Fault())
        healed_at = len(stored)
        async with asyncio.timeout(HEALED_SECONDS):
            while len(stored) < healed_at + 20:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)
        ended.set()
        await asyncio.gather(*writers)
        # A connection, a statement, and closing it: each has its limit.
        assert longest < 8
        assert set(stored) <= set(await words(database))


async def test_a_connection_that_nothing_can_be_written_on_is_given_up(postgres_server: PostgresServer, postgres_url: str) -> None:
    """As those to a server that has become a replica, while its name leads to the one that took over."""
    name = sa.make_url(postgres_url).database
    async with opened(postgres_url) as database:
        await run(database, "CREATE TABLE note (word text)")
    postgres_server.run_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only TO on')
    async with opened(postgres_url) as database:
        with pytest.raises(DatabaseUnavailable):
            await note(database, "refused")
        assert await words(database) == []
        postgres_server.run_sql(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await note(database, "stored")
        assert await words(database) == ["stored"]


@pytest.mark.serial
@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_what_was_not_committed_when_the_server_restarted_is_done_again(
    own_postgres_server: PostgresServer, with_signal: signal.Signals
) -> None:
    async with opened(own_postgres_server.create_database()) as database:
        await run(database, "CREATE TABLE note (word text)")
        began: list[str] = []

        def work(tx: Transaction) -> None:
            began.append("again")
            tx.execute(sa.insert(NOTE).values(word="once"))
            if len(began) == 1:
                own_postgres_server.restart(with_signal=with_signal)
            tx.execute(sa.insert(NOTE).values(word="twice"))

        await database.write(work)
        assert (len(began), await words(database)) == (2, ["once", "twice"])


async def test_a_deadlock_is_nobody_s_error(postgres_url: str) -> None:
    async with opened(postgres_url, PostgresqlOptions(pool_size=2)) as database:
        await run(database, "CREATE TABLE note (word text)")
        await run(database, "INSERT INTO note VALUES ('a'), ('b')")
        met = asyncio.Barrier(2)
        attempts = {"a": 0, "b": 0}

        async def update_both(first: str, second: str) -> None:
            def work(tx: Transaction) -> None:
                attempts[first] += 1
                tx.execute(sa.update(NOTE).where(NOTE.c.word.like(f"{first}%")).values(word=NOTE.c.word + "!"))
                if attempts[first] == 1:
                    sa.util.await_only(met.wait())
                tx.execute(sa.update(NOTE).where(NOTE.c.word.like(f"{second}%")).values(word=NOTE.c.word + "!"))

            await database.write(work)

        async with asyncio.timeout(20):
            await asyncio.gather(update_both("a", "b"), update_both("b", "a"))
        assert (sorted(attempts.values()), sorted(await words(database))) == ([1, 2], ["a!!", "b!!"])


async def test_a_change_of_tables_that_meets_a_deadlock_lets_go_and_is_made_all_the_same(postgres_url: str) -> None:
    async with opened(postgres_url, PostgresqlOptions(pool_size=2)) as database:
        await run(database, "CREATE TABLE note (word text)")
        await run(database, "CREATE TABLE later (word text)")
        read_later, changed_note = asyncio.Event(), asyncio.Event()
        attempts = 0

        def read_both(connection: sa.Connection) -> None:
            # The other one is to find the deadlock, and to be the one who lets go.
            connection.exec_driver_sql("SET LOCAL deadlock_timeout TO '60s'").close()
            connection.exec_driver_sql("SELECT * FROM later").close()
            read_later.set()
            sa.util.await_only(changed_note.wait())
            connection.exec_driver_sql("SELECT * FROM note").close()

        def change_both(tx: Transaction) -> None:
            nonlocal attempts
            attempts += 1
            tx.connection.exec_driver_sql("SET LOCAL deadlock_timeout TO '50ms'").close()
            tx.connection.exec_driver_sql("ALTER TABLE note ADD COLUMN mood text").close()
            changed_note.set()
            tx.connection.exec_driver_sql("ALTER TABLE later ADD COLUMN mood text").close()

        async with asyncio.timeout(20):
            reading = asyncio.create_task(database.read(read_both))
            await read_later.wait()
            await database.alter(change_both, lock=1)
            await reading
        assert attempts == 2
        assert await scalar(database, "SELECT count(*) FROM information_schema.columns WHERE column_name = 'mood'") == "2"


async def test_a_lock_that_is_held_and_a_statement_without_end_are_given_up(postgres_url: str) -> None:
    async with opened(postgres_url) as holder, opened(postgres_url) as database:
        await run(holder, "CREATE TABLE note (word text)")

        def hold(tx: Transaction) -> None:
            tx.connection.exec_driver_sql("LOCK TABLE note").close()
            sa.util.await_only(refused())

        async def refused() -> None:
            with pytest.raises(DatabaseUnavailable):
                await note(database, "blocked")

        await holder.write(hold)
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            await scalar(database, "SELECT pg_sleep(30)")
        assert time.monotonic() - began < 5
        await note(database, "free")
        assert await words(database) == ["free"]


async def test_the_server_knows_the_time_limits_itself(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        await run(database, "CREATE TABLE note (word text)")
        settings = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name")
        assert [await scalar(database, f"SHOW {name}") for name in settings] == ["1s", "500ms", "1s", "deskhand"]


async def test_a_connection_that_rested_is_asked_before_it_is_used_and_a_busy_one_is_not(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    async with opened(postgres_url, PostgresqlOptions(pool_size=1)) as database:
        first = await scalar(database, "SELECT pg_backend_pid()")
        await asyncio.sleep(1.1)
        postgres_server.run_sql(f"SELECT pg_terminate_backend({first})")
        assert await scalar(database, "SELECT pg_backend_pid()") != first
        # Ended while it is trusted: the transaction finds out, and is done again.
        second = await scalar(database, "SELECT pg_backend_pid()")
        postgres_server.run_sql(f"SELECT pg_terminate_backend({second})")
        assert await scalar(database, "SELECT pg_backend_pid()") != second


async def test_a_plan_from_before_a_table_was_changed_is_made_anew(postgres_url: str) -> None:
    """As a migration changes one under a server that goes on: neither who reads nor who writes is told."""
    async with opened(postgres_url, PostgresqlOptions(pool_size=1)) as database, opened(postgres_url) as migrating:
        await run(database, "CREATE TABLE note (word varchar(64))")
        await note(database, "a")
        assert await words(database) == ["a"]
        await run(migrating, 'ALTER TABLE note ALTER word TYPE varchar(64) COLLATE "C"')
        assert await words(database) == ["a"]
        await run(migrating, "ALTER TABLE note ALTER word TYPE varchar(32)")
        assert await database.write(lambda tx: list(tx.execute(sa.select(NOTE.c.word)).scalars())) == ["a"]


async def test_nothing_stays_prepared_where_a_pooler_would_mix_it_up(postgres_url: str) -> None:
    async with opened(postgres_url, PostgresqlOptions(pool_size=1)) as database:
        await scalar(database, "SELECT 1")
        assert await scalar(database, "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 1'") == "1"
    async with opened(postgres_url, PostgresqlOptions(pool_size=1, prepared_statements=False)) as database:
        await scalar(database, "SELECT 1")
        assert await scalar(database, "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 1'") == "0"
        # Start-up parameters that a pooler refuses are not sent.
        assert await scalar(database, "SHOW statement_timeout") == "0"


async def test_parameters_of_the_address_are_obeyed_or_refused(postgres_server: PostgresServer, postgres_url: str) -> None:
    async with opened(f"{postgres_url}?application_name=desk-7&sslmode=prefer&target_session_attrs=read-write") as database:
        assert await scalar(database, "SHOW application_name") == "desk-7"
    with pytest.raises(ConfigurationError, match="SSL"):
        await Database.open(f"{postgres_url}?sslmode=require")
    with pytest.raises(ConfigurationError, match="ssl_mode"):
        await Database.open(f"{postgres_url}?ssl_mode=require")
    # Of two hosts, the one that takes writes.
    name = sa.make_url(postgres_url).database
    two = f"postgresql://postgres:postgres@/{name}?host=127.0.0.1:1&host=127.0.0.1:{postgres_server.port}&target_session_attrs=read-write"
    async with opened(two) as database:
        assert await scalar(database, "SELECT current_database()") == name


async def test_who_waits_too_long_for_a_connection_is_told_and_the_next_one_has_it(postgres_url: str) -> None:
    async with opened(postgres_url, PostgresqlOptions(pool_size=1, pool_wait_seconds=0.5)) as database:
        taken, done = asyncio.Event(), asyncio.Event()

        def hold(connection: sa.Connection) -> None:
            connection.exec_driver_sql("SELECT 1").close()
            taken.set()
            sa.util.await_only(done.wait())

        holding = asyncio.create_task(database.read(hold))
        await taken.wait()
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable) as refused:
            await scalar(database, "SELECT 1")
        assert refused.value.retry_after_seconds == 1
        assert 0.4 < time.monotonic() - began < 20
        done.set()
        await holding
        assert await scalar(database, "SELECT 1") == "1"
