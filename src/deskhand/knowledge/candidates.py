"""Which chunks are worth scoring for a query, and the evidence for each. Pure: an index and a query in, arrays out.

In a small index every chunk is a candidate. In a large one those are that look best when their vectors are told by their signs alone.

Invariant: the evidence is exact, whichever way a chunk became a candidate: its cosine (in a shard, of a vector rounded to a byte for each
component), its BM25 among what the asker may see, and the share of the query that it covers. What to make of it is for `ranking` to say.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.index import Index
from deskhand.knowledge.matching import Matches, bm25, cosines, coverage, estimated_cosines, matches
from deskhand.knowledge.segment import Segment
from deskhand.knowledge.views import View

# How many chunks of a large index are compared by more than the signs of their vectors.
_RESCORED = 3_000
# And how many of these are given out, for each that is asked for.
_GIVEN = 4
# Rows of a part are picked by the best of each block of so many, which takes a tenth of the time of sorting them.
_BLOCK = 16


@dataclass(frozen=True, slots=True)
class Query:
    """A query, ready to be compared.

    `vectors` is [pieces, 384], unit length; `hashes` ascending with a weight each; `familiarity` from 0 to 1, how well the model knows its
    language.
    """

    vectors: NDArray[np.float32]
    hashes: Hashes
    weights: NDArray[np.float32]
    familiarity: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """Arrays of one length, in no order, each chunk once.

    `cosines` in [0, 1]; `words` is BM25, from 0; `coverage` the share of the query's terms, by their rarity, that the chunk has, in [0, 1].
    `best_words` is the best BM25 of all chunks that the asker may see, 0 if none has a term of the query.
    """

    chunk_ids: NDArray[np.int64]
    cosines: NDArray[np.float32]
    words: NDArray[np.float64]
    coverage: NDArray[np.float64]
    best_words: float

    def __len__(self) -> int:
        return len(self.chunk_ids)


@dataclass(frozen=True, slots=True)
class _Scored:
    """A part of the index with the words' evidence for all its rows."""

    view: View
    found: Matches
    words: NDArray[np.float64]


def candidates(index: Index, query: Query, *, audience: Audience, now: float, share: float, limit: int) -> Candidates:
    """The chunks that `audience` may see `now` among which the `limit` best are, by any measure near `ranking`'s with this `share`.

    In a small index these are all that it may see.
    """
    views = [view for view in index.views(audience, now=now) if view.count]
    if not views or limit <= 0:
        return _NONE
    seen = sum(view.count for view in views)
    average = max(sum(view.length for view in views) / seen, 1.0)
    frequency = np.sum([view.frequencies(query.hashes) for view in views], axis=0)
    rarity = np.log1p((seen - frequency + 0.5) / (frequency + 0.5))
    scored = [_scored(view, query, rarity * query.weights, average=average) for view in views]
    best = max(float(each.words[each.view.mask].max()) for each in scored)
    if index.is_exact:
        picked = [np.flatnonzero(each.view.mask) for each in scored]
        alike = [cosines(each.view.part, query.vectors)[rows] for each, rows in zip(scored, picked, strict=True)]
    else:
        scale = (1 - share) / best if best > 0 else 0.0
        picked, alike = _best(scored, query, share=share, scale=scale, limit=limit)
    counted = rarity * np.minimum(query.weights, 1)
    pairs = list(zip(scored, picked, strict=True))
    covered = [coverage(each.found, counted, rows, size=len(each.view.part)) for each, rows in pairs]
    return Candidates(
        chunk_ids=np.concatenate([each.view.part.columns.chunk_ids[rows] for each, rows in pairs]),
        cosines=np.concatenate(alike),
        words=np.concatenate([each.words[rows] for each, rows in pairs]),
        coverage=np.concatenate(covered) / (float(counted.sum()) or 1.0),
        best_words=best,
    )


_NONE = Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0), np.zeros(0), 0.0)


def _scored(view: View, query: Query, gains: NDArray[np.float64], *, average: float) -> _Scored:
    found = matches(view.part, query.hashes)
    return _Scored(view, found, bm25(view.part, found, gains, average=average))


def _best(
    scored: list[_Scored], query: Query, *, share: float, scale: float, limit: int
) -> tuple[list[NDArray[np.intp]], list[NDArray[np.float32]]]:
    """The rows of each part that are worth giving out, and their cosines."""
    rescored = max(_RESCORED, limit * 20)
    rough = [_picked(each, query, share=share, scale=scale, most=rescored, parts=len(scored)) for each in scored]
    least = _least(np.concatenate([values for _, values in rough]), rescored)
    picked = [rows[values >= least] for rows, values in rough]
    alike = [cosines(each.view.part, query.vectors, rows) for each, rows in zip(scored, picked, strict=True)]
    exact = [share * near + scale * each.words[rows] for each, rows, near in zip(scored, picked, alike, strict=True)]
    least = _least(np.concatenate(exact), limit * _GIVEN)
    kept = [values >= least for values in exact]
    return (
        [rows[keep] for rows, keep in zip(picked, kept, strict=True)],
        [near[keep] for near, keep in zip(alike, kept, strict=True)],
    )


def _picked(
    each: _Scored, query: Query, *, share: float, scale: float, most: int, parts: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Rows of one part that may be among the `most` best of all of them, by the estimate, and the estimates."""
    part = each.view.part
    near = cosines(part, query.vectors) if isinstance(part, Segment) else estimated_cosines(part, query.vectors)
    values = near * np.float32(share)
    values += each.words.astype(np.float32) * np.float32(scale)
    values[~each.view.mask] = -1.0
    # More than an equal share, because the best are seldom spread evenly.
    wanted = min(most, 64 + 4 * most // parts)
    blocks = len(values) // _BLOCK
    if blocks <= wanted:
        rows = np.flatnonzero(each.view.mask)
    else:
        maxima = values[: blocks * _BLOCK].reshape(_BLOCK, blocks).max(axis=0)
        rows = np.flatnonzero(values >= max(float(np.partition(maxima, -wanted)[-wanted]), 0.0))
    return rows, values[rows]


def _least(values: NDArray[np.floating], most: int) -> float:
    """The value that the `most` largest reach."""
    return float(np.partition(values, -most)[-most]) if len(values) > most else -np.inf
