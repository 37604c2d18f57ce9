"""Keeping `knowledge_search` in step with the documents.

Invariant: rows are written under the lock of `knowledge_state`, in the order of the documents' versions, and the version reached is
committed with them: any process may go on where another stopped. What was read before the lock is written only if it is still so.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy as sa

from deskhand.knowledge import analysis
from deskhand.knowledge.repository import read_version
from deskhand.knowledge.tables import chunks, documents, state
from deskhand.persistence import Database, Transaction

_BATCH_DOCUMENTS = 40

_REACHED = sa.text("SELECT version FROM knowledge_search_state")
_CHANGED = sa.select(documents.c.id, documents.c.version, documents.c.tier, documents.c.session_id, documents.c.disabled).order_by(
    documents.c.version
)
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
class _Batch:
    """The documents that changed after version `reached`, up to `until`: the version of each, and the chunks of those to be found."""

    reached: int
    until: int
    versions: dict[str, int]
    rows: Sequence["_Row"]


@dataclass(frozen=True, slots=True)
class _Row:
    chunk_id: int
    document_id: str
    tier: str
    vector: bytes
    terms: bytes


async def catch_up(database: Database) -> None:
    """Take in every change of the documents so far. What another process takes in meanwhile is waited for, not repeated."""
    while (batch := await database.read(_find_batch)) is not None:
        # Beside the event loop and before the lock: it takes some 20 ms.
        written = await asyncio.to_thread(_written, batch.rows)
        await database.write(partial(_take_in, batch=batch, written=written))


def _find_batch(connection: sa.Connection) -> _Batch | None:
    """The next few documents; `None` when there are none left."""
    newest = read_version(connection)
    reached = int(connection.execute(_REACHED).scalar_one())
    if reached >= newest:
        return None
    changed = _CHANGED.where(documents.c.version > reached)
    found = connection.execute(changed.limit(_BATCH_DOCUMENTS)).all()
    until = max([newest, *(row.version for row in found)])
    if len(found) == _BATCH_DOCUMENTS:
        # A version may name more documents than fit: those of the last one are left for the next time, unless it is the only one.
        last = found[-1].version
        found = [row for row in found if row.version < last] or connection.execute(_CHANGED.where(documents.c.version == last)).all()
        until = found[-1].version
    tiers = {row.id: row.tier for row in found if row.session_id is None and not row.disabled}
    rows = connection.execute(
        sa.select(chunks.c.id, chunks.c.document_id, chunks.c.vector, chunks.c.terms).where(chunks.c.document_id.in_(list(tiers)))
    )
    return _Batch(
        reached,
        until,
        {row.id: row.version for row in found},
        [_Row(row.id, row.document_id, tiers[row.document_id], row.vector, row.terms) for row in rows],
    )


def _take_in(transaction: Transaction, *, batch: _Batch, written: Mapping[str, Sequence[Any]]) -> None:
    """Take a batch in; nothing, if it is no longer what comes next."""
    transaction.execute(sa.select(state.c.version).with_for_update())
    same = _CHANGED.where(documents.c.version > batch.reached, documents.c.version <= batch.until)
    now = {row.id: row.version for row in transaction.execute(same)}
    if int(transaction.execute(_REACHED).scalar_one()) != batch.reached or now != batch.versions:
        return
    transaction.execute(_FORGET, {"ids": list(batch.versions)})
    if batch.rows:
        transaction.execute(_TAKE_IN, written)
    transaction.execute(_REACH, {"version": batch.until})


def _written(rows: Sequence[_Row]) -> dict[str, Sequence[Any]]:
    """The parameters of `_TAKE_IN`."""
    terms = [analysis.unpack(row.terms) for row in rows]
    return {
        "chunk_ids": [row.chunk_id for row in rows],
        "document_ids": [row.document_id for row in rows],
        "tiers": [row.tier for row in rows],
        "lengths": [int(counts.sum()) for _, counts in terms],
        "embeddings": [_vector_text(np.frombuffer(row.vector, "<f4")) for row in rows],
        "terms": ["{" + ",".join(map(str, hashes.view(np.int32).tolist())) + "}" for hashes, _ in terms],
    }


def _vector_text(vector: np.ndarray[tuple[int], np.dtype[np.float32]]) -> str:
    return "[" + ",".join(f"{value:.5g}" for value in vector.tolist()) + "]"
