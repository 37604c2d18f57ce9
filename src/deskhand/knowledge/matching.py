"""How well chunks of one part of the index match a query: by their words and by their vectors.

Invariant: nothing here knows of audiences; who may see what is for the caller to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.columns import Postings
from deskhand.knowledge.segment import Segment
from deskhand.knowledge.shard import Shard
from deskhand.knowledge.views import Matches, Part

K1 = 1.2
B = 0.75
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
    slices = [slice(start, end) for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]
    rows = np.concatenate([part.postings.rows[:0], *(part.postings.rows[each] for each in slices)], dtype=np.intp)
    # Of one type with the norms: NumPy takes several times as long over two.
    counts = np.concatenate([part.postings.counts[:0], *(part.postings.counts[each] for each in slices)], dtype=precision)
    saturation: NDArray[Any] = _norms(part.columns.lengths.take(rows), average).astype(precision, copy=False)
    saturation += counts
    np.divide(counts, saturation, out=saturation)
    saturation *= np.repeat(gains[found.terms], found.ends - found.starts)
    scores: Floats = np.bincount(rows, saturation, minlength=len(part)).astype(precision)
    if isinstance(part, Shard) and len(found.common):
        norms = _norms(part.columns.lengths, average)
        for term, column in zip(found.common.tolist(), found.columns.tolist(), strict=True):
            common = part.common[column].astype(np.float32)
            of_term = norms + common
            np.divide(common, of_term, out=of_term)
            of_term *= gains[term]
            scores += of_term
    return scores


def coverage(part: Segment, found: Matches, counted: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each row, the sum of `counted`, one for each term of the query, over the terms that it has."""
    slices = [slice(start, end) for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]
    rows = np.concatenate([part.postings.rows[:0], *(part.postings.rows[each] for each in slices)])
    return np.bincount(rows, np.repeat(counted[found.terms], found.ends - found.starts), minlength=len(part)).astype(np.float64)


def evidence_at(
    part: Segment, found: Matches, rows: NDArray[np.intp], *, gains: NDArray[np.float64], counted: NDArray[np.float64], average: float
) -> Evidence:
    """What all terms of a query are worth to each of `rows`. `gains` and `counted` have a number for each term."""
    norms = _norms(part.columns.lengths[rows], average).astype(np.float64)
    counts = _counts(part.postings, found, rows)
    words = (gains * (K1 + 1))[found.terms] @ (counts / (counts + norms))
    return Evidence(words, counted[found.terms] @ (counts > 0))


def evidence_in(
    pairs: Sequence[tuple[Shard, NDArray[np.intp]]],
    hashes: Hashes,
    *,
    gains: NDArray[np.float64],
    counted: NDArray[np.float64],
    average: float,
) -> Evidence:
    """The same for rows of shards, one after the other. `hashes` are the terms of the query, ascending."""
    own, counts, sizes, lengths = [], [], [], []
    for shard, rows in pairs:
        starts = shard.term_starts.take(rows)
        size = shard.term_starts.take(rows + 1) - starts
        entries = np.repeat(starts - np.cumsum(size) + size, size) + np.arange(size.sum())
        own.append(shard.term_hashes.take(entries))
        counts.append(shard.term_counts.take(entries))
        sizes.append(size)
        lengths.append(shard.columns.lengths.take(rows))
    there = np.concatenate(own)
    places = np.minimum(np.searchsorted(hashes, there), len(hashes) - 1)
    hits = np.flatnonzero(hashes[places] == there)
    norms = _norms(np.concatenate(lengths), average).astype(np.float64)
    row = np.repeat(np.arange(len(norms)), np.concatenate(sizes))[hits]
    term, often = places[hits], np.concatenate(counts)[hits]
    worth = (gains * (K1 + 1))[term] * (often / (often + norms[row]))
    return Evidence(
        np.bincount(row, worth, minlength=len(norms)).astype(np.float64),
        np.bincount(row, counted[term], minlength=len(norms)).astype(np.float64),
    )


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
    if isinstance(part, Segment):
        near = (part.vectors if len(rows) == len(part) else part.vectors.take(rows, axis=0)) @ vectors.T
    else:
        near = part.codes.take(rows, axis=0).astype(np.float32) @ vectors.T
        near *= part.scales.take(rows)[:, None]
    return joined(list(np.clip(near, 0.0, 1.0).T))


def vectors_of(part: Part, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """[len(rows), 384]; in a shard, each component rounded to a byte."""
    return part.vectors[rows] if isinstance(part, Segment) else part.codes[rows] * part.scales[rows, None]


def _norms(lengths: NDArray[np.float32], average: float) -> NDArray[np.float32]:
    norms = lengths * np.float32(K1 * B / average)
    norms += np.float32(K1 * (1 - B))
    return norms


def joined(pieces: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The cosines to the pieces of a query as one: their power mean of order 3, between their mean and their best."""
    if len(pieces) == 1:
        return pieces[0]
    # Products: `np.power` takes ten times as long.
    cubes = sum((piece * piece * piece for piece in pieces), np.float32(0)) / np.float32(len(pieces))
    together: NDArray[np.float32] = np.cbrt(cubes)
    return together
