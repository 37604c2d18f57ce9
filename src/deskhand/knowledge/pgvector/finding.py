"""The candidates of a query, found in the database, and the exact evidence for each.

Invariant: nothing leaves the database that `visible_to` does not grant: it is in each query that finds. A candidate's evidence is
computed from its stored vector and terms, not from the index's rounded ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from deskhand.knowledge import analysis
from deskhand.knowledge.audience import Audience, visible_to
from deskhand.knowledge.candidates import Candidates, Query, none_found
from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.knowledge.matching import K1, B, joined
from deskhand.knowledge.pgvector.schema import search
from deskhand.knowledge.pgvector.statistics import Statistics
from deskhand.knowledge.tables import chunks, documents

_DENSE = 200
_DENSE_OF_A_PIECE = 60
_WORDS = 300
# How many index entries of the query's terms, rarest first, are looked at. What a commoner term adds is small beside them.
_MOST_ENTRIES = 30_000
_LEAST_TERMS = 3
_MOST_OWN = 2_000
_HNSW = f"SET LOCAL hnsw.ef_search = {_DENSE}", "SET LOCAL hnsw.iterative_scan = relaxed_order"
_COMPARE_ALL = ("SET LOCAL enable_indexscan = off",)
# In a query of its own, or the vector would be read from its text once for each row: 0.1 ms.
_DISTANCE = sa.text(f"knowledge_search.embedding <#> (SELECT CAST(CAST(:vector AS text) AS halfvec({DIMENSIONS})))")
_TERM = sa.literal_column("knowledge_search.terms @> ARRAY[wanted.term]", sa.Boolean)


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """What is stored of a chunk that may answer."""

    chunk_id: int
    vector: bytes
    terms: bytes


def find_evidence(
    connection: sa.Connection, query: Query, *, audience: Audience, statistics: Statistics, has_graph: bool
) -> list[StoredEvidence]:
    """The chunks that `audience` may see and that are near the query by vector or by words, and those attached to the asker's session.

    `has_graph`: the nearest vectors are found by the graph; without it, by comparing every one.
    """
    frequencies = statistics.frequencies(audience, query.hashes)
    ids = {
        *_near(connection, query.vectors, audience=audience, has_graph=has_graph),
        *_worded(connection, query, frequencies, audience=audience, total=statistics.chunk_count(audience)),
        *_own(connection, audience),
    }
    rows = connection.execute(
        sa.select(chunks.c.id, chunks.c.vector, chunks.c.terms).where(chunks.c.id == sa.any_(sa.cast(sorted(ids), sa.ARRAY(sa.BigInteger))))
    )
    return [StoredEvidence(row.id, row.vector, row.terms) for row in rows]


def weighed(rows: Sequence[StoredEvidence], query: Query, *, audience: Audience, statistics: Statistics) -> Candidates:
    """The evidence of some chunks in figures. Computes for some milliseconds: call it from a thread."""
    if not rows:
        return none_found()
    vectors = np.frombuffer(b"".join(row.vector for row in rows), "<f4").reshape(len(rows), DIMENSIONS)
    rarity = _rarity(statistics.chunk_count(audience), statistics.frequencies(audience, query.hashes))
    counts, lengths = _counts([row.terms for row in rows], query.hashes)
    saturation = counts + K1 * (1 - B + B * lengths[:, None] / statistics.average_length(audience))
    words = (rarity * query.weights * counts * (K1 + 1) / saturation).sum(axis=1)
    counted = rarity * np.minimum(query.weights, 1)
    return Candidates(
        chunk_ids=np.array([row.chunk_id for row in rows], np.int64),
        cosines=joined([np.clip(np.einsum("ij,j->i", vectors, vector), 0.0, 1.0) for vector in query.vectors]),
        words=words,
        coverage=((counts > 0) @ counted) / (float(counted.sum()) or 1.0),
        best_words=float(words.max()),
        vectors=lambda places: vectors[places],
    )


def _near(connection: sa.Connection, vectors: NDArray[np.float32], *, audience: Audience, has_graph: bool) -> list[int]:
    for setting in _HNSW if has_graph else _COMPARE_ALL:
        connection.execute(sa.text(setting))
    nearest = (
        sa.select(search.c.chunk_id)
        .join_from(search, documents, documents.c.id == search.c.document_id)
        .where(visible_to(audience))
        .order_by(_DISTANCE)
        .limit(_DENSE if len(vectors) == 1 else _DENSE_OF_A_PIECE)
    )
    found: list[int] = []
    for vector in vectors:
        text = "[" + ",".join(map(str, vector.tolist())) + "]"
        found += connection.execute(nearest, {"vector": text}).scalars()
    connection.execute(sa.text("SET LOCAL enable_indexscan = on"))
    return found


def _worded(connection: sa.Connection, query: Query, frequencies: NDArray[np.int64], *, audience: Audience, total: int) -> list[int]:
    """Those with the most of the query's rare terms, each worth its rarity."""
    known = np.flatnonzero(frequencies)
    rarest = known[np.argsort(frequencies[known], kind="stable")]
    kept = rarest[: max(int(np.searchsorted(np.cumsum(frequencies[rarest]), _MOST_ENTRIES)), _LEAST_TERMS)]
    if not len(kept):
        return []
    gains = (_rarity(total, frequencies) * query.weights)[kept]
    wanted = sa.text("SELECT * FROM unnest(CAST(:terms AS integer[]), CAST(:gains AS double precision[])) AS wanted (term, gain)").columns(
        sa.column("term", sa.Integer), sa.column("gain", sa.Double)
    )
    listed = wanted.subquery("wanted")
    gained = (
        sa.select(search.c.chunk_id, search.c.document_id, sa.func.sum(listed.c.gain).label("gain"))
        .select_from(listed)
        .join(search, _TERM)
        .group_by(search.c.chunk_id, search.c.document_id)
        .subquery("gained")
    )
    best = (
        sa.select(gained.c.chunk_id)
        .join(documents, documents.c.id == gained.c.document_id)
        .where(visible_to(audience))
        .order_by(gained.c.gain.desc(), gained.c.chunk_id)
        .limit(_WORDS)
    )
    terms = query.hashes[kept].view(np.int32).tolist()
    return list(connection.execute(best, {"terms": terms, "gains": gains.tolist()}).scalars())


def _own(connection: sa.Connection, audience: Audience) -> list[int]:
    if audience.session_id is None:
        return []
    own = (
        sa.select(chunks.c.id)
        .join(documents, documents.c.id == chunks.c.document_id)
        .where(documents.c.session_id == audience.session_id, visible_to(audience))
        .limit(_MOST_OWN)
    )
    return list(connection.execute(own).scalars())


def _rarity(total: int, frequencies: NDArray[np.int64]) -> NDArray[np.float64]:
    rarity: NDArray[np.float64] = np.log1p((np.maximum(total - frequencies, 0) + 0.5) / (frequencies + 0.5))
    return rarity


def _counts(packed: Sequence[bytes], hashes: NDArray[np.uint32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[chunks, terms], how often each has each term, and [chunks], how long each is."""
    counts = np.zeros((len(packed), len(hashes)))
    lengths = np.zeros(len(packed))
    for row, terms in enumerate(packed):
        found, often = analysis.unpack(terms)
        lengths[row] = often.sum()
        if len(found):
            places = np.minimum(np.searchsorted(found, hashes), len(found) - 1)
            counts[row] = np.where(found[places] == hashes, often[places], 0)
    return counts, lengths
