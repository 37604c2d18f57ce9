"""The index that searches run on: vectors and terms of all chunks, in memory, kept in step with the database.

Invariant: a `Segment` never changes. An `Index` is a value too: a refresh makes a new one that shares the old segments, so a search
that runs meanwhile goes on with what it began with.

The chunks of a document are replaced together: a row is dead as soon as a later segment, or a removal, names its document.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deskhand.ids import SessionId
from deskhand.knowledge.analysis import Hashes, unpack
from deskhand.knowledge.audience import NO_SESSION, TIERS, Audience, visible_mask
from deskhand.knowledge.documents import DocumentId, Tier
from deskhand.knowledge.embedding import DIMENSIONS

_MOST_SEGMENTS = 8
_MOST_DEAD = 0.25


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk as the database gives it to the index. `vector` and `terms` as the table stores them.

    Its document is in force from `effective_from` until before `effective_until`: epoch seconds, infinite where there is no limit.
    """

    chunk_id: int
    document_id: DocumentId
    tier: Tier
    session_id: SessionId | None
    vector: bytes
    terms: bytes
    effective_from: float = -np.inf
    effective_until: float = np.inf


@dataclass(frozen=True, slots=True)
class Segment:
    """`n` chunks. Postings are grouped by term: those of `keys[i]` are at `starts[i]` to `starts[i + 1]` of `rows` and `counts`."""

    chunk_ids: NDArray[np.int64]
    document_ids: tuple[DocumentId, ...]
    documents: NDArray[np.int32]
    tiers: NDArray[np.uint8]
    sessions: NDArray[np.int32]
    effective_from: NDArray[np.float64]
    effective_until: NDArray[np.float64]
    vectors: NDArray[np.float32]
    lengths: NDArray[np.float32]
    keys: NDArray[np.uint32]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.chunk_ids)


@dataclass(frozen=True, slots=True)
class Index:
    """All chunks up to `version` of the knowledge base. `alive[i]` says which rows of `segments[i]` still count."""

    version: int = 0
    segments: tuple[Segment, ...] = ()
    alive: tuple[NDArray[np.bool_], ...] = ()
    session_numbers: dict[SessionId, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(alive)) for alive in self.alive)

    def visible(self, audience: Audience, *, now: float) -> tuple[NDArray[np.bool_], ...]:
        """For each segment, which of its rows this asker may be shown at the moment `now`, in epoch seconds."""
        own = self.session_numbers.get(audience.session_id) if audience.session_id is not None else None
        return tuple(
            alive
            & visible_mask(
                audience,
                tiers=segment.tiers,
                sessions=segment.sessions,
                own_session=own,
                effective=(segment.effective_from, segment.effective_until),
                now=now,
            )
            for segment, alive in zip(self.segments, self.alive, strict=True)
        )

    def updated(self, *, version: int, rows: Sequence[ChunkRow], gone: Iterable[DocumentId]) -> "Index":
        """The index after the documents in `gone` went and those of `rows`, each with all its chunks, came or were replaced."""
        dead = frozenset(gone) | {row.document_id for row in rows}
        numbers = dict(self.session_numbers)
        for row in rows:
            if row.session_id is not None:
                numbers.setdefault(row.session_id, len(numbers) + 1)
        segments = list(self.segments)
        alive = [_without(segment, living, dead) for segment, living in zip(self.segments, self.alive, strict=True)]
        if rows:
            segments.append(_segment(rows, numbers))
            alive.append(np.ones(len(rows), dtype=np.bool_))
        total = sum(map(len, segments))
        living = sum(int(np.count_nonzero(mask)) for mask in alive)
        if living == 0:
            return Index(version)
        if len(segments) > _MOST_SEGMENTS or living < total * (1 - _MOST_DEAD):
            merged = _merged(segments, alive)
            segments, alive = [merged], [np.ones(len(merged), dtype=np.bool_)]
        return Index(version, tuple(segments), tuple(alive), numbers)


class Vocabulary:
    """How many chunks that `audience` may see have a term: what is hidden from an asker has no part in how they are understood."""

    def __init__(self, index: Index, audience: Audience, *, now: float) -> None:
        self._index = index
        self._audience = audience
        self._now = now
        self._counts: list[NDArray[np.int64]] | None = None

    def __call__(self, hashes: Hashes) -> NDArray[np.int64]:
        """`hashes` in any order; the counts in that order."""
        if self._counts is None:
            visible = self._index.visible(self._audience, now=self._now)
            self._counts = [_term_counts(segment, mask) for segment, mask in zip(self._index.segments, visible, strict=True)]
        total = np.zeros(len(hashes), np.int64)
        for segment, counts in zip(self._index.segments, self._counts, strict=True):
            places = np.minimum(np.searchsorted(segment.keys, hashes), len(segment.keys) - 1)
            total += np.where(segment.keys[places] == hashes, counts[places], 0)
        return total


