"""Keeping `knowledge_search` in step with the documents.

Invariant: rows are written under the lock of `knowledge_state`, in the order of the documents' versions, and the version reached is
committed with them: any process may go on where another stopped, and no document is taken in twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from deskhand.knowledge import analysis
from deskhand.knowledge.tables import chunks, documents, state
from deskhand.persistence import Database, Transaction

# What a batch is written in is made on the event loop, some 20 ms for so many.
_BATCH_DOCUMENTS = 40

_REACHED = sa.text("SELECT version FROM knowledge_search_state")
_FORGET = sa.text("DELETE FROM knowledge_search WHERE document_id = ANY(CAST(:ids AS text[]))")
_REACH = sa.text("UPDATE knowledge_search_state SET version = :version")
# One statement for many rows: the counting trigger runs once for it.
_TAKE_IN = sa.text(
    """INSERT INTO knowledge_search (chunk_id, document_id, tier, length, embedding, terms)
    SELECT chunk_id, document_id, tier, length, CAST(embedding AS halfvec), CAST(terms AS integer[])
    FROM unnest(CAST(:chunk_ids AS bigint[]), CAST(:document_ids AS text[]), CAST(:tiers AS text[]), CAST(:lengths AS integer[]),
                CAST(:embeddings AS text[]), CAST(:terms AS text[])) AS new (chunk_id, document_id, tier, length, embedding, terms)"""
)


@dataclass(frozen=True, slots=True)
class _Row:
    chunk_id: int
    document_id: str
    tier: str
    vector: bytes
    terms: bytes


async def catch_up(database: Database) -> None:
    """Take in every change of the documents so far. What another process takes in meanwhile is waited for, not repeated."""
    while not await database.write(_take_in_some):
        pass


def _take_in_some(transaction: Transaction) -> bool:
    """Take in the next few documents; True when there are none left."""
    newest = transaction.execute(sa.select(state.c.version).with_for_update()).scalar()
    reached = int(transaction.execute(_REACHED).scalar_one())
    if newest is None or reached >= newest:
        return True
    found = transaction.execute(
        sa.select(documents.c.id, documents.c.version, documents.c.tier, documents.c.session_id, documents.c.disabled)
        .where(documents.c.version > reached)
        .order_by(documents.c.version)
        .limit(_BATCH_DOCUMENTS)
    ).all()
    if len(found) == _BATCH_DOCUMENTS:
        # A version may name more documents than fit: those of the last one are left for the next time, unless it is the only one.
        last = found[-1].version
        found = [row for row in found if row.version < last] or _all_of(transaction, last)
        reached = found[-1].version
    else:
        reached = newest
    tiers = {row.id: row.tier for row in found if row.session_id is None and not row.disabled}
    transaction.execute(_FORGET, {"ids": [row.id for row in found]})
    if tiers:
        _insert(transaction, tiers)
    transaction.execute(_REACH, {"version": reached})
    return bool(reached == newest)


def _all_of(transaction: Transaction, version: int) -> Sequence[sa.Row[tuple[str, int, str, str | None, bool]]]:
    query = sa.select(documents.c.id, documents.c.version, documents.c.tier, documents.c.session_id, documents.c.disabled)
    return transaction.execute(query.where(documents.c.version == version)).all()


def _insert(transaction: Transaction, tiers: dict[str, str]) -> None:
    found = transaction.execute(
        sa.select(chunks.c.id, chunks.c.document_id, chunks.c.vector, chunks.c.terms).where(chunks.c.document_id.in_(list(tiers)))
    )
    rows = [_Row(row.id, row.document_id, tiers[row.document_id], row.vector, row.terms) for row in found]
    terms = [analysis.unpack(row.terms) for row in rows]
    transaction.execute(
        _TAKE_IN,
        {
            "chunk_ids": [row.chunk_id for row in rows],
            "document_ids": [row.document_id for row in rows],
            "tiers": [row.tier for row in rows],
            "lengths": [int(counts.sum()) for _, counts in terms],
            "embeddings": [_vector_text(np.frombuffer(row.vector, "<f4")) for row in rows],
            "terms": ["{" + ",".join(map(str, hashes.view(np.int32).tolist())) + "}" for hashes, _ in terms],
        },
    )


def _vector_text(vector: np.ndarray[tuple[int], np.dtype[np.float32]]) -> str:
    return "[" + ",".join(f"{value:.5g}" for value in vector.tolist()) + "]"
