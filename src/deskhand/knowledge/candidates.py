"""Which chunks are worth scoring for a query, and the evidence for each. Pure: an index and a query in, arrays out.

In a small index every chunk is a candidate. In a large one those are that look best when their vectors are told by their signs alone.

Invariant: the evidence is exact, whichever way a chunk became a candidate: its cosine (in a shard, of a vector rounded to a byte for each
component), its BM25 among what the asker may see, and the share of the query that it covers. What to make of it is for `ranking` to say.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.knowledge.estimating import Worth, estimated, least_of
from deskhand.knowledge.index import Index
from deskhand.knowledge.matching import Evidence, bm25, cosines, coverage, evidence_at, evidence_in, vectors_of
from deskhand.knowledge.segment import Segment
from deskhand.knowledge.shard import Shard
from deskhand.knowledge.views import Matches, Part, View, matches

# How many chunks of a large index are compared by more than the signs of their vectors.
_PROMISING = 6_144
# And how many of these are given out, for each that is asked for.
_GIVEN = 12
# The most telling terms find chunks of a large index: as many as have so many postings, or so many for each chunk. What the others
# add is looked up for the chunks that were found.
_FINDING_AT_LEAST = 65_536
_FINDING = 0.25
_LEAST_FINDING = 4

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


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
    `best_words` is the best BM25 of all chunks that the asker may see, 0 if none has a term of the query. `vectors` gives those at some
    places of the arrays: [places, 384], in their order.
    """

    chunk_ids: NDArray[np.int64]
    cosines: NDArray[np.float32]
    words: NDArray[np.float64]
    coverage: NDArray[np.float64]
    best_words: float
    vectors: Callable[[NDArray[np.intp]], NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.chunk_ids)


def none_found() -> Candidates:
    none = np.zeros((0, DIMENSIONS), np.float32)
    return Candidates(np.zeros(0, np.int64), none[:, 0], np.zeros(0), np.zeros(0), 0.0, lambda _places: none)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What each term of the query is worth to this asker: its `gains` in BM25, and what it is `counted` for in coverage.

    `finding` says which terms find chunks; what the others add is looked up for those found.
    """

    gains: NDArray[np.float64]
    counted: NDArray[np.float64]
    average: float
    finding: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A part of the index with the BM25 of the finding terms for all its rows, 0 for those that the asker may not see."""

    view: View
    found: Matches
    words: NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class _Picked:
    """Rows of one part, with their cosines and what these and the finding terms are worth."""

    scored: _Scored
    rows: NDArray[np.intp]
    cosines: NDArray[np.float32]
    values: NDArray[np.floating[Any]]

    @property
    def part(self) -> Part:
        return self.scored.view.part