def _term_counts(segment: Segment, visible: NDArray[np.bool_]) -> NDArray[np.int64]:
    if visible.all():
        return np.diff(segment.starts[: len(segment.keys) + 1])
    running = np.concatenate([[0], np.cumsum(visible[segment.rows], dtype=np.int64)])
    return np.diff(running[segment.starts[: len(segment.keys) + 1]])


@dataclass(frozen=True, slots=True)
class _Postings:
    """One entry for each term of each chunk, in any order. `rows` are the chunks' places in their segment."""

    terms: NDArray[np.uint32]
    rows: NDArray[np.int32]
    counts: NDArray[np.uint8]


def _segment(rows: Sequence[ChunkRow], numbers: dict[SessionId, int]) -> Segment:
    document_numbers: dict[DocumentId, int] = {}
    terms = [unpack(row.terms) for row in rows]
    return _assembled(
        _Postings(
            terms=np.concatenate([hashes for hashes, _ in terms]),
            rows=np.repeat(np.arange(len(rows), dtype=np.int32), [len(hashes) for hashes, _ in terms]),
            counts=np.concatenate([counts for _, counts in terms]),
        ),
        chunk_ids=np.array([row.chunk_id for row in rows], np.int64),
        documents=np.array([document_numbers.setdefault(row.document_id, len(document_numbers)) for row in rows], np.int32),
        document_ids=tuple(document_numbers),
        tiers=np.array([TIERS.index(row.tier) for row in rows], np.uint8),
        sessions=np.array([NO_SESSION if row.session_id is None else numbers[row.session_id] for row in rows], np.int32),
        effective=(
            np.array([row.effective_from for row in rows], np.float64),
            np.array([row.effective_until for row in rows], np.float64),
        ),
        vectors=np.frombuffer(b"".join(row.vector for row in rows), "<f4").reshape(len(rows), DIMENSIONS),
    )


def _merged(segments: Sequence[Segment], alive: Sequence[NDArray[np.bool_]]) -> Segment:
    """The living rows of `segments` in one."""
    document_numbers: dict[DocumentId, int] = {}
    documents: list[NDArray[np.int32]] = []
    postings: list[_Postings] = []
    before = 0
    pairs = list(zip(segments, alive, strict=True))
    for segment, living in pairs:
        numbers = np.array([document_numbers.setdefault(name, len(document_numbers)) for name in segment.document_ids], np.int32)
        documents.append(numbers[segment.documents[living]])
        places = (np.cumsum(living) - 1 + before).astype(np.int32)
        kept = living[segment.rows]
        terms = np.repeat(segment.keys, np.diff(segment.starts))
        postings.append(_Postings(terms[kept], places[segment.rows[kept]], segment.counts[kept]))
        before += int(np.count_nonzero(living))
    return _assembled(
        _Postings(
            terms=np.concatenate([part.terms for part in postings]),
            rows=np.concatenate([part.rows for part in postings]),
            counts=np.concatenate([part.counts for part in postings]),
        ),
        chunk_ids=np.concatenate([segment.chunk_ids[living] for segment, living in pairs]),
        documents=np.concatenate(documents),
        document_ids=tuple(document_numbers),
        tiers=np.concatenate([segment.tiers[living] for segment, living in pairs]),
        sessions=np.concatenate([segment.sessions[living] for segment, living in pairs]),
        effective=(
            np.concatenate([segment.effective_from[living] for segment, living in pairs]),
            np.concatenate([segment.effective_until[living] for segment, living in pairs]),
        ),
        vectors=np.concatenate([segment.vectors[living] for segment, living in pairs]),
    )


def _assembled(
    postings: _Postings,
    *,
    chunk_ids: NDArray[np.int64],
    documents: NDArray[np.int32],
    document_ids: tuple[DocumentId, ...],
    tiers: NDArray[np.uint8],
    sessions: NDArray[np.int32],
    effective: tuple[NDArray[np.float64], NDArray[np.float64]],
    vectors: NDArray[np.float32],
) -> Segment:
    order = np.argsort(postings.terms, kind="stable")
    terms = postings.terms[order]
    first = np.flatnonzero(np.diff(terms, prepend=terms[:1] + np.uint32(1))) if len(terms) else np.zeros(0, np.int64)
    return Segment(
        chunk_ids=chunk_ids,
        document_ids=document_ids,
        documents=documents,
        tiers=tiers,
        sessions=sessions,
        effective_from=effective[0],
        effective_until=effective[1],
        vectors=np.ascontiguousarray(vectors, np.float32),
        lengths=np.bincount(postings.rows, postings.counts, minlength=len(chunk_ids)).astype(np.float32),
        keys=terms[first],
        starts=np.append(first, len(terms)).astype(np.int64),
        rows=postings.rows[order],
        counts=postings.counts[order],
    )


def _without(segment: Segment, alive: NDArray[np.bool_], dead: frozenset[DocumentId]) -> NDArray[np.bool_]:
    numbers = [number for number, name in enumerate(segment.document_ids) if name in dead]
    if not numbers:
        return alive
    return alive & ~np.isin(segment.documents, numbers)
