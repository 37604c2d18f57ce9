"""Which chunks answer a query: dense and keyword evidence, weighed. Pure: an index and a query in, places and scores out.

`score = w · cosine + (1 − w) · BM25 / best BM25 of the query`, w falling with the model's knowledge of the query's language. Ranks are
never fused: a rank forgets how good the evidence was (on the sets of `evals/`, equal-weight reciprocal ranks were often worse than
the better of the two).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Counts, Hashes
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.index import Index, Segment

_K1 = 1.2
_B = 0.75
# How often a term counts that a long question repeats: it is said five times because it matters, and twenty because somebody rambles.
_MOST_REPEATED = 5.0
# The cosines of a long query's pieces are joined by a power mean, between their mean and their best.
_POWER = 3.0


@dataclass(frozen=True, slots=True)
class Weights:
    """`dense` is the weight of the cosine for a query in a language the model knows well; `earlier` what each turn back is worth."""

    dense: float = 0.5
    earlier: float = 0.5


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
class Hit:
    """`cosine` in [0, 1]; `coverage` the share of the query's terms, by their rarity, that the chunk has, in [0, 1]."""

    chunk_id: int
    fused: float
    cosine: float
    coverage: float


@dataclass(frozen=True, slots=True)
class _Postings:
    """The postings of the query's terms in one segment. `terms` are places in `Query.hashes`."""

    terms: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.float32]


def weighted_terms(turns: Sequence[tuple[Hashes, Counts]], *, decay: float) -> tuple[Hashes, NDArray[np.float32]]:
    """The terms of the newest turn, which comes first, with their counts; those of turns before it with `decay` for each step back.

    A term in several turns keeps its largest weight.
    """
    newest = np.minimum(turns[0][1].astype(np.float32), _MOST_REPEATED)
    earlier = [np.full(len(terms), decay**back, np.float32) for back, (terms, _) in enumerate(turns[1:], 1)]
    unique, places = np.unique(np.concatenate([terms for terms, _ in turns]), return_inverse=True)
    largest = np.zeros(len(unique), np.float32)
    np.maximum.at(largest, places, np.concatenate([newest, *earlier]))
    return unique, largest


def rank(index: Index, query: Query, *, audience: Audience, limit: int, weights: Weights) -> list[Hit]:
    """At most `limit` chunks that `audience` may see, best first. A chunk with no evidence for it at all is left out."""
    visible = index.visible(audience)
    seen = sum(int(np.count_nonzero(mask)) for mask in visible)
    if seen == 0 or limit <= 0:
        return []
    postings = [_postings(segment, query.hashes, mask) for segment, mask in zip(index.segments, visible, strict=True)]
    frequency = np.zeros(len(query.hashes))
    for posting in postings:
        frequency += np.bincount(posting.terms, minlength=len(query.hashes))
    rarity = np.log1p((seen - frequency + 0.5) / (frequency + 0.5))
    average = sum(float(segment.lengths[mask].sum()) for segment, mask in zip(index.segments, visible, strict=True)) / seen
    words = [
        _bm25(segment, posting, rarity * query.weights, average=max(average, 1.0))
        for segment, posting in zip(index.segments, postings, strict=True)
    ]
    best = max((float(scores.max()) for scores in words if len(scores)), default=0.0)
    share = weights.dense * query.familiarity
    hits: list[Hit] = []
    whole = float((rarity * np.minimum(query.weights, 1)).sum()) or 1.0
    for segment, mask, posting, scores in zip(index.segments, visible, postings, words, strict=True):
        cosines = _cosines(segment, query.vectors)
        fused = share * cosines + (1 - share) * (scores / best if best > 0 else 0.0)
        fused[~mask] = -1.0
        covered = np.bincount(posting.rows, (rarity * np.minimum(query.weights, 1))[posting.terms], minlength=len(segment))
        top = np.argpartition(-fused, min(limit, len(fused)) - 1)[:limit]
        hits += [
            Hit(int(segment.chunk_ids[row]), float(fused[row]), float(cosines[row]), float(covered[row]) / whole)
            for row in top
            if fused[row] > 0
        ]
    # The id breaks ties, so that the same question has the same answer whatever order the rows came in.
    return sorted(hits, key=lambda hit: (-hit.fused, hit.chunk_id))[:limit]


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
