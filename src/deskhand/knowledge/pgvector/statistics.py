"""How many chunks there are of each tier, how long they are, and how many have a term: what BM25 and the reading of a question need.

Invariant: a `Statistics` is a value; an update makes a new one. What is attached to a session is in none of the counts, so nobody's
question is understood by another's files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.documents import Tier

_STAMP = sa.text("SELECT stamp FROM knowledge_search_state")
_TALLY = sa.text("SELECT tier, chunks, words FROM knowledge_tally")
_TERMS = sa.text("SELECT tier, term, chunks FROM knowledge_term WHERE stamp > :stamp")


@dataclass(frozen=True, slots=True)
class _TermCounts:
    """`hashes` ascending, with a count each."""

    hashes: Hashes = field(default_factory=lambda: np.zeros(0, np.uint32))
    chunks: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))

    def of(self, hashes: Hashes) -> NDArray[np.int64]:
        if not len(self.hashes):
            return np.zeros(len(hashes), np.int64)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[places] == hashes, self.chunks[places], 0).astype(np.int64)

    def changed(self, hashes: Hashes, chunks: NDArray[np.int32]) -> "_TermCounts":
        kept = ~np.isin(self.hashes, hashes)
        there = chunks > 0
        together = np.concatenate([self.hashes[kept], hashes[there]])
        order = np.argsort(together)
        return _TermCounts(together[order], np.concatenate([self.chunks[kept], chunks[there]])[order])


@dataclass(frozen=True, slots=True)
class Statistics:
    """As of `stamp`, for each tier: `chunks`, `words` in all of them, and `terms`."""

    stamp: int = 0
    chunks: Mapping[Tier, int] = field(default_factory=dict)
    words: Mapping[Tier, int] = field(default_factory=dict)
    terms: Mapping[Tier, _TermCounts] = field(default_factory=dict)

    def chunk_count(self, audience: Audience) -> int:
        return sum(self.chunks.get(tier, 0) for tier in audience.tiers)

    def average_length(self, audience: Audience) -> float:
        """Terms in a chunk, on average; at least 1."""
        return max(sum(self.words.get(tier, 0) for tier in audience.tiers) / max(self.chunk_count(audience), 1), 1.0)

    def frequencies(self, audience: Audience, hashes: Hashes) -> NDArray[np.int64]:
        """How many chunks have each of `hashes`, in their order."""
        total = np.zeros(len(hashes), np.int64)
        for tier in audience.tiers & self.terms.keys():
            total += self.terms[tier].of(hashes)
        return total


def read_statistics(connection: sa.Connection, known: Statistics) -> Statistics:
    """`known`, brought up to what is in the database now."""
    # Read first: what is committed meanwhile is then read twice, not missed.
    stamp = int(connection.execute(_STAMP).scalar_one())
    if stamp == known.stamp:
        return known
    tally = connection.execute(_TALLY).all()
    found: dict[Tier, tuple[list[int], list[int]]] = {}
    for tier, term, chunks in connection.execute(_TERMS, {"stamp": known.stamp}):
        terms, counts = found.setdefault(Tier(tier), ([], []))
        terms.append(term)
        counts.append(chunks)
    changed = {
        tier: known.terms.get(tier, _TermCounts()).changed(np.array(terms, np.int32).view(np.uint32), np.array(counts, np.int32))
        for tier, (terms, counts) in found.items()
    }
    return Statistics(
        stamp,
        chunks={Tier(row.tier): int(row.chunks) for row in tally},
        words={Tier(row.tier): int(row.words) for row in tally},
        terms={**known.terms, **changed},
    )
