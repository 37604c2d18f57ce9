"""The candidates of a query, found in the database, and the exact evidence for each.

Invariant: nothing leaves the database that `visible_to_asker` does not grant: it is in each query that finds. A candidate's evidence is
computed from its stored vector and terms, not from the index's rounded ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from deskhand.knowledge import analysis
from deskhand.knowledge.audience import Audience, asking, visible_to_asker
from deskhand.knowledge.candidates import Candidates, Query, none_found
from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.knowledge.matching import K1, B, joined
from deskhand.knowledge.pgvector.schema import HalfVector, embeddings, search, written
from deskhand.knowledge.pgvector.statistics import Statistics
from deskhand.knowledge.tables import chunks, documents

_DENSE = 200
_DENSE_OF_A_PIECE = 60
_WORDS = 300
_TERM = sa.literal_column("knowledge_search.terms @> ARRAY[wanted.term]", sa.Boolean)
# A subquery with an offset is computed as it stands, whatever is asked of it.
_FENCE = sa.literal_column("0", sa.Integer)
# How many index entries of the query's terms, rarest first, are looked at. What a commoner term adds is small beside them.
_MOST_ENTRIES = 15_000
_LEAST_TERMS = 3
_MOST_OWN = 2_000
# Compiling a plan to machine code takes longer than the search, and the tables are never to be read from end to end for a few rows.
_SETTINGS = {"jit": "off", "hnsw.ef_search": f"{_DENSE}", "hnsw.iterative_scan": "relaxed_order"}
_BY_GRAPH = {**_SETTINGS, "enable_seqscan": "off"}


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
    terms, gains = _finding_terms(query, audience=audience, statistics=statistics)
    connection.execute(_settings(has_graph=has_graph))
    found = connection.execute(
        _evidence(has_graph=has_graph, is_long=len(query.vectors) > 1),
        {"vectors": [written(vector) for vector in query.vectors], "terms": terms, "gains": gains, **asking(audience)},
    )
    return [StoredEvidence(row.id, row.vector, row.terms) for row in found]


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


def _finding_terms(query: Query, *, audience: Audience, statistics: Statistics) -> tuple[list[int], list[float]]:
    """The query's rarest terms, as the index has them, and what each is worth."""
    frequencies = statistics.frequencies(audience, query.hashes)
    known = np.flatnonzero(frequencies)
    rarest = known[np.argsort(frequencies[known], kind="stable")]
    kept = rarest[: max(int(np.searchsorted(np.cumsum(frequencies[rarest]), _MOST_ENTRIES)), _LEAST_TERMS)]
    gains = (_rarity(statistics.chunk_count(audience), frequencies) * query.weights)[kept]
    return query.hashes[kept].view(np.int32).tolist(), gains.tolist()


@cache
def _settings(*, has_graph: bool) -> sa.Select[Any]:
    settings = _BY_GRAPH if has_graph else _SETTINGS
    return sa.select(*(sa.func.set_config(name, value, True) for name, value in settings.items()))


@cache
def _evidence(*, has_graph: bool, is_long: bool) -> sa.Select[Any]:
    """All in one statement, so that a search waits for the network once. Parameters: `vectors`, `terms`, `gains` and those of `asking`."""
    # An array, not a join: whatever the database knows of its tables, it looks up each row by its key.
    ids = sa.func.array(
        sa.union_all(_near(has_graph=has_graph, most=_DENSE_OF_A_PIECE if is_long else _DENSE), _worded(), _own()).scalar_subquery()
    )
    return sa.select(chunks.c.id, chunks.c.vector, chunks.c.terms).where(chunks.c.id == sa.any_(ids))


def _near(*, has_graph: bool, most: int) -> sa.Select[Any]:
    texts = sa.func.unnest(sa.bindparam("vectors", type_=sa.ARRAY(sa.Text))).table_valued("vector").render_derived(name="texts")
    # Read from its text here, or it would be once for each row: 0.1 ms.
    pieces = sa.select(sa.cast(texts.c.vector, HalfVector()).label("vector")).offset(_FENCE).subquery("pieces")
    distance: sa.ColumnElement[float] = embeddings.c.embedding.op("<#>", return_type=sa.Double())(pieces.c.vector)
    near = (
        sa.select(embeddings.c.chunk_id)
        .join(documents, documents.c.id == embeddings.c.document_id)
        .where(visible_to_asker())
        # A sum is not what the graph is ordered by.
        .order_by(distance if has_graph else distance + 0)
        .limit(sa.literal_column(str(most)))
        .lateral("near")
    )
    return sa.select(near.c.chunk_id).select_from(pieces.join(near, sa.true()))


def _worded() -> sa.Select[Any]:
    """Those with the most of the query's rare terms, each worth its rarity."""
    terms, gains = sa.bindparam("terms", type_=sa.ARRAY(sa.Integer)), sa.bindparam("gains", type_=sa.ARRAY(sa.Double))
    wanted = (
        sa.func.unnest(terms, gains).table_valued(sa.column("term", sa.Integer), sa.column("gain", sa.Double)).render_derived(name="wanted")
    )
    gain = sa.func.sum(wanted.c.gain)
    gained = (
        sa.select(search.c.chunk_id, gain.label("gain"))
        .select_from(wanted.join(search, _TERM))
        .group_by(search.c.chunk_id)
        .order_by(gain.desc(), search.c.chunk_id)
        .offset(_FENCE)
        .subquery("gained")
    )
    # Not a join, because this is to be asked of the best alone.
    seen = (
        sa.select(sa.true())
        .select_from(chunks.join(documents, documents.c.id == chunks.c.document_id))
        .where(chunks.c.id == gained.c.chunk_id, visible_to_asker())
    )
    return (
        sa.select(gained.c.chunk_id)
        .where(seen.scalar_subquery())
        .order_by(gained.c.gain.desc(), gained.c.chunk_id)
        .limit(sa.literal_column(str(_WORDS)))
    )


def _own() -> sa.Select[Any]:
    """What is attached to the asker's session."""
    return (
        sa.select(chunks.c.id)
        .join(documents, documents.c.id == chunks.c.document_id)
        .where(documents.c.session_id == sa.bindparam("asking_session", type_=sa.String(32)), visible_to_asker())
        .limit(sa.literal_column(str(_MOST_OWN)))
    )


def _rarity(total: int, frequencies: NDArray[np.int64]) -> NDArray[np.float64]:
    rarity: NDArray[np.float64] = np.log1p((np.maximum(total - frequencies, 0) + 0.5) / (frequencies + 0.5))
    return rarity


def _counts(packed: Sequence[bytes], hashes: NDArray[np.uint32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[chunks, terms], how often each has each term, and [chunks], how long each is."""
    unpacked = [analysis.unpack(terms) for terms in packed]
    rows = np.repeat(np.arange(len(packed)), [len(found) for found, _ in unpacked])
    found = np.concatenate([found for found, _ in unpacked])
    often = np.concatenate([often for _, often in unpacked])
    counts = np.zeros((len(packed), len(hashes)))
    if len(hashes):
        places = np.minimum(np.searchsorted(hashes, found), len(hashes) - 1)
        hits = np.flatnonzero(hashes[places] == found)
        counts[rows[hits], places[hits]] = often[hits]
    return counts, np.bincount(rows, often, minlength=len(packed)).astype(np.float64)
