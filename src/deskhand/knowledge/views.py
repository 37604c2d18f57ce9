"""What one asker sees of a part of the index: which rows, and how many of them have each term.

Invariant: what is hidden from an asker counts for nothing in what they see: neither in frequencies nor in lengths.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.columns import found_in
from deskhand.knowledge.segment import Segment
from deskhand.knowledge.shard import Shard

Part = Segment | Shard

_NOWHERE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Matches:
    """Where the terms of a query are in one part.

    The postings of `terms[i]`, a place in the query, are those of the key at `keys[i]`, from `starts[i]` to `ends[i]`. `common` are the
    places in the query of the terms that the part has a column for, `columns` the places of these.
    """

    terms: NDArray[np.int64]
    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    common: NDArray[np.int64]
    columns: NDArray[np.int64]

    def only(self, chosen: NDArray[np.bool_]) -> "Matches":
        """Those of the terms that are `chosen`, which has a value for each of the query."""
        rare, common = chosen[self.terms], chosen[self.common]
        return Matches(self.terms[rare], self.keys[rare], self.starts[rare], self.ends[rare], self.common[common], self.columns[common])


def matches(part: Part, hashes: Hashes) -> Matches:
    terms, keys = part.postings.places(hashes)
    common, columns = found_in(part.common_keys, hashes) if isinstance(part, Shard) else (_NOWHERE, _NOWHERE)
    return Matches(terms, keys, part.postings.starts[keys], part.postings.starts[keys + 1], common, columns)


class View:
    """`mask` says which rows are seen, `count` how many these are, `length` how many terms they have in all.

    Safe to use from several threads.
    """

    __slots__ = ("_frequencies", "count", "length", "mask", "part")

    def __init__(self, part: Part, mask: NDArray[np.bool_]) -> None:
        self.part = part
        self.mask = mask
        self.count = int(np.count_nonzero(mask))
        # A product with float64, because float32 cannot count to a hundred million.
        self.length = float(np.dot(mask, part.columns.lengths.astype(np.float64)))
        self._frequencies: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def frequencies(self, found: Matches, *, terms: int) -> NDArray[np.int64]:
        """How many of the rows have each term of a query that has so many."""
        counts = np.zeros(terms, np.int64)
        if self.count:
            if self._frequencies is None:
                self._frequencies = self._rare(), self._common()
            rare, common = self._frequencies
            counts[found.terms] = rare[found.keys]
            counts[found.common] = common[found.columns]
        return counts

    def _rare(self) -> NDArray[np.int64]:
        postings = self.part.postings
        if self.count == len(self.part) or not len(postings.keys):
            return np.diff(postings.starts)
        return np.add.reduceat(self.mask[postings.rows], postings.starts[:-1], dtype=np.int64)

    def _common(self) -> NDArray[np.int64]:
        if isinstance(self.part, Segment):
            return _NOWHERE
        return np.array([np.count_nonzero(column[self.mask]) for column in self.part.common], np.int64)


class SessionView(View):
    """A part with rows of one session: what is seen by others is counted once for all of them, and only the session's rows anew."""

    __slots__ = ("_own", "_shared")

    def __init__(self, part: Part, shared: View, mask: NDArray[np.bool_]) -> None:
        super().__init__(part, mask)
        self._shared = shared
        self._own = mask & ~shared.mask

    def frequencies(self, found: Matches, *, terms: int) -> NDArray[np.int64]:
        counts = self._shared.frequencies(found, terms=terms)
        if len(found.terms):
            rows = np.concatenate([self.part.postings.rows[start:end] for start, end in zip(found.starts, found.ends, strict=True)])
            lengths = found.ends - found.starts
            counts[found.terms] += np.add.reduceat(self._own[rows], np.cumsum(lengths) - lengths, dtype=np.int64)
        if isinstance(self.part, Shard):
            for term, column in zip(found.common.tolist(), found.columns.tolist(), strict=True):
                counts[term] += np.count_nonzero(self.part.common[column][self._own])
        return counts
