"""Searching inside PostgreSQL finds what searching in memory finds, for whom it may, as soon."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskhand.clock import SystemClock
from deskhand.errors import ConfigurationError
from deskhand.ids import SessionId
from deskhand.knowledge import Audience, Embedder, KnowledgeOptions, KnowledgeService, SourceDocument, Tier, document_id
from deskhand.knowledge.analysis import analyse
from deskhand.knowledge.pgvector import PostgresqlIndex
from deskhand.knowledge.querying import QueryReader
from deskhand.knowledge.ranking import Weights, rank
from deskhand.knowledge.samples import sample_documents
from deskhand.persistence import Database, metadata

OPTIONS = KnowledgeOptions(threads=2, index="postgresql")
SESSION = SessionId("sess_0123456789ab")
OTHER = SessionId("sess_ba9876543210")
QUESTIONS = (
    "How do I reset my password?",
    "i want my mony back",
    "What does error NW-204 mean?",
    "Wie kann ich mein Abo kündigen?",
    "how much storage does the team plan have",
    "Are my files stored in Germany? " * 30,
)
HOSTILE = (
    "' OR 1=1 --",
    "public') OR ('1'='1",
    "$$; DROP TABLE knowledge_search; $$",
    "{1,2}",
    "]'::halfvec",
    ":vector",
    "%(tier)s",
    "\\x00",
)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(postgres_url)
    await opened.write(lambda transaction: metadata.create_all(transaction.connection))
    yield opened
    await opened.close()


@pytest.fixture
async def knowledge(database: Database, embedder: Embedder) -> AsyncIterator[KnowledgeService]:
    service = KnowledgeService(database, embedder, OPTIONS)
    await service.set_up()
    yield service
    await service.close()


def _document(name: str, text: str, *, tier: Tier = Tier.PUBLIC, session_id: SessionId | None = None) -> SourceDocument:
    return SourceDocument(f"test:{name}", name, "a.md", text.encode(), title=name, tier=tier, session_id=session_id)


async def _put(knowledge: KnowledgeService, *documents: SourceDocument) -> None:
    assert (await knowledge.ingest(documents, sync_scope=None)).failed == ()


@pytest.fixture
def index(database: Database) -> PostgresqlIndex:
    """As another process has it, which always looks."""
    return PostgresqlIndex(database, clock=SystemClock(), refresh_seconds=0.0)


async def _titles(knowledge: KnowledgeService, query: str, audience: Audience) -> list[str]:
    return [passage.title for passage in await knowledge.search(query, limit=20, audience=audience)]


async def test_the_same_passages_are_found_with_the_same_scores(
    knowledge: KnowledgeService, database: Database, embedder: Embedder
) -> None:
    await knowledge.ingest(sample_documents(), sync_scope=None)
    in_memory = KnowledgeService(database, embedder, replace(OPTIONS, index="memory"))
    for question in QUESTIONS:
        here = await knowledge.search(question, limit=10, audience=Audience.public(), earlier=["I have the Business plan."])
        there = await in_memory.search(question, limit=10, audience=Audience.public(), earlier=["I have the Business plan."])
        assert [passage.chunk_id for passage in here] == [passage.chunk_id for passage in there], question
        assert [passage.score for passage in here] == pytest.approx([passage.score for passage in there], abs=1e-4)
    await in_memory.close()


async def test_following_the_graph_finds_nearly_all_that_comparing_everything_does(
    knowledge: KnowledgeService, database: Database, embedder: Embedder
) -> None:
    await knowledge.ingest(sample_documents(), sync_scope=None)
    compared, followed = (PostgresqlIndex(database, clock=SystemClock(), refresh_seconds=1.0, most_compared=most) for most in (20_000, 0))
    await followed.open(lambda _loading: None)
    reader = QueryReader(embedder, remembered=0, weights=Weights())
    audience = Audience.public()
    for question in QUESTIONS:
        query = reader.read(question, (), frequencies=await compared.frequencies(audience))
        best = [
            {hit.chunk_id for hit in rank(await index.candidates(query, audience=audience, share=0.5, limit=10), share=0.5, limit=10)}
            for index in (compared, followed)
        ]
        assert len(best[0] & best[1]) >= 9, question


async def test_each_asker_finds_their_own_alone(knowledge: KnowledgeService) -> None:
    text = "The zebra handbook says where the stripes are kept."
    await _put(
        knowledge,
        _document("public", text),
        _document("customers", text, tier=Tier.CUSTOMERS),
        _document("operators", text, tier=Tier.OPERATORS),
        _document("mine", text, session_id=SESSION),
        _document("theirs", text, session_id=OTHER),
    )
    for query in ("zebra stripes", *HOSTILE, *(f"zebra {hostile}" for hostile in HOSTILE)):
        assert set(await _titles(knowledge, query, Audience.public())) <= {"public"}
        assert set(await _titles(knowledge, query, Audience.public(SESSION))) <= {"public", "mine"}
        assert set(await _titles(knowledge, query, Audience.customer(OTHER))) <= {"public", "customers", "theirs"}
    assert set(await _titles(knowledge, "zebra", Audience.public(SESSION))) == {"public", "mine"}
    assert set(await _titles(knowledge, "zebra", Audience.operator())) == {"public", "customers", "operators"}


async def test_what_is_hidden_has_no_part_in_how_a_question_is_understood(knowledge: KnowledgeService, index: PostgresqlIndex) -> None:
    await _put(knowledge, _document("open", "Nothing of it."), _document("secret", "The zephyrine project.", tier=Tier.OPERATORS))
    assert await _count(index, "zephyrine", Audience.public()) == 0
    assert await _count(index, "zephyrine", Audience.operator()) == 1


async def test_changes_are_found_at_once_and_by_another_process_soon(
    knowledge: KnowledgeService, index: PostgresqlIndex, database: Database, embedder: Embedder
) -> None:
    other = KnowledgeService(database, embedder, replace(OPTIONS, refresh_seconds=0.0))
    await other.set_up()
    await _put(knowledge, _document("plan", "The Saffron plan costs 12 euros."))
    assert await _titles(knowledge, "saffron plan", Audience.public()) == ["plan"]
    assert await _titles(other, "saffron plan", Audience.public()) == ["plan"]
    await _put(knowledge, _document("plan", "The Juniper plan costs 14 euros."), _document("extra", "Juniper berries."))
    for service in (knowledge, other):
        assert sorted(await _titles(service, "juniper", Audience.public())) == ["extra", "plan"]
    assert await _count(index, "saffron", Audience.public()) == 0
    await knowledge.library.edit(document_id("test:extra"), {"disabled": True}, by="test")
    await knowledge.library.delete(document_id("test:plan"), by="test")
    for service in (knowledge, other):
        assert await _titles(service, "juniper", Audience.public()) == []
    assert await database.read(lambda connection: connection.execute(sa.text("SELECT count(*) FROM knowledge_search")).scalar()) == 0
    await other.close()


async def test_a_document_is_found_while_it_is_in_force(knowledge: KnowledgeService) -> None:
    await _put(knowledge, _document("offer", "The winter offer."))
    await knowledge.library.edit(document_id("test:offer"), {"effective_from": time.time() + 3600}, by="test")
    assert await _titles(knowledge, "winter offer", Audience.public()) == []
    await knowledge.library.edit(document_id("test:offer"), {"effective_from": time.time() - 3600}, by="test")
    assert await _titles(knowledge, "winter offer", Audience.public()) == ["offer"]


async def test_the_counts_of_terms_stay_those_of_what_is_there(
    knowledge: KnowledgeService, index: PostgresqlIndex, database: Database
) -> None:
    documents = list(sample_documents())
    await knowledge.ingest(documents[:2], sync_scope=None)
    before = await _count(index, "password", Audience.public())
    await knowledge.ingest(documents, sync_scope=None)
    await knowledge.ingest([replace(document, data=document.data + b"\n\nOne line more.") for document in documents[:5]], sync_scope=None)
    for document in documents[5:8]:
        await knowledge.library.delete(document_id(document.origin), by="test")
    await knowledge.search("password", limit=1, audience=Audience.public())
    assert await database.read(_miscounted) == []
    fresh = PostgresqlIndex(database, clock=SystemClock(), refresh_seconds=1.0)
    assert before > 0
    for word in ("password", "invoice", "line"):
        assert await _count(fresh, word, Audience.public()) == await _count(index, word, Audience.public())


async def test_counts_that_were_added_up_are_the_same_to_who_knew_the_earlier_ones_and_who_did_not(
    knowledge: KnowledgeService, index: PostgresqlIndex, database: Database
) -> None:
    documents = [_document(f"number {number}", f"The catalogue lists article {number}.") for number in range(4)]
    for document in documents[:3]:
        await _put(knowledge, document)
        assert await _titles(knowledge, "catalogue", Audience.public())
    assert await _count(index, "catalogue", Audience.public()) == 3
    adding = PostgresqlIndex(database, clock=SystemClock(), refresh_seconds=0.0, most_changes=1)
    await _put(knowledge, documents[3])
    await knowledge.library.delete(document_id(documents[0].origin), by="test")
    assert await _count(adding, "catalogue", Audience.public()) == 3
    rows = sa.text("SELECT count(*) FROM knowledge_term")
    assert await database.read(lambda connection: connection.execute(rows).scalar()) == 1
    assert await database.read(_miscounted) == []
    fresh = PostgresqlIndex(database, clock=SystemClock(), refresh_seconds=1.0)
    for each in (index, fresh):
        assert await _count(each, "catalogue", Audience.public()) == 3
        assert await _count(each, "0", Audience.public()) == 0
    await knowledge.library.delete(document_id(documents[1].origin), by="test")
    await _titles(knowledge, "catalogue", Audience.public())
    for each in (index, fresh):
        each.mark_stale()
        assert await _count(each, "catalogue", Audience.public()) == 2


async def test_it_is_made_from_what_an_index_in_memory_left(database: Database, embedder: Embedder) -> None:
    before = KnowledgeService(database, embedder, replace(OPTIONS, index="memory"))
    await _put(before, *(_document(f"number {number}", f"Article {number} of the catalogue.") for number in range(450)))
    await before.close()
    after = KnowledgeService(database, embedder, OPTIONS)
    await after.set_up()
    await after.warm_up()
    assert len(await _titles(after, "catalogue article", Audience.public())) == 20
    assert await database.read(lambda connection: connection.execute(sa.text("SELECT count(*) FROM knowledge_search")).scalar()) == 450
    await after.close()


async def test_one_of_an_earlier_layout_is_made_anew(database: Database, embedder: Embedder) -> None:
    earlier = "CREATE TABLE knowledge_search (chunk_id bigint PRIMARY KEY, embedding text NOT NULL)"
    await database.write(lambda transaction: transaction.execute(sa.text(earlier)))
    service = KnowledgeService(database, embedder, OPTIONS)
    await service.set_up()
    await _put(service, _document("plan", "The Saffron plan costs 12 euros."))
    assert await _titles(service, "saffron plan", Audience.public()) == ["plan"]
    await service.close()


async def test_a_database_that_cannot_hold_it_is_told_with_what_to_do(tmp_path: Path, embedder: Embedder) -> None:
    database = await Database.open(f"sqlite:///{tmp_path / 'deskhand.db'}")
    service = KnowledgeService(database, embedder, OPTIONS)
    with pytest.raises(ConfigurationError) as raised:
        await service.set_up()
    assert "DESKHAND_KNOWLEDGE_INDEX=memory" in raised.value.remedy
    await service.close()
    await database.close()


def _miscounted(connection: sa.Connection) -> Sequence[Any]:
    """What is counted of a term, or is there, and not both."""
    counted = (
        "SELECT each.tier, term, sum(count) FROM knowledge_term AS each, unnest(terms, counts) AS had (term, count) "
        "GROUP BY each.tier, term HAVING sum(count) <> 0"
    )
    actual = "SELECT tier, term, count(*) FROM knowledge_search, unnest(terms) AS term GROUP BY tier, term"
    return connection.execute(sa.text(f"(({counted}) EXCEPT ({actual})) UNION ALL (({actual}) EXCEPT ({counted}))")).all()


async def _count(index: PostgresqlIndex, word: str, audience: Audience) -> int:
    """In how many chunks a word is."""
    frequencies = await index.frequencies(audience)
    return int(frequencies(analyse(word)[0]).min())
