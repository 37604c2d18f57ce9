"""Keeping `knowledge_search` in step with the documents.

Invariant: rows are written under the lock of `knowledge_state`, in the order of the documents' versions, and the version reached is
committed with them: any process may go on where another stopped. What was read before the lock is written only if it is still so.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from deskhand.knowledge import analysis
from deskhand.knowledge.pgvector.schema import written
from deskhand.knowledge.repository import read_version
from deskhand.knowledge.tables import chunks, documents, state
from deskhand.persistence import Database, Transaction

_BATCH_DOCUMENTS = 40
# One version may bring any number of chunks; no statement is to take longer than statements may.
_ROWS_AT_ONCE = 200

_REACHED = sa.text("SELECT version FROM knowledge_search_state")
_CHANGED = sa.select(documents.c.id, documents.c.version, documents.c.tier, documents.c.session_id, documents.c.disabled).order_by(
    documents.c.version
)
_FORGET = sa.text(
    "DELETE FROM knowledge_search WHERE chunk_id IN (SELECT id FROM knowledge_chunk WHERE document_id = ANY(CAST(:ids AS text[])))"
)
# Entries that still wait to be put in their places are gone through by each search, once for each term.
_SETTLE = sa.text("SELECT gin_clean_pending_list('ix_knowledge_search_terms')")
_REACH = sa.text("UPDATE knowledge_search_state SET version = :version")
# One statement for many rows: the counting trigger runs once for it.
_TAKE_IN = sa.text(
    """INSERT INTO knowledge_search (chunk_id, tier, length, terms)
    SELECT chunk_id, tier, length, CAST(terms AS integer[])
    FROM unnest(CAST(:chunk_ids AS bigint[]), CAST(:tiers AS text[]), CAST(:lengths AS integer[]), CAST(:terms AS text[]))
        AS new (chunk_id, tier, length, terms)"""
)
_TAKE_IN_VECTORS = sa.text(
    """INSERT INTO knowledge_embedding (chunk_id, document_id, embedding)
    SELECT chunk_id, document_id, CAST(embedding AS halfvec)
    FROM unnest(CAST(:chunk_ids AS bigint[]), CAST(:document_ids AS text[]), CAST(:embeddings AS text[]))
        AS new (chunk_id, document_id, embedding)"""
)
# How many changes of the counts there may be beside their sum: whoever starts reads them all.
MOST_CHANGES = 128
_CHANGES = sa.text("SELECT count(*) FROM knowledge_term JOIN knowledge_search_state AS now ON knowledge_term.stamp > now.summed")
# What others add meanwhile stays as it is, so nothing has to be locked.
_SUM_UP = """WITH gone AS (DELETE FROM knowledge_term RETURNING tier, chunks, words, terms, counts),
    now AS (UPDATE knowledge_search_state SET summed = stamp RETURNING stamp)
    INSERT INTO knowledge_term (stamp, tier, chunks, words, terms, counts)
    SELECT now.stamp, rows.tier, rows.chunks, rows.words, COALESCE(had.terms, '{}'), COALESCE(had.counts, '{}')
    FROM now
    CROSS JOIN (SELECT tier, sum(chunks) AS chunks, sum(words) AS words FROM gone GROUP BY tier) AS rows
    LEFT JOIN (
        SELECT tier, array_agg(term) AS terms, array_agg(count) AS counts FROM (
            SELECT tier, term, sum(count) AS count FROM gone, unnest(terms, counts) AS each (term, count) GROUP BY tier, term) AS summed
        WHERE count <> 0 GROUP BY tier) AS had USING (tier)"""

_Columns = Mapping[str, Sequence[Any]]


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


async def catch_up(database: Database, *, most_changes: int = MOST_CHANGES) -> None:
    """Take in every change of the documents so far. What another process takes in meanwhile is waited for, not repeated.

    More than `most_changes` of the counts are added up.
    """
    while (batch := await database.read(_find_batch)) is not None:
        # Beside the event loop and before the lock: it takes some 20 ms.
        written = await asyncio.to_thread(_written, batch.rows)
        await database.write(partial(_take_in, batch=batch, written=written))
        if await database.read(lambda connection: int(connection.execute(_CHANGES).scalar_one())) > most_changes:
            await database.maintain(_SUM_UP)


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


def _take_in(transaction: Transaction, *, batch: _Batch, written: Sequence[_Columns]) -> None:
    """Take a batch in; nothing, if it is no longer what comes next."""
    transaction.execute(sa.select(state.c.version).with_for_update())
    same = _CHANGED.where(documents.c.version > batch.reached, documents.c.version <= batch.until)
    now = {row.id: row.version for row in transaction.execute(same)}
    if int(transaction.execute(_REACHED).scalar_one()) != batch.reached or now != batch.versions:
        return
    transaction.execute(_FORGET, {"ids": list(batch.versions)})
    for rows in written:
        transaction.execute(_TAKE_IN, {name: rows[name] for name in ("chunk_ids", "tiers", "lengths", "terms")})
        transaction.execute(_TAKE_IN_VECTORS, {name: rows[name] for name in ("chunk_ids", "document_ids", "embeddings")})
    transaction.execute(_SETTLE)
    transaction.execute(_REACH, {"version": batch.until})


def _written(rows: Sequence[_Row]) -> list[_Columns]:
    return [_columns(rows[start : start + _ROWS_AT_ONCE]) for start in range(0, len(rows), _ROWS_AT_ONCE)]


def _columns(rows: Sequence[_Row]) -> _Columns:
    """The parameters of `_TAKE_IN` and `_TAKE_IN_VECTORS`."""
    terms = [analysis.unpack(row.terms) for row in rows]
    return {
        "chunk_ids": [row.chunk_id for row in rows],
        "document_ids": [row.document_id for row in rows],
        "tiers": [row.tier for row in rows],
        "lengths": [int(counts.sum()) for _, counts in terms],
        "embeddings": [written(np.frombuffer(row.vector, "<f4")) for row in rows],
        "terms": [_array(hashes.view(np.int32)) for hashes, _ in terms],
    }


def _array(terms: NDArray[np.int32]) -> str:
    return f"{{{msgspec.json.encode(terms.tolist())[1:-1].decode()}}}"
