"""Chunks as they come from the database, ready to be compared exactly.

Invariant: a `Segment` never changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deskhand.ids import SessionId
from deskhand.knowledge.analysis import unpack
from deskhand.knowledge.audience import TIERS
from deskhand.knowledge.columns import Columns, Postings
from deskhand.knowledge.documents import DocumentId, Tier
from deskhand.knowledge.embedding import DIMENSIONS


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk as the database gives it to the index. `vector` and `terms` as the table stores them.

    Its document is in force from `effective_from` until before `effective_until`: epoch seconds, infinite where there is no limit. It
    was last changed at `changed_at`.
    """

    chunk_id: int
    document_id: DocumentId
    tier: Tier
    session_id: SessionId | None
    vector: bytes
    terms: bytes
    effective_from: float = -np.inf
    effective_until: float = np.inf
    changed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Segment:
    """`vectors` is [n, 384], of unit length."""

    columns: Columns
    vectors: NDArray[np.float32]
    postings: Postings

    def __len__(self) -> int:
        return len(self.columns)

    @classmethod
    def of(cls, rows: Sequence[ChunkRow]) -> Self:
        terms = [unpack(row.terms) for row in rows]
        document_ids, documents = np.unique(np.array([row.document_id.encode() for row in rows], np.bytes_), return_inverse=True)
        sessions = [b"", *(b"" if row.session_id is None else row.session_id.encode() for row in rows)]
        session_ids, numbers = np.unique(np.array(sessions, np.bytes_), return_inverse=True)
        places = np.repeat(np.arange(len(rows), dtype=np.int32), [len(hashes) for hashes, _ in terms])
        counts = np.concatenate([counts for _, counts in terms])
        columns = Columns(
            chunk_ids=np.array([row.chunk_id for row in rows], np.int64),
            document_ids=document_ids,
            documents=documents.astype(np.int32),
            tiers=np.array([TIERS.index(row.tier) for row in rows], np.uint8),
            session_ids=session_ids[1:],
            sessions=numbers[1:].astype(np.int32),
            effective_from=np.array([row.effective_from for row in rows], np.float64),
            effective_until=np.array([row.effective_until for row in rows], np.float64),
            changed_at=np.array([row.changed_at for row in rows], np.float64),
            lengths=np.bincount(places, counts, minlength=len(rows)).astype(np.float32),
        )
        return cls(
            columns,
            np.frombuffer(b"".join(row.vector for row in rows), "<f4").reshape(len(rows), DIMENSIONS),
            Postings.grouped(np.concatenate([hashes for hashes, _ in terms]), places, counts),
        )

    @classmethod
    def joined(cls, pairs: Sequence[tuple[Self, NDArray[np.bool_]]]) -> Self:
        """Those rows of each that its mask keeps, one after the other."""
        terms, rows, counts = [], [], []
        before = 0
        for each, kept in pairs:
            places = (np.cumsum(kept) - 1 + before).astype(np.int32)
            there = kept[each.postings.rows]
            terms.append(each.postings.terms()[there])
            rows.append(places[each.postings.rows[there]])
            counts.append(each.postings.counts[there])
            before += int(np.count_nonzero(kept))
        return cls(
            Columns.joined([(each.columns, kept) for each, kept in pairs]),
            np.concatenate([each.vectors[kept] for each, kept in pairs]),
            Postings.grouped(np.concatenate(terms), np.concatenate(rows), np.concatenate(counts)),
        )
