"""How well chunks of one part of the index match a query: by their words, by their vectors, and by an estimate of the latter.

Invariant: nothing here knows of audiences; who may see what is for the caller to say.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.columns import Postings
from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.knowledge.segment import Segment
from deskhand.knowledge.shard import SIGN_WORDS, Shard, signs_of
from deskhand.knowledge.views import Matches, Part

K1 = 1.2
B = 0.75
# The cosines of a long query's pieces are joined by a power mean, between their mean and their best.
_POWER = 3.0
# Half of the signs tell which rows are worth looking at the other half of: about so many of a shard.
_FIRST_WORDS = SIGN_WORDS // 2
_PROMISING = 4_096
_SAMPLED = 8
# At the angle a, vectors differ in the signs of a / pi of their components. Near the angles of what answers, the cosine falls by so much
# with each of the first half that differs.
_COSINES = np.maximum(np.cos(np.pi * np.arange(DIMENSIONS + 1) / DIMENSIONS), 0).astype(np.float32)
_SLOPE = 0.8 * np.pi / (DIMENSIONS // 2)

# Up to so many rows are searched for in postings; more are marked, and the postings gone through.
_FEW = 1_000

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of some rows: their BM25, and the sum of what is counted for each term that a row has."""

    words: NDArray[np.float64]
    coverage: NDArray[np.float64]


def bm25(part: Part, found: Matches, gains: NDArray[np.float64], *, average: float) -> Floats:
    """Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, with k1 = 1.2 and b = 0.75, of each row.

    `gains` are the rarities of the query's terms times their weights; `average` is the mean length of a chunk.
    """
    precision = np.float64 if isinstance(part, Segment) else np.float32
    gains = (gains * (K1 + 1)).astype(precision)
    norms: Floats = _norms(part.columns.lengths, average).astype(precision, copy=False)
    slices = [slice(start, end) for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]
    rows = np.concatenate([part.postings.rows[:0], *(part.postings.rows[each] for each in slices)], dtype=np.intp)
    counts = np.concatenate([part.postings.counts[:0], *(part.postings.counts[each] for each in slices)])
    saturation: NDArray[Any] = norms.take(rows)
    saturation += counts
    np.divide(counts, saturation, out=saturation)
    saturation *= np.repeat(gains[found.terms], found.ends - found.starts)
    scores: Floats = np.bincount(rows, saturation, minlength=len(part)).astype(precision)
    if isinstance(part, Shard):
        for term, column in zip(found.common.tolist(), found.columns.tolist(), strict=True):
            common = part.common[column].astype(np.float32)
            saturation = norms + common
            np.divide(common, saturation, out=saturation)
            saturation *= gains[term]
            scores += saturation
    return scores


