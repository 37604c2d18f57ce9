"""How well each chunk of one part of the index matches a query: by its words, by its vector, and by an estimate of the latter.

Invariant: nothing here knows of audiences; who may see what is for the caller to say.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.columns import found_in
from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.knowledge.segment import Segment
from deskhand.knowledge.shard import SIGN_WORDS, Shard, signs_of
from deskhand.knowledge.views import Part

_K1 = 1.2
_B = 0.75
# The cosines of a long query's pieces are joined by a power mean, between their mean and their best.
_POWER = 3.0
# Two vectors at the angle a differ in the sign of a / pi of their components.
_COSINE_OF = np.cos(np.pi * np.arange(DIMENSIONS + 1) / DIMENSIONS).astype(np.float32)

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Matches:
    """The postings of a query's terms in one part, those of `terms[i]`, a place in the query, at `ends[i - 1]` to `ends[i]`.

    `columns` are those of the part's common terms that are in the query, at the places `common` of it.
    """

    terms: NDArray[np.int64]
    ends: NDArray[np.int64]
    rows: NDArray[np.intp]
    counts: Floats
    common: NDArray[np.int64]
    columns: NDArray[np.uint8]


def matches(part: Part, hashes: Hashes) -> Matches:
    postings = part.postings
    terms, places = postings.places(hashes)
    starts, ends = postings.starts[places], postings.starts[places + 1]
    slices = [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    precision = np.float64 if isinstance(part, Segment) else np.float32
    common, columns = np.zeros(0, np.int64), np.zeros((0, len(part)), np.uint8)
    if isinstance(part, Shard):
        common, chosen = found_in(part.common_keys, hashes)
        columns = part.common[chosen]
    return Matches(
        terms=terms,
        ends=np.cumsum(ends - starts),
        rows=np.concatenate([postings.rows[:0], *(postings.rows[each] for each in slices)], dtype=np.intp),
        counts=np.concatenate([postings.counts[:0], *(postings.counts[each] for each in slices)], dtype=precision),
        common=common,
        columns=columns,
    )


def bm25(part: Part, found: Matches, gains: NDArray[np.float64], *, average: float) -> NDArray[np.float64]:
    """Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, with k1 = 1.2 and b = 0.75, of each row.

    `gains` are the rarities of the query's terms times their weights; `average` is the mean length of a chunk.
    """
    precision = found.counts.dtype
    gains = gains * (_K1 + 1)
    lengths = (part.columns.lengths * (_K1 * _B / average) + _K1 * (1 - _B)).astype(precision)
    saturation = lengths.take(found.rows)
    saturation += found.counts
    np.divide(found.counts, saturation, out=saturation)
    saturation *= np.repeat(gains[found.terms].astype(precision), np.diff(found.ends, prepend=0))
    scores = np.bincount(found.rows, saturation, minlength=len(part)).astype(np.float64)
    for term, column in zip(found.common.tolist(), found.columns, strict=True):
        counts = column.astype(np.float32)
        scores += gains[term] * (counts / (counts + lengths))
    return scores


def coverage(found: Matches, counted: NDArray[np.float64], rows: NDArray[np.intp], *, size: int) -> NDArray[np.float64]:
    """For each of `rows`, the sum of `counted`, one for each term of the query, over the terms that it has. The part has `size` rows."""
    place = np.full(size, -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    places = place.take(found.rows)
    there = np.flatnonzero(places >= 0)
    terms = found.terms[np.searchsorted(found.ends, there, side="right")]
    covered = np.bincount(places[there], counted[terms], minlength=len(rows)).astype(np.float64)
    covered += counted[found.common] @ (found.columns[:, rows] > 0)
    return covered


def cosines(part: Part, vectors: NDArray[np.float32], rows: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
    """The similarity of each of `rows`, in [0, 1], with the pieces `vectors` of a query; of all rows for `None`."""
    if isinstance(part, Segment):
        own = part.vectors if rows is None else part.vectors[rows]
    else:
        codes, scales = (part.codes, part.scales) if rows is None else (part.codes[rows], part.scales[rows])
        own = codes * scales[:, None]
    # Not `@`: BLAS would spread it over all processors, whose threads spin for longer than the product takes on one.
    return _joined([np.clip(np.einsum("ij,j->i", own, vector), 0.0, 1.0) for vector in vectors])


def estimated_cosines(shard: Shard, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """As `cosines`, by the signs of the components alone."""
    wanted = signs_of(vectors)
    differing = np.empty(len(shard), np.uint64)
    counted = np.empty(len(shard), np.uint8)
    estimates: list[NDArray[np.float32]] = []
    for piece in range(len(vectors)):
        distances = np.zeros(len(shard), np.uint16)
        for word in range(SIGN_WORDS):
            np.bitwise_xor(shard.signs[word], wanted[word, piece], out=differing)
            np.bitwise_count(differing, out=counted)
            distances += counted
        estimates.append(np.maximum(_COSINE_OF, 0)[distances])
    return _joined(estimates)


def _joined(pieces: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    if len(pieces) == 1:
        return pieces[0]
    joined: NDArray[np.float32] = np.power(np.power(pieces, _POWER).mean(axis=0), 1 / _POWER)
    return joined
