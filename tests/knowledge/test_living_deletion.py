"""What is taken away is gone: from searches, from memory, from other processes, and on SQLite from the file."""

import functools
import gc
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from deskhand.agent.registry import ToolDeps
from deskhand.agent.tools.search_knowledge import SearchKnowledge, search_knowledge
from deskhand.ids import SessionId
from deskhand.knowledge import Audience, Embedder, KnowledgeOptions, KnowledgeService, Replacement, SourceDocument, Tier, document_id
from deskhand.knowledge.tables import chunks
from deskhand.memory import MemoryService
from deskhand.persistence import Database, metadata
from deskhand.sessions import SessionService

CANARY = "zanzibarcanary"
ORIGIN = "file:///canary.md"
TEXT = f"# Parking\n\nThe word for the parking attendant is {CANARY}, which is said twice."
WAYS = ("delete", "disable", "expire", "operators", "replace", "sync", "title")


def document(text: str = TEXT, *, origin: str = ORIGIN, title: str | None = None) -> SourceDocument:
    return SourceDocument(origin=origin, source="c.md", filename="c.md", data=text.encode(), title=title, scope="file:///")


async def take_away(knowledge: KnowledgeService, way: str) -> None:
    library = knowledge.library
    stored = await library.get_document(document_id(ORIGIN))
    match way:
        case "delete":
            await library.delete(stored.id, by="ada")
        case "disable":
            await library.edit(stored.id, {"disabled": True}, by="ada")
        case "expire":
            await library.edit(stored.id, {"effective_until": 1.0}, by="ada")
        case "operators":
            await library.edit(stored.id, {"tier": Tier.OPERATORS}, by="ada")
        case "replace":
            await library.replace(stored, Replacement("c.md", b"# Parking\n\nThere is no attendant any more."), by="ada")
        case "sync":
            await knowledge.ingest([document("Something else.", origin="file:///other.md")], sync_scope="file:///")
        case "title":
            await library.edit(stored.id, {"title": "Parking"}, by="ada")


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_taken_away_is_found_by_no_search_of_this_process_or_another(
    database_url: str, knowledge: KnowledgeService, embedder: Embedder, way: str
) -> None:
    await knowledge.ingest([document(TEXT.replace(CANARY, "Bob") if way == "title" else TEXT, title=CANARY)], sync_scope=None)
    # As another process has it: a connection and an index of its own, that looks for changes at every search.
    database = await Database.open(database_url)
    other = KnowledgeService(database, embedder, KnowledgeOptions(threads=2, refresh_seconds=0.0))
    try:
        for service in (knowledge, other):
            assert await service.search(CANARY, limit=5, audience=Audience.customer())
        await take_away(knowledge, way)
        for service in (knowledge, other):
            for query in (CANARY, "word for the parking attendant"):
                passages = await service.search(query, limit=20, audience=Audience.customer())
                assert CANARY not in repr([passage for passage in passages if way != "replace" or CANARY in passage.text])
            listed = await service.list_documents(audience=Audience.customer())
            assert way == "replace" or CANARY not in repr(listed)
    finally:
        await other.close()
        await database.close()


@pytest.mark.parametrize("way", ["delete", "disable", "replace", "sync"])
async def test_the_vectors_of_what_was_taken_away_leave_the_memory(knowledge: KnowledgeService, database: Database, way: str) -> None:
    filling = [document(f"Parking place {number} is free.", origin=f"file:///{number}.md") for number in range(30)]
    await knowledge.ingest([*filling, document()], sync_scope=None)
    query = chunks.select().where(chunks.c.document_id == document_id(ORIGIN))
    rows = await database.read(lambda connection: connection.execute(query).all())
    vectors = [np.frombuffer(row.vector, "<f4") for row in rows]
    assert await knowledge.search(CANARY, limit=1, audience=Audience.public())
    assert held_in_memory(vectors), "the test finds vectors that are there"
    del rows
    await take_away(knowledge, way)
    await knowledge.search("parking", limit=1, audience=Audience.public())
    assert not held_in_memory(vectors)


