"""Nobody is answered from what is for others (RELIABILITY E11): tenants whose documents say the same, asked in every way there is.

`E11_DOCUMENTS` and `E11_QUERIES` make it as large as is wanted; the figures of RELIABILITY are 1000 and 10000.
"""

import os
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from deskhand.ids import SessionId
from deskhand.knowledge import Audience, DocumentId, KnowledgeService, SourceDocument, Tier, analysis, document_repository, repository
from deskhand.knowledge.documents import Recording
from deskhand.knowledge.tables import chunks
from deskhand.persistence import Database, Transaction

DOCUMENTS = int(os.environ.get("E11_DOCUMENTS", "40"))
QUERIES = int(os.environ.get("E11_QUERIES", "300"))
INJECTIONS = (
    "' OR 1=1 --",
    '") OR (1=1',
    "'; DROP TABLE knowledge_document; --",
    "tier in ('public','customers','operators')",
    "session_id IS NOT NULL",
    "%' OR tier LIKE '%",
    '{"tier": {"$ne": "public"}}',
    "tier:operators AND secret",
    "* OR operators",
    "\\x27 UNION SELECT text FROM knowledge_chunk --",
)
SUBJECTS = ("parking", "refund", "delivery", "password", "invoice", "warranty", "returns", "voucher", "account", "contract")


def tenants() -> dict[str, tuple[Tier, SessionId | None, Audience]]:
    """Each with what its documents are and what it may see: three tiers, and seven sessions."""
    found: dict[str, tuple[Tier, SessionId | None, Audience]] = {
        "public": (Tier.PUBLIC, None, Audience.public()),
        "customers": (Tier.CUSTOMERS, None, Audience.customer()),
        "operators": (Tier.OPERATORS, None, Audience.operator()),
    }
    for number in range(7):
        session = SessionId(f"sess_{number:012x}")
        found[f"session{number}"] = (Tier.PUBLIC, session, Audience.of_session(session, None))
    return found


def may_see(asker: str, owner: str) -> bool:
    seen = {"public": {"public"}, "customers": {"public", "customers"}, "operators": {"public", "customers", "operators"}}
    return owner in seen.get(asker, {"public", asker})


@pytest.mark.timeout(1_200)
async def test_no_query_and_no_injection_finds_counts_or_names_what_is_for_others(knowledge: KnowledgeService, database: Database) -> None:
    await fill(knowledge, database)
    queries = [f"{SUBJECTS[number % len(SUBJECTS)]} of number {number}" for number in range(QUERIES)]
    places = np.linspace(0, QUERIES - 1, min(100, QUERIES // 3)).astype(int)
    for number, place in enumerate(places):
        queries[place] = f"{INJECTIONS[number % len(INJECTIONS)]} {SUBJECTS[number % len(SUBJECTS)]} secretof{list(tenants())[number % 10]}"
    names = list(tenants())
    found = 0
    for number, query in enumerate(queries):
        asker = names[number % len(names)]
        audience = tenants()[asker][2]
        passages = await knowledge.search(query, limit=10, audience=audience)
        found += len(passages)
        for passage in passages:
            assert may_see(asker, passage.source), (query, asker, passage)
            assert all(f"secretof{other}" not in f"{passage.text}{passage.title}" for other in names if not may_see(asker, other))
    assert found > QUERIES
    for asker, (_, _, audience) in tenants().items():
        visible = sum(may_see(asker, owner) for owner in names)
        assert await knowledge.count_documents(audience) == visible * DOCUMENTS
        listed = await knowledge.list_documents(audience=audience, limit=10 * DOCUMENTS)
        assert {document.source for document in listed} == {owner for owner in names if may_see(asker, owner)}


async def fill(knowledge: KnowledgeService, database: Database) -> None:
    """Documents of each tenant that say the same but for the tenant's own secret."""
    # One of each subject is embedded; the others have its vector with some noise, as texts that are nearly the same have.
    samples = [SourceDocument(origin=subject, source="s", filename="s.md", data=subject.encode()) for subject in SUBJECTS]
    await knowledge.ingest(samples, sync_scope=None)
    random = np.random.default_rng(11)
    known = await database.read(lambda connection: connection.execute(chunks.select()).all())
    vectors = [np.frombuffer(row.vector, "<f4") for row in known]
    for row in known:
        await knowledge.library.delete(DocumentId(row.document_id), by="test")
    for name in tenants():
        await database.write(partial(put, name=name, vectors=vectors, random=random))


def put(transaction: Transaction, *, name: str, vectors: Sequence[np.ndarray], random: np.random.Generator) -> None:
    tier, session, _ = tenants()[name]
    new = []
    for number in range(DOCUMENTS):
        subject = number % len(SUBJECTS)
        vector = vectors[subject] + random.normal(0, 0.01, 384).astype(np.float32)
        vector /= np.linalg.norm(vector)
        text = f"The {SUBJECTS[subject]} of number {number}: secretof{name}."
        chunk = document_repository.NewChunk(
            text=text, section=None, page=None, vector=vector.astype("<f4").tobytes(), terms=analysis.pack(*analysis.analyse(text))
        )
        new.append(
            document_repository.NewDocument(
                id=DocumentId(f"doc_{name}_{number}"),
                origin=f"{name}/{number}",
                source=name,
                title=f"{SUBJECTS[subject]} secretof{name}",
                url=None,
                content_type="text/markdown",
                tier=tier,
                session_id=session,
                scope=None,
                metadata={},
                content_hash="",
                recipe="",
                characters=len(text),
                chunks=[chunk],
            )
        )
    version = repository.next_version(transaction)
    document_repository.put_documents(transaction, new, version=version, recording=Recording())
