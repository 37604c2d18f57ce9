"""Which chunks are worth scoring for a query, and the evidence for each. Pure: an index and a query in, arrays out.

Invariant: the evidence is exact, whichever way a chunk became a candidate: its cosine, its BM25 among what the asker may see, and the
share of the query that it covers. What to make of it is for `ranking` to say.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.index import Index, Segment

_K1 = 1.2
_B = 0.75
# The cosines of a long query's pieces are joined by a power mean, between their mean and their best.
_POWER = 3.0


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
class _Postings:
    """The postings of the query's terms in one segment. `terms` are places in `Query.hashes`."""

    terms: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.float32]


def candidates(
    index: Index,
    query: Query,
    *,
    audience: Audience,
    now: float,
    share: float,  # noqa: ARG001 - all are candidates while the index is small
    limit: int,
) -> Candidates:
    """The chunks that `audience` may see `now` among which the `limit` best are, by any measure near `share · cosine + (1 − share) · BM25`.

    In a small index these are all that it may see.
    """
    visible = index.visible(audience, now=now)
    seen = sum(int(np.count_nonzero(mask)) for mask in visible)
    if seen == 0 or limit <= 0:
        return _NONE
    postings = [_postings(segment, query.hashes, mask) for segment, mask in zip(index.segments, visible, strict=True)]
    frequency = np.zeros(len(query.hashes))
    for posting in postings:
        frequency += np.bincount(posting.terms, minlength=len(query.hashes))
    rarity = np.log1p((seen - frequency + 0.5) / (frequency + 0.5))
    average = max(sum(float(segment.lengths[mask].sum()) for segment, mask in zip(index.segments, visible, strict=True)) / seen, 1.0)
    counted = rarity * np.minimum(query.weights, 1)
    words, covered = [], []
    for segment, mask, posting in zip(index.segments, visible, postings, strict=True):
        words.append(_bm25(segment, posting, rarity * query.weights, average=average)[mask])
        covered.append(np.bincount(posting.rows, counted[posting.terms], minlength=len(segment))[mask])
    scores = np.concatenate(words)
    return Candidates(
        chunk_ids=np.concatenate([segment.chunk_ids[mask] for segment, mask in zip(index.segments, visible, strict=True)]),
        cosines=np.concatenate([_cosines(segment, query.vectors)[mask] for segment, mask in zip(index.segments, visible, strict=True)]),
        words=scores,
        coverage=np.concatenate(covered) / (float(counted.sum()) or 1.0),
        best_words=float(scores.max()),
    )


_NONE = Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0), np.zeros(0), 0.0)


def _cosines(segment: Segment, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    # Not `@`: BLAS would spread it over all processors, whose threads spin for longer than the product takes on one.
    cosines: list[NDArray[np.float32]] = [np.clip(np.einsum("ij,j->i", segment.vectors, vector), 0.0, 1.0) for vector in vectors]
    if len(cosines) == 1:
        return cosines[0]
    joined: NDArray[np.float32] = np.power(np.power(cosines, _POWER).mean(axis=0), 1 / _POWER)
    return joined


def _postings(segment: Segment, hashes: Hashes, visible: NDArray[np.bool_]) -> _Postings:
    places = np.searchsorted(segment.keys, hashes)
    known = np.flatnonzero(places < len(segment.keys))
    known = known[segment.keys[places[known]] == hashes[known]]
    starts = segment.starts[places[known]]
    lengths = segment.starts[places[known] + 1] - starts
    # All ranges at once: the place of each posting is its range's start plus its place within the range.
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    chosen = np.repeat(starts, lengths) + within
    rows = segment.rows[chosen]
    kept = visible[rows]
    return _Postings(np.repeat(known, lengths)[kept], rows[kept], segment.counts[chosen[kept]].astype(np.float32))


def _bm25(segment: Segment, postings: _Postings, rarity: NDArray[np.float64], *, average: float) -> NDArray[np.float64]:
    """Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, with k1 = 1.2 and b = 0.75."""
    saturation = postings.counts + _K1 * (1 - _B + _B * segment.lengths[postings.rows] / average)
    gains = rarity[postings.terms] * postings.counts * (_K1 + 1) / saturation
    return np.bincount(postings.rows, gains, minlength=len(segment)).astype(np.float64)