def coverage(part: Segment, found: Matches, counted: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each row, the sum of `counted`, one for each term of the query, over the terms that it has."""
    slices = [slice(start, end) for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]
    rows = np.concatenate([part.postings.rows[:0], *(part.postings.rows[each] for each in slices)])
    return np.bincount(rows, np.repeat(counted[found.terms], found.ends - found.starts), minlength=len(part)).astype(np.float64)


def evidence_at(
    part: Part, found: Matches, rows: NDArray[np.intp], *, gains: NDArray[np.float64], counted: NDArray[np.float64], average: float
) -> Evidence:
    """What all terms of a query are worth to each of `rows`. `gains` and `counted` have a number for each term."""
    norms = _norms(part.columns.lengths[rows], average).astype(np.float64)
    gains = gains * (K1 + 1)
    counts = _counts(part.postings, found, rows)
    words = gains[found.terms] @ (counts / (counts + norms))
    covered = counted[found.terms] @ (counts > 0)
    if isinstance(part, Shard) and len(found.common):
        counts = part.common[found.columns[:, None], rows]
        words = words + gains[found.common] @ (counts / (counts + norms))
        covered = covered + counted[found.common] @ (counts > 0)
    return Evidence(words, covered)


def _counts(postings: Postings, found: Matches, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    """How often each of `rows` has each term: [terms, rows]."""
    if not len(found.terms):
        return np.zeros((0, len(rows)), np.uint8)
    if len(rows) > _FEW:
        return _counts_of_many(postings, found, rows)
    # Of the type of what is searched, which would otherwise be converted at each call.
    wanted = rows.astype(postings.rows.dtype)
    slices = [postings.rows[start:end] for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]
    places = np.array([each.searchsorted(wanted) for each in slices]) + found.starts[:, None]
    inside = np.minimum(places, len(postings.rows) - 1)
    there = (places < found.ends[:, None]) & (postings.rows[inside] == wanted)
    return np.where(there, postings.counts[inside], np.uint8(0))


def _counts_of_many(postings: Postings, found: Matches, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    counts = np.zeros((len(found.terms), len(rows)), np.uint8)
    place = np.full(int(rows.max()) + 1, -1, np.int64)
    place[rows] = np.arange(len(rows))
    for line, start, end in zip(counts, found.starts.tolist(), found.ends.tolist(), strict=True):
        own = postings.rows[start:end]
        there = np.flatnonzero(own < len(place))
        places = place[own[there]]
        line[places[places >= 0]] = postings.counts[start:end][there[places >= 0]]
    return counts


def cosines(part: Part, vectors: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """The similarity of each of `rows`, in [0, 1], with the pieces `vectors` of a query."""
    own = part.vectors if isinstance(part, Segment) and len(rows) == len(part) else vectors_of(part, rows)
    # Not `@`: BLAS would spread it over all processors, whose threads spin for longer than the product takes on one.
    return joined([np.clip(np.einsum("ij,j->i", own, vector), 0.0, 1.0) for vector in vectors])


def vectors_of(part: Part, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """[len(rows), 384]; in a shard, each component rounded to a byte."""
    return part.vectors[rows] if isinstance(part, Segment) else part.codes[rows] * part.scales[rows, None]


def promising(
    shard: Shard, vectors: NDArray[np.float32], words: NDArray[np.float32], *, seen: NDArray[np.bool_], share: float
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The rows of those `seen` of which `share · cosine + words` may be among the largest, and an estimate of it for each.

    The cosines are told by the signs of the components alone: by half of them for all rows, by all of them for the best of these.
    """
    if share == 0:
        rows = np.flatnonzero((words > 0) & seen)
        return rows, words[rows]
    middle = signs_of(vectors.sum(axis=0, keepdims=True))[:_FIRST_WORDS, 0]
    near = _differing(shard.signs[:_FIRST_WORDS], middle).astype(np.float32)
    near *= np.float32(-share * _SLOPE)
    near += words
    sample = near[::_SAMPLED]
    place = max(0, len(sample) - _PROMISING // _SAMPLED)
    rows = np.flatnonzero((near >= np.partition(sample, place)[place]) & seen)
    # Column by column: taking from all at once copies each number by itself.
    signs, wanted = np.stack([column.take(rows) for column in shard.signs]), signs_of(vectors)
    pieces = [_COSINES[_differing(signs, wanted[:, piece])] for piece in range(len(vectors))]
    return rows, joined(pieces) * np.float32(share) + words[rows]


def _norms(lengths: NDArray[np.float32], average: float) -> NDArray[np.float32]:
    norms = lengths * np.float32(K1 * B / average)
    norms += np.float32(K1 * (1 - B))
    return norms


def _differing(signs: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """In how many signs each vector differs from the one `wanted`."""
    different = np.empty(signs.shape[1], np.uint64)
    counted = np.empty(signs.shape[1], np.uint8)
    # Three words have 192 bits, which fit a byte: a sum of bytes takes half the time of one of wider numbers.
    halves = [np.zeros(signs.shape[1], np.uint8) for _ in range(0, len(signs), _FIRST_WORDS)]
    for word, (column, value) in enumerate(zip(signs, wanted, strict=True)):
        np.bitwise_xor(column, value, out=different)
        np.bitwise_count(different, out=counted)
        halves[word // _FIRST_WORDS] += counted
    total: NDArray[np.uint16] = np.sum(halves, axis=0, dtype=np.uint16)
    return total


def joined(pieces: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The cosines to the pieces of a query as one."""
    if len(pieces) == 1:
        return pieces[0]
    together: NDArray[np.float32] = np.power(np.power(pieces, _POWER).mean(axis=0), 1 / _POWER)
    return together
