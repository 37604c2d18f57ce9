"""What a large index is tidied by, a step at a time, beside the searches: loose segments become shards, dead rows leave them. Pure.

Invariant: a step never touches the index it began with. What died while it ran is dead in what it made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.index import EXACT_ROWS, Index
from deskhand.knowledge.segment import Segment
from deskhand.knowledge.shard import MOST_ROWS, Shard
from deskhand.knowledge.views import Part

# Segments beside shards are compared exactly, which so many chunks may cost.
LOOSE_ROWS = 16_384

Living = tuple[Part, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Step:
    """Parts of an index, with what was alive of them, that become one shard."""

    pairs: Sequence[Living]

    def made(self) -> Shard:
        """The shard. Takes seconds."""
        pairs = [(part if isinstance(part, Shard) else Shard.of(part), alive) for part, alive in self.pairs]
        only, alive = pairs[0]
        return only if len(pairs) == 1 and alive.all() else Shard.joined(pairs)

    def applied(self, index: Index, made: Shard) -> Index | None:
        """The index with `made` in place of the parts; `None` if one of them is no longer in it."""
        now = {id(part): alive for part, alive in index.living()}
        if any(id(part) not in now for part, _ in self.pairs):
            return None
        # Rows that were kept, in the order in which they were joined, and whether they are alive still.
        alive = np.concatenate([now[id(part)][then] for part, then in self.pairs])
        replaced = {id(part) for part, _ in self.pairs}
        others: list[Living] = [(part, living) for part, living in index.living() if id(part) not in replaced]
        return index.with_parts([*others, (made, alive)], version=index.version)


def next_step(index: Index) -> Step | None:
    """What is to be done next; `None` if the index is tidy, or small enough to be compared exactly."""
    if index.is_exact:
        return None
    living = list(index.living())
    shards = [(part, alive) for part, alive in living if isinstance(part, Shard)]
    loose = [(part, alive) for part, alive in living if isinstance(part, Segment)]
    if sum(_count(pair) for pair in loose) > (LOOSE_ROWS if shards else EXACT_ROWS):
        return Step(_fitting(sorted(loose, key=_count, reverse=True), sorted(shards, key=_count)))
    dirty = [pair for pair in shards if not pair[1].all()]
    if dirty:
        return Step(_fitting(dirty[:1], sorted((pair for pair in shards if pair[0] is not dirty[0][0]), key=_count)))
    smallest = sorted(shards, key=_count)[:2]
    return Step(smallest) if len(smallest) == 2 and sum(map(_count, smallest)) <= MOST_ROWS else None


def _fitting(first: Sequence[Living], more: Sequence[Living]) -> list[Living]:
    """The first of all, and what else fits with it into one shard."""
    chosen, rows = [first[0]], _count(first[0])
    for pair in [*first[1:], *more]:
        if rows + _count(pair) <= MOST_ROWS:
            chosen.append(pair)
            rows += _count(pair)
    return chosen


def _count(pair: Living) -> int:
    return int(np.count_nonzero(pair[1]))
