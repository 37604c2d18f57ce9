"""Facts about customers, through the service, on both databases."""

from collections.abc import AsyncIterator

import pytest

from deskhand.errors import Malformed
from deskhand.ids import FactId, UserId
from deskhand.memory import MemoryService
from deskhand.memory.service import MOST_FACTS
from deskhand.persistence import Database, metadata
from deskhand.sessions import SessionService, tables

ANNA = UserId("anna")
BEN = UserId("ben")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    await opened.write(lambda tx: metadata.create_all(tx.connection))
    yield opened
    await opened.close()


@pytest.fixture
def memory(database: Database) -> MemoryService:
    return MemoryService(database)


async def test_a_fact_is_recalled_newest_first(memory: MemoryService) -> None:
    await memory.remember(ANNA, "Prefers  e-mail\n", key="1")
    await memory.remember(ANNA, "Lives in Oslo", key="2")
    assert [fact.text for fact in await memory.recall(ANNA)] == ["Lives in Oslo", "Prefers e-mail"]
    assert [fact.text for fact in await memory.recall(ANNA, limit=1)] == ["Lives in Oslo"]


async def test_the_same_key_or_the_same_words_are_kept_once(memory: MemoryService) -> None:
    first = await memory.remember(ANNA, "Prefers e-mail", key="1")
    assert await memory.remember(ANNA, "Prefers the phone", key="1") == first
    assert await memory.remember(ANNA, "Prefers e-mail", key="2") == first
    assert len(await memory.recall(ANNA)) == 1


async def test_a_query_finds_what_shares_its_words(memory: MemoryService) -> None:
    await memory.remember(ANNA, "Prefers invoices by e-mail", key="1")
    await memory.remember(ANNA, "Lives in Oslo", key="2")
    assert [fact.text for fact in await memory.recall(ANNA, "how do I get my invoice?")] == ["Prefers invoices by e-mail"]
    assert await memory.recall(ANNA, "bananas") == []


async def test_a_fact_never_reaches_another_customer(memory: MemoryService) -> None:
    fact = await memory.remember(ANNA, "Has a cat", key="1")
    assert await memory.recall(BEN) == []
    assert await memory.recall(BEN, "cat") == []
    assert await memory.forget(BEN, fact.id) == 0
    assert await memory.forget(BEN) == 0
    await memory.remember(BEN, "Has a dog", key="1")
    assert [found.text for found in await memory.recall(ANNA)] == ["Has a cat"]


async def test_one_fact_or_all_can_be_forgotten(memory: MemoryService) -> None:
    first = await memory.remember(ANNA, "Has a cat", key="1")
    await memory.remember(ANNA, "Has a dog", key="2")
    await memory.remember(BEN, "Has a bird", key="1")
    assert await memory.forget(ANNA, first.id) == 1
    assert await memory.forget(ANNA, FactId("fact_unknown")) == 0
    assert await memory.forget(ANNA) == 1
    assert await memory.recall(ANNA) == []
    assert len(await memory.recall(BEN)) == 1


async def test_the_oldest_fact_makes_room(memory: MemoryService) -> None:
    for number in range(MOST_FACTS + 3):
        await memory.remember(ANNA, f"Fact {number}", key=str(number))
    kept = await memory.recall(ANNA, limit=1_000)
    assert len(kept) == MOST_FACTS
    assert kept[0].text == f"Fact {MOST_FACTS + 2}"


@pytest.mark.parametrize("text", ["", "  \n", "x" * 501, "\x00"])
async def test_what_is_no_fact_is_refused(memory: MemoryService, text: str) -> None:
    with pytest.raises(Malformed):
        await memory.remember(ANNA, text, key="1")


async def test_a_fact_goes_with_the_session_it_was_learned_in(memory: MemoryService, database: Database) -> None:
    session = (await SessionService(database).open_session(user_id="anna", metadata={})).session
    await memory.remember(ANNA, "Has a cat", key="1", session_id=session.id)
    await memory.remember(ANNA, "Has a dog", key="2")
    await database.write(lambda tx: tx.execute(tables.sessions.delete()))
    assert [fact.text for fact in await memory.recall(ANNA)] == ["Has a dog"]