def held_in_memory(vectors: list[np.ndarray]) -> bool:
    """Whether an array of this process, other than these, has one of the vectors as a row."""
    gc.collect()
    own = {id(vector) for vector in vectors}
    holders: list[np.ndarray] = []
    for holder in gc.get_objects():
        match _kind(type(holder)):
            case "array":
                holders.append(holder)
            case "sequence":
                holders += [item for item in holder if isinstance(item, np.ndarray)]
            case "slots":
                holders += [value for name in type(holder).__slots__ if isinstance(value := getattr(holder, name, None), np.ndarray)]
    tables = [
        found for found in holders if id(found) not in own and found.ndim == 2 and found.shape[1] == 384 and found.dtype == np.float32
    ]
    return any(np.isclose(table @ vector, 1.0, atol=1e-5).any() for table in tables for vector in vectors)


# Asked of each of a million objects, of which there are few kinds.
@functools.cache
def _kind(found: type) -> Literal["array", "sequence", "slots", "other"]:
    if issubclass(found, np.ndarray):
        return "array"
    if issubclass(found, tuple | list):
        return "sequence"
    return "slots" if hasattr(found, "__slots__") and found.__module__.startswith("deskhand.knowledge") else "other"


@pytest.mark.parametrize("way", ["delete", "sync", "replace"])
async def test_nothing_of_it_is_left_in_the_file_of_sqlite(tmp_path: Path, embedder: Embedder, way: str) -> None:
    path = tmp_path / "deskhand.db"
    database = await Database.open(f"sqlite:///{path}")
    await database.write(lambda transaction: metadata.create_all(transaction.connection))
    # History off: with it, what a replacement replaced is kept on purpose, until it is old.
    knowledge = KnowledgeService(database, embedder, KnowledgeOptions(threads=2, history_days=0))
    try:
        long = f"{TEXT}\n\n" + "\n\n".join(f"## Part {number}\n\n{CANARY} {number} " + "and so on " * 60 for number in range(20))
        filling = [document(f"Parking place {number}. " + "It is free. " * 40, origin=f"file:///{number}.md") for number in range(60)]
        await knowledge.ingest([*filling[:30], document(long, title=f"About {CANARY}"), *filling[30:]], sync_scope=None)
        assert CANARY.encode() in stored_bytes(path)
        await take_away(knowledge, way)
        if way == "replace":
            await knowledge.library.edit(document_id(ORIGIN), {"title": "Parking"}, by="ada")
            await database.checkpoint()
        assert CANARY.encode() not in stored_bytes(path)
    finally:
        await knowledge.close()
        await database.close()
    assert CANARY.encode() not in stored_bytes(path)


def stored_bytes(path: Path) -> bytes:
    return b"".join(found.read_bytes() for found in path.parent.iterdir() if found.is_file())


async def test_a_search_that_is_replayed_after_a_crash_brings_nothing_back(knowledge: KnowledgeService, database: Database) -> None:
    await knowledge.ingest([document(), document("Parking is free.", origin="file:///other.md")], sync_scope=None)
    deps = ToolDeps(
        session_id=SessionId("sess_000000000001"),
        user_id=None,
        idempotency_key="",
        sessions=SessionService(database),
        knowledge=knowledge,
        memory=MemoryService(database),
        passages=5,
        words=(),
        earlier=(),
        notes=(),
    )
    found = await search_knowledge.call(deps, SearchKnowledge(query=f"parking {CANARY}"))
    assert CANARY in repr(found)
    recorded = search_knowledge.kept(found)
    assert CANARY not in repr(recorded)
    assert search_knowledge.restore is not None
    assert await search_knowledge.restore(deps, recorded) == found
    await take_away(knowledge, "operators")
    replayed = await search_knowledge.restore(deps, recorded)
    assert CANARY not in repr(replayed)
    assert [passage["text"] for passage in replayed["passages"]] == ["Parking is free."]


async def test_the_file_of_sqlite_forgets_a_replaced_text_when_it_is_old(tmp_path: Path, embedder: Embedder) -> None:
    path = tmp_path / "deskhand.db"
    database = await Database.open(f"sqlite:///{path}")
    await database.write(lambda transaction: metadata.create_all(transaction.connection))
    kept = KnowledgeService(database, embedder, KnowledgeOptions(threads=2, history_days=30))
    forgetful = KnowledgeService(database, embedder, KnowledgeOptions(threads=2, history_days=0))
    try:
        await kept.ingest([document()], sync_scope=None)
        await take_away(kept, "replace")
        assert CANARY.encode() in stored_bytes(path)
        await forgetful.library.forget_old()
        assert CANARY.encode() not in stored_bytes(path)
    finally:
        await kept.close()
        await forgetful.close()
        await database.close()
