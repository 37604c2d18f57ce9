"""One read for all who ask at once: how few reads that takes, and that nobody is told what was so before they asked."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from deskhand.persistence import Database, DatabaseNotSetUp, GatheredRead

WORDS = sa.table("word", sa.column("id"), sa.column("said"))


class Held:
    """What is asked here: the words of ids. Reads wait at the gate, and are noted."""

    def __init__(self) -> None:
        self.reads: list[list[int]] = []
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)

    def find(self, connection: sa.Connection, keys: Sequence[int]) -> Mapping[int, str]:
        self.reads.append(list(keys))
        self.entered.release()
        assert self.gate.wait(timeout=20)
        rows = connection.execute(sa.select(WORDS).where(WORDS.c.id.in_(keys)))
        return {row.id: row.said for row in rows}


async def say(database: Database, number: int) -> None:
    await database.write(lambda tx: tx.execute(sa.insert(WORDS).values(id=number, said=f"word {number}")))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path / 'words.db'}")
    await opened.write(lambda tx: tx.connection.exec_driver_sql("CREATE TABLE word (id integer PRIMARY KEY, said text)").close())
    yield opened
    await opened.close()


async def asked(gathered: GatheredRead[int, str], held: Held, keys: Sequence[int]) -> list["asyncio.Task[str | None]"]:
    """Two who are being answered, and then these, who wait for them."""
    first = [asyncio.create_task(gathered.ask(0)) for _ in range(2)]
    for _ in first:
        assert await asyncio.to_thread(held.entered.acquire, timeout=20)
    waiting = [asyncio.create_task(gathered.ask(key)) for key in keys]
    # They have asked once their tasks have run to where they wait.
    await asyncio.sleep(0)
    return [*first, *waiting]


async def test_who_asks_while_others_are_answered_shares_the_next_read_and_is_told_what_is_so_by_then(database: Database) -> None:
    held = Held()
    gathered = GatheredRead(database, held.find)
    one, two = [asyncio.create_task(gathered.ask(0)) for _ in range(2)]
    for _ in range(2):
        assert await asyncio.to_thread(held.entered.acquire, timeout=20)
    for number in range(5):
        await say(database, number)
    waiting = [asyncio.create_task(gathered.ask(number % 10)) for number in range(100)]
    await asyncio.sleep(0)
    held.gate.set()
    assert await asyncio.gather(*waiting) == [f"word {number % 10}" if number % 10 < 5 else None for number in range(100)]
    await asyncio.gather(one, two)
    assert held.reads == [[0], [0], list(range(10))]


async def test_who_asks_alone_is_answered_alone(database: Database) -> None:
    held = Held()
    held.gate.set()
    gathered = GatheredRead(database, held.find)
    await say(database, 1)
    assert [await gathered.ask(number) for number in (1, 2, 1)] == ["word 1", None, "word 1"]
    assert held.reads == [[1], [2], [1]]


async def test_who_waits_behind_reads_that_hang_goes_on_without_them(database: Database) -> None:
    held = Held()
    gathered = GatheredRead(database, held.find)
    tasks = await asked(gathered, held, [1, 2])
    assert await asyncio.to_thread(held.entered.acquire, timeout=20)
    assert held.reads == [[0], [0], [1, 2]]
    held.gate.set()
    assert await asyncio.gather(*tasks) == [None] * 4


async def test_who_goes_away_takes_nothing_from_the_others(database: Database) -> None:
    held = Held()
    gathered = GatheredRead(database, held.find)
    await say(database, 7)
    _, _, leaving, staying = tasks = await asked(gathered, held, [7, 7])
    leaving.cancel()
    held.gate.set()
    assert await staying == "word 7"
    assert isinstance((await asyncio.gather(*tasks, return_exceptions=True))[2], asyncio.CancelledError)
    assert await gathered.ask(7) == "word 7"


async def test_a_read_that_fails_is_told_to_all_who_wait_for_it_and_the_next_is_another(database: Database) -> None:
    held = Held()
    gathered = GatheredRead(database, held.find)
    tasks = await asked(gathered, held, [1, 2, 3])
    await database.write(lambda tx: tx.connection.exec_driver_sql("ALTER TABLE word RENAME TO elsewhere").close())
    held.gate.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in told[2:]] == [DatabaseNotSetUp] * 3
    await database.write(lambda tx: tx.connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO word").close())
    await say(database, 1)
    assert await gathered.ask(1) == "word 1"