class Finder:
    """Looks through the parts of a large index side by side, on threads of its own. Safe to use from several."""

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="search")

    def close(self) -> None:
        """Wait for what runs, then let the threads go."""
        self._pool.shutdown()

    def candidates(self, index: Index, query: Query, *, audience: Audience, now: float, share: float, limit: int) -> Candidates:
        """The chunks that `audience` may see `now` among which the `limit` best are, by any measure near `ranking`'s with this `share`.

        In a small index these are all that it may see.
        """
        views = [view for view in index.views(audience, now=now) if view.count]
        if not views or limit <= 0:
            return none_found()
        found = [matches(view.part, query.hashes) for view in views]
        terms = _terms(views, found, query, is_exact=index.is_exact)
        pairs = list(zip(views, found, strict=True))
        if index.is_exact:
            scored = [_scored(view, each, terms=terms) for view, each in pairs]
            picked = [_compared(each, np.flatnonzero(each.view.mask), query, worth=Worth(share, 0.0)) for each in scored]
        else:
            scored = self._each(lambda pair: _scored(*pair, terms=terms), pairs)
            picked = self._best(scored, query, share=share, limit=limit)
        worth = _evidence(picked, query, terms=terms)
        return Candidates(
            chunk_ids=np.concatenate([each.part.columns.chunk_ids[each.rows] for each in picked]),
            cosines=np.concatenate([each.cosines for each in picked]),
            words=worth.words,
            coverage=worth.coverage / (float(terms.counted.sum()) or 1.0),
            best_words=float(worth.words.max(initial=0)),
            vectors=partial(_vectors_at, picked),
        )

    def _best(self, scored: Sequence[_Scored], query: Query, *, share: float, limit: int) -> list[_Picked]:
        best = max(float(each.words.max()) for each in scored)
        worth = Worth(share, (1 - share) / best if best > 0 else 0.0)
        estimates = self._each(lambda each: _estimated(each, query, worth=worth), scored)
        least = least_of([each for each in estimates if each is not None], most=_PROMISING)
        rough = self._each(lambda pair: _promising(*pair, query, worth=worth, least=least), list(zip(scored, estimates, strict=True)))
        return _foremost(rough, limit * _GIVEN)

    def _each(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """In the order of `items`, of which each thread gets an equal share."""
        if self._threads == 1 or len(items) < self._threads:
            return [work(item) for item in items]
        shares = [items[first :: self._threads] for first in range(self._threads)]
        done = list(self._pool.map(lambda share: [work(item) for item in share], shares))
        return [done[place % self._threads][place // self._threads] for place in range(len(items))]


def _terms(views: Sequence[View], found: Sequence[Matches], query: Query, *, is_exact: bool) -> _Terms:
    seen, terms = sum(view.count for view in views), len(query.hashes)
    frequency = np.sum([view.frequencies(each, terms=terms) for view, each in zip(views, found, strict=True)], axis=0)
    rarity = np.log1p((seen - frequency + 0.5) / (frequency + 0.5))
    gains = rarity * query.weights
    # The most telling first: they decide, and they have few postings.
    order = np.argsort(-gains, kind="stable")
    finding = np.ones(terms, np.bool_)
    if not is_exact:
        finding[order] = np.cumsum(frequency[order]) <= max(seen * _FINDING, _FINDING_AT_LEAST)
        finding[order[:_LEAST_FINDING]] = True
    return _Terms(
        gains=gains,
        counted=rarity * np.minimum(query.weights, 1),
        average=max(sum(view.length for view in views) / seen, 1.0),
        finding=finding,
    )


def _scored(view: View, found: Matches, *, terms: _Terms) -> _Scored:
    words = bm25(view.part, found.only(terms.finding), terms.gains, average=terms.average)
    if view.count < len(view.part):
        words *= view.mask
    return _Scored(view, found, words)


def _compared(scored: _Scored, rows: NDArray[np.intp], query: Query, *, worth: Worth) -> _Picked:
    near = cosines(scored.view.part, query.vectors, rows)
    return _Picked(scored, rows, near, worth.of(near, scored.words[rows]))


def _estimated(scored: _Scored, query: Query, *, worth: Worth) -> NDArray[np.float32] | None:
    """An estimate for each row of a shard; `None` for a segment, whose rows are compared exactly."""
    part = scored.view.part
    return estimated(part, query.vectors, scored.words, worth=worth) if isinstance(part, Shard) else None


def _promising(scored: _Scored, estimates: NDArray[np.float32] | None, query: Query, *, worth: Worth, least: float) -> _Picked:
    """The rows of one part that may be among the best, compared exactly; those of a segment are all."""
    seen = scored.view.mask
    if estimates is None:
        return _compared(scored, np.flatnonzero(seen), query, worth=worth)
    rows = np.flatnonzero((estimates >= least) & seen)
    return _compared(scored, rows if worth.share else rows[scored.words[rows] > 0], query, worth=worth)


def _foremost(picked: Sequence[_Picked], most: int) -> list[_Picked]:
    """The rows with the `most` largest values."""
    values = np.concatenate([each.values for each in picked])
    least = float(np.partition(values, -most)[-most]) if len(values) > most else -np.inf
    kept = [each.values >= least for each in picked]
    # Segments first: their evidence is found in another way.
    ordered = sorted(zip(picked, kept, strict=True), key=lambda pair: isinstance(pair[0].part, Shard))
    return [_Picked(each.scored, each.rows[keep], each.cosines[keep], each.values[keep]) for each, keep in ordered if keep.any()]


def _evidence(picked: Sequence[_Picked], query: Query, *, terms: _Terms) -> Evidence:
    """What all terms are worth to the rows of all that were picked, one after the other; their coverage is not divided yet."""
    parts = [_evidence_of_segment(each.part, each, terms=terms) for each in picked if isinstance(each.part, Segment)]
    shards = [(each.part, each.rows) for each in picked if isinstance(each.part, Shard)]
    if shards:
        parts.append(evidence_in(shards, query.hashes, gains=terms.gains, counted=terms.counted, average=terms.average))
    return Evidence(np.concatenate([part.words for part in parts]), np.concatenate([part.coverage for part in parts]))


def _evidence_of_segment(segment: Segment, picked: _Picked, *, terms: _Terms) -> Evidence:
    scored, rows = picked.scored, picked.rows
    if terms.finding.all():
        return Evidence(scored.words[rows].astype(np.float64), coverage(segment, scored.found, terms.counted)[rows])
    return evidence_at(segment, scored.found, rows, gains=terms.gains, counted=terms.counted, average=terms.average)


def _vectors_at(picked: Sequence[_Picked], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """The vectors at some places among the rows of all that were picked, one after the other."""
    found = np.empty((len(places), DIMENSIONS), np.float32)
    first = 0
    for each in picked:
        own = (places >= first) & (places < first + len(each.rows))
        found[own] = vectors_of(each.part, each.rows[places[own] - first])
        first += len(each.rows)
    return found
