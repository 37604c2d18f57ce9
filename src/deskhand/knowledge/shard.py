"""Many chunks in a form that is small and quick to look through: what segments become when the knowledge base is large.

A vector is kept as the signs of its components, which are compared for all chunks, and as a byte for each component, which tell the few
best apart. Rows are numbered in 16 bits, so that a posting takes three bytes; a term that a fifth of the chunks have is a column of counts
instead, which is smaller, and is added without looking up rows. All terms are kept by chunk as well: for the few that were found, reading
them is many times faster than looking for each of a question's terms in its postings.

Invariant: a `Shard` never changes, and is arrays alone: it can be written to a file as it is, and read from one that is mapped into memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.columns import Columns, Postings
from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.knowledge.segment import Segment

MOST_ROWS = 65_536
SIGN_WORDS = DIMENSIONS // 64

_COMMON_SHARE = 0.2
_LARGEST_CODE = 127.0


@dataclass(frozen=True, slots=True)
class Shard:
    """At most `MOST_ROWS` chunks.

    `signs` is [6, n]: a bit for each component, set where it is positive. `codes * scales[:, None]` are the vectors. `common` is
    [terms, n]: how often each chunk has each of `common_keys`, which ascend; the rest is in `postings`. All terms of chunk `i` are from
    `term_starts[i]` to `term_starts[i + 1]` of `term_hashes`, ascending, and `term_counts`.
    """

    columns: Columns
    signs: NDArray[np.uint64]
    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    postings: Postings
    common_keys: NDArray[np.uint32]
    common: NDArray[np.uint8]
    term_starts: NDArray[np.int64]
    term_hashes: NDArray[np.uint32]
    term_counts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.columns)

    @classmethod
    def of(cls, segment: Segment) -> Self:
        """At most `MOST_ROWS` chunks, their vectors rounded."""
        scales = np.abs(segment.vectors).max(axis=1) / _LARGEST_CODE
        scales[scales == 0] = 1.0
        postings, common_keys, common = _common_apart(segment.postings, len(segment))
        return cls(
            columns=segment.columns,
            signs=signs_of(segment.vectors),
            codes=np.rint(segment.vectors / scales[:, None]).astype(np.int8),
            scales=scales.astype(np.float32),
            postings=postings,
            common_keys=common_keys,
            common=common,
            **_by_chunk(segment.postings, len(segment)),
        )

    @classmethod
    def joined(cls, pairs: Sequence[tuple[Self, NDArray[np.bool_]]]) -> Self:
        """Those rows of each that its mask keeps, `MOST_ROWS` at most in all, one after the other."""
        terms, rows, counts = [], [], []
        before = 0
        for each, kept in pairs:
            places = (np.cumsum(kept) - 1 + before).astype(np.int32)
            there = kept[each.postings.rows]
            common, having = np.nonzero(each.common * kept)
            terms += [each.postings.terms()[there], each.common_keys[common]]
            rows += [places[each.postings.rows[there]], places[having]]
            counts += [each.postings.counts[there], each.common[common, having]]
            before += int(np.count_nonzero(kept))
        merged = Postings.grouped(np.concatenate(terms), np.concatenate(rows), np.concatenate(counts))
        postings, common_keys, columns = _common_apart(merged, before)
        return cls(
            columns=Columns.joined([(each.columns, kept) for each, kept in pairs]),
            signs=np.concatenate([each.signs[:, kept] for each, kept in pairs], axis=1),
            codes=np.concatenate([each.codes[kept] for each, kept in pairs]),
            scales=np.concatenate([each.scales[kept] for each, kept in pairs]),
            postings=postings,
            common_keys=common_keys,
            common=columns,
            **_by_chunk(merged, before),
        )


def signs_of(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """The signs of [n, 384] as bits, [6, n]."""
    packed: NDArray[np.uint64] = np.packbits(vectors > 0, axis=1).view(np.uint64)
    return np.ascontiguousarray(packed.T)


def _by_chunk(postings: Postings, size: int) -> dict[str, NDArray[Any]]:
    # NumPy sorts numbers of 16 bits by radix.
    order = np.argsort(postings.rows.astype(np.uint16), kind="stable")
    return {
        "term_starts": np.concatenate([[0], np.cumsum(np.bincount(postings.rows, minlength=size))]).astype(np.int64),
        "term_hashes": postings.terms()[order],
        "term_counts": postings.counts[order],
    }


def _common_apart(postings: Postings, size: int) -> tuple[Postings, NDArray[np.uint32], NDArray[np.uint8]]:
    frequency = np.diff(postings.starts)
    common = np.flatnonzero(frequency > size * _COMMON_SHARE)
    columns = np.zeros((len(common), size), np.uint8)
    for column, term in zip(columns, common.tolist(), strict=True):
        place = slice(postings.starts[term], postings.starts[term + 1])
        column[postings.rows[place]] = postings.counts[place]
    rare = np.ones(len(frequency), np.bool_)
    rare[common] = False
    kept = np.repeat(rare, frequency)
    starts = np.concatenate([[0], np.cumsum(frequency[rare])]).astype(np.int64)
    return (
        Postings(postings.keys[rare], starts, postings.rows[kept].astype(np.uint16), postings.counts[kept]),
        postings.keys[common],
        columns,
    )
