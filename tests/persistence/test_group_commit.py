"""SQLite's writer: transactions that wait together share a commit, and none of them pays for another's fault."""

import asyncio
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2
import pytest
import sqlalchemy.exc

from deskhand.persistence import Database, DatabaseFull, DatabaseUnavailable, Transaction

MOST_SECONDS = 5.0


def insert(value: str) -> Any:
    def work(tx: Transaction) -> str:
        tx.connection.exec_driver_sql("INSERT INTO kept (value) VALUES (?)", (value,))
        return value

    return work


async def values(database: Database) -> list[str]:
    return await database.read(lambda connection: [row[0] for row in connection.exec_driver_sql("SELECT value FROM kept ORDER BY id")])


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path / 'kept.db'}")
    await opened.write(lambda tx: tx.connection.exec_driver_sql("CREATE TABLE kept (id INTEGER PRIMARY KEY, value TEXT UNIQUE)"))
    yield opened
    await opened.close()


class Held:
    """Keeps the writer busy, so that what is written meanwhile waits together and becomes one group."""

    def __init__(self, database: Database) -> None:
        self._reached = threading.Event()
        self._opened = threading.Event()
        self._task = asyncio.ensure_future(database.write(self._hold))

    def _hold(self, _tx: Transaction) -> None:
        self._reached.set()
        self._opened.wait(20)

    async def reached(self) -> None:
        await asyncio.to_thread(self._reached.wait, 20)

    async def open(self) -> None:
        self._opened.set()
        await self._task


async def test_a_transaction_that_fails_harms_none_of_its_neighbours(database: Database) -> None:
    held = Held(database)
    await held.reached()

    def fail(tx: Transaction) -> str:
        insert("lost")(tx)
        raise ValueError("mine alone")

    waiting = [database.write(work) for work in (insert("one"), fail, insert("one"), insert("two"))]
    tasks = [asyncio.ensure_future(each) for each in waiting]
    await asyncio.sleep(0)
    await held.open()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert (results[0], results[3]) == ("one", "two")
    assert isinstance(results[1], ValueError)
    assert isinstance(results[2], sqlalchemy.exc.IntegrityError)
    assert await values(database) == ["one", "two"]


async def test_callbacks_come_after_the_commit_on_the_loop_and_only_for_what_was_kept(database: Database) -> None:
    told: list[tuple[str, list[str]]] = []
    loop_thread = threading.get_ident()
    reader = pysqlite3.dbapi2.connect(database.url.database)

    def work(value: str, *, fails: bool) -> Any:
        def run(tx: Transaction) -> None:
            insert(value)(tx)
            tx.after_commit(lambda: told.append((value, [row[0] for row in reader.execute("SELECT value FROM kept ORDER BY id")])))
            tx.after_commit(lambda: told.append((str(threading.get_ident() == loop_thread), [])))
            if fails:
                raise ValueError(value)

        return run

    held = Held(database)
    await held.reached()
    tasks = [asyncio.ensure_future(database.write(work(value, fails=value == "b"))) for value in ("a", "b", "c")]
    await asyncio.sleep(0)
    await held.open()
    await asyncio.gather(*tasks, return_exceptions=True)
    reader.close()
    assert told == [("a", ["a", "c"]), ("True", []), ("c", ["a", "c"]), ("True", [])]


async def test_a_commit_that_fails_acknowledges_nobody_in_its_group(database: Database) -> None:
    def make_table(tx: Transaction) -> None:
        tx.connection.exec_driver_sql("CREATE TABLE child (parent INTEGER REFERENCES kept (id) DEFERRABLE INITIALLY DEFERRED)")

    await database.write(make_table)
    told: list[str] = []
    held = Held(database)
    await held.reached()

    def work(tx: Transaction) -> None:
        insert("one")(tx)
        tx.after_commit(lambda: told.append("one"))

    # It is found to be wrong at the commit alone, when its neighbours have run already.
    tasks = [
        asyncio.ensure_future(database.write(each))
        for each in (work, lambda tx: tx.connection.exec_driver_sql("INSERT INTO child VALUES (99)"), insert("two"))
    ]
    await asyncio.sleep(0)
    await held.open()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, sqlalchemy.exc.IntegrityError) for result in results)
    assert told == []
    assert await values(database) == []
    await database.write(insert("three"))
    assert await values(database) == ["three"]


async def test_a_writer_that_left_does_not_take_its_transaction_back(database: Database) -> None:
    held = Held(database)
    await held.reached()
    task = asyncio.ensure_future(database.write(insert("kept")))
    await asyncio.sleep(0)
    task.cancel()
    await held.open()
    await database.write(insert("after"))
    assert await values(database) == ["kept", "after"]


async def test_a_transaction_that_finds_no_space_is_refused_and_nothing_else(database: Database) -> None:
    pages = await database.write(lambda tx: tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.write(lambda tx: tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}"))
    with pytest.raises(DatabaseFull) as full:
        await database.write(insert("x" * 100_000))
    assert full.value.status == 507
    assert full.value.retry_after_seconds
    await database.write(insert("small"))
    assert await values(database) == ["small"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False, capture_output=True).returncode != 0:
        pytest.skip("only who may mount can have a disk that is full; the tests before this one need no such right")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_acknowledges_nothing_that_is_not_there(small_disk: Path) -> None:
    database = await Database.open(f"sqlite:///{small_disk / 'kept.db'}")
    await database.write(lambda tx: tx.connection.exec_driver_sql("CREATE TABLE kept (id INTEGER PRIMARY KEY, value TEXT UNIQUE)"))
    acknowledged: list[str] = []
    refused: list[BaseException] = []
    for group in range(40):
        sent = [f"{group}-{number}-{'x' * 10_000}" for number in range(10)]
        results = await asyncio.gather(*(database.write(insert(value)) for value in sent), return_exceptions=True)
        acknowledged += [value for value in results if isinstance(value, str)]
        refused += [error for error in results if isinstance(error, BaseException)]
    assert acknowledged
    assert refused
    assert all(isinstance(error, DatabaseFull) for error in refused)
    assert sorted(await values(database)) == sorted(acknowledged)
    grow = await asyncio.create_subprocess_exec("mount", "-o", "remount,size=16m", small_disk)
    assert await grow.wait() == 0
    await database.write(insert("after"))
    assert (await values(database))[-1] == "after"
    assert await database.read(lambda connection: connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()) == "ok"
    await database.close()


@pytest.mark.serial
async def test_a_locked_database_is_told_within_five_seconds_and_the_loop_goes_on(database: Database) -> None:
    other = pysqlite3.dbapi2.connect(database.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    lags: list[float] = []

    async def watch() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - before - 0.01)

    async def write_late(seconds: float) -> tuple[float, object]:
        await asyncio.sleep(seconds)
        before = time.monotonic()
        try:
            result: object = await database.write(insert(f"late {seconds}"))
        except DatabaseUnavailable as error:
            result = error
        return time.monotonic() - before, result

    watching = asyncio.ensure_future(watch())
    waits = await asyncio.gather(*(write_late(seconds) for seconds in (0.0, 0.1, 1.0, 2.5, 4.0)))
    # Reading goes on all the while.
    assert await values(database) == []
    other.execute("ROLLBACK")
    watching.cancel()
    assert all(isinstance(result, DatabaseUnavailable) and result.status == 503 and result.retry_after_seconds for _, result in waits)
    assert max(seconds for seconds, _ in waits) < MOST_SECONDS + 0.7
    assert sorted(lags)[int(len(lags) * 0.99)] < 0.1
    assert await database.write(insert("after")) == "after"
    assert await values(database) == ["after"]
    other.close()
