"""What one asker sees of a part of the index: which rows, and how many of them have each term.

Invariant: what is hidden from an asker counts for nothing in what they see: neither in frequencies nor in lengths.
"""

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.columns import found_in
from deskhand.knowledge.segment import Segment
from deskhand.knowledge.shard import Shard

Part = Segment | Shard


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

    def frequencies(self, hashes: Hashes) -> NDArray[np.int64]:
        """How many of the rows have each of `hashes`, in their order."""
        counts = np.zeros(len(hashes), np.int64)
        if not self.count:
            return counts
        rare, common = self._counted()
        known, places = self.part.postings.places(hashes)
        counts[known] = rare[places]
        if isinstance(self.part, Shard):
            known, places = found_in(self.part.common_keys, hashes)
            counts[known] = common[places]
        return counts

    def _counted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self._frequencies is None:
            self._frequencies = self._rare(), self._common()
        return self._frequencies

    def _rare(self) -> NDArray[np.int64]:
        postings = self.part.postings
        if self.count == len(self.part) or not len(postings.keys):
            return np.diff(postings.starts)
        return np.add.reduceat(self.mask[postings.rows], postings.starts[:-1], dtype=np.int64)

    def _common(self) -> NDArray[np.int64]:
        if isinstance(self.part, Segment):
            return np.zeros(0, np.int64)
        return np.array([np.count_nonzero(column[self.mask]) for column in self.part.common], np.int64)


class SessionView(View):
    """A part with rows of one session: what is seen by others is counted once for all of them, and only the session's rows anew."""

    __slots__ = ("_own", "_shared")

    def __init__(self, part: Part, shared: View, mask: NDArray[np.bool_]) -> None:
        super().__init__(part, mask)
        self._shared = shared
        self._own = mask & ~shared.mask

    def frequencies(self, hashes: Hashes) -> NDArray[np.int64]:
        counts = self._shared.frequencies(hashes)
        postings = self.part.postings
        known, places = postings.places(hashes)
        if len(known):
            starts, ends = postings.starts[places], postings.starts[places + 1]
            rows = np.concatenate([postings.rows[start:end] for start, end in zip(starts, ends, strict=True)])
            counts[known] += np.add.reduceat(self._own[rows], np.cumsum(ends - starts) - (ends - starts), dtype=np.int64)
        if isinstance(self.part, Shard):
            known, places = found_in(self.part.common_keys, hashes)
            for term, place in zip(known.tolist(), places.tolist(), strict=True):
                counts[term] += np.count_nonzero(self.part.common[place][self._own])
        return counts
