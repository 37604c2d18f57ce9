"""What the index knows of each chunk beside its vector: whose it is, who may see it, and which terms it has.

Invariant: none of these values ever changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.audience import Audience, visible_mask
from deskhand.knowledge.documents import DocumentId

_HALF_BITS = 16


@dataclass(frozen=True, slots=True)
class Columns:
    """`n` chunks.

    `document_ids` and `session_ids` are sorted bytes; `documents` holds places in the one, `sessions` places in the other plus one, 0 for
    none. `tiers` holds places in `audience.TIERS`; a document is in force from `effective_from` until before `effective_until`, and was
    last changed at `changed_at`, in epoch seconds. `lengths` are in terms.
    """

    chunk_ids: NDArray[np.int64]
    document_ids: NDArray[np.bytes_]
    documents: NDArray[np.int32]
    tiers: NDArray[np.uint8]
    session_ids: NDArray[np.bytes_]
    sessions: NDArray[np.int32]
    effective_from: NDArray[np.float64]
    effective_until: NDArray[np.float64]
    changed_at: NDArray[np.float64]
    lengths: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.chunk_ids)

    @classmethod
    def joined(cls, pairs: Sequence[tuple[Self, NDArray[np.bool_]]]) -> Self:
        """Those rows of each that its mask keeps, one after the other."""
        document_ids, documents = _renumbered([each.document_ids[each.documents[kept]] for each, kept in pairs])
        named = [np.concatenate([np.array([b""], np.bytes_), each.session_ids])[each.sessions[kept]] for each, kept in pairs]
        session_ids, sessions = _renumbered([np.array([b""], np.bytes_), *named])
        return cls(
            chunk_ids=np.concatenate([each.chunk_ids[kept] for each, kept in pairs]),
            document_ids=document_ids,
            documents=documents,
            tiers=np.concatenate([each.tiers[kept] for each, kept in pairs]),
            session_ids=session_ids[1:],
            sessions=sessions[1:],
            effective_from=np.concatenate([each.effective_from[kept] for each, kept in pairs]),
            effective_until=np.concatenate([each.effective_until[kept] for each, kept in pairs]),
            changed_at=np.concatenate([each.changed_at[kept] for each, kept in pairs]),
            lengths=np.concatenate([each.lengths[kept] for each, kept in pairs]),
        )

    def visible(self, audience: Audience, *, now: float) -> NDArray[np.bool_]:
        """Which rows this asker may be shown at the moment `now`, in epoch seconds."""
        return visible_mask(
            audience,
            tiers=self.tiers,
            sessions=self.sessions,
            own_session=self.session_number(audience),
            effective=(self.effective_from, self.effective_until),
            now=now,
        )

    def session_number(self, audience: Audience) -> int | None:
        """What `sessions` holds for the asker's session; `None` if nothing here is of it."""
        if audience.session_id is None or not len(self.session_ids):
            return None
        name = audience.session_id.encode()
        place = int(np.searchsorted(self.session_ids, name))
        return place + 1 if place < len(self.session_ids) and self.session_ids[place] == name else None

    def of_documents(self, names: NDArray[np.bytes_]) -> NDArray[np.bool_] | None:
        """Which rows are of the documents in `names`; `None` if none is."""
        places = np.searchsorted(self.document_ids, names)
        places = places[places < len(self.document_ids)]
        numbers = places[np.isin(self.document_ids[places], names)]
        return np.isin(self.documents, numbers) if len(numbers) else None

    def next_change(self, now: float) -> float:
        """The first moment after `now` at which a document comes into force or ceases to be."""
        ahead = [limits[limits > now] for limits in (self.effective_from, self.effective_until)]
        return min((float(each.min()) for each in ahead if len(each)), default=np.inf)


@dataclass(frozen=True, slots=True)
class Postings:
    """Which rows have a term, and how often: for `keys[i]` at `starts[i]` to `starts[i + 1]` of `rows`, ascending, and `counts`."""

    keys: NDArray[np.uint32]
    starts: NDArray[np.int64]
    rows: NDArray[Any]
    counts: NDArray[np.uint8]

    @classmethod
    def grouped(cls, terms: NDArray[np.uint32], rows: NDArray[Any], counts: NDArray[np.uint8]) -> Self:
        """From one entry for each term of each row, rows ascending."""
        order = _stable_order(terms)
        terms = terms[order]
        first = np.flatnonzero(np.diff(terms, prepend=terms[:1] + np.uint32(1))) if len(terms) else np.zeros(0, np.int64)
        return cls(terms[first], np.append(first, len(terms)).astype(np.int64), rows[order], counts[order])

    def terms(self) -> NDArray[np.uint32]:
        """The term of each entry."""
        return np.repeat(self.keys, np.diff(self.starts))

    def places(self, hashes: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of those of `hashes` that are here: their places in `hashes`, and their places in `keys`."""
        return found_in(self.keys, hashes)


def found_in(keys: NDArray[np.uint32], hashes: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of those of `hashes` that are in `keys`, which ascend: their places in `hashes`, and in `keys`."""
    places = np.searchsorted(keys, hashes)
    known = np.flatnonzero(places < len(keys))
    known = known[keys[places[known]] == hashes[known]]
    return known, places[known]


def names_of(documents: Iterable[DocumentId]) -> NDArray[np.bytes_]:
    """As `Columns.document_ids` holds them."""
    return np.unique(np.array([name.encode() for name in documents], np.bytes_))


def _renumbered(names: Sequence[NDArray[np.bytes_]]) -> tuple[NDArray[np.bytes_], NDArray[np.int32]]:
    unique, places = np.unique(np.concatenate(names), return_inverse=True)
    return unique, places.astype(np.int32)


def _stable_order(terms: NDArray[np.uint32]) -> NDArray[np.int64]:
    # NumPy sorts numbers of 16 bits by radix, which for millions of postings is five times as fast as sorting those of 32.
    low = np.argsort(terms.astype(np.uint16), kind="stable")
    high = (terms >> _HALF_BITS).astype(np.uint16)[low]
    return low[np.argsort(high, kind="stable")]
