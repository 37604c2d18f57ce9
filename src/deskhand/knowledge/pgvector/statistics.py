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
# One statement, so that the changes are those up to the stamp. Whoever is behind `summed` cannot tell what is in the sum, and begins anew.
_CHANGES = sa.text(
    """SELECT now.stamp, now.summed > :known AS is_anew, term.tier, term.chunks, term.words, term.terms, term.counts
    FROM knowledge_search_state AS now LEFT JOIN knowledge_term AS term ON now.summed > :known OR term.stamp > :known"""
)


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

    def plus(self, hashes: Hashes, counts: NDArray[np.int32]) -> "_TermCounts":
        """With `counts` added, one for each of `hashes`, which may repeat themselves."""
        changed, places = np.unique(hashes, return_inverse=True)
        more = np.bincount(places, counts, minlength=len(changed)).astype(np.int32)
        at = np.searchsorted(self.hashes, changed)
        is_known = at < len(self.hashes)
        is_known[is_known] = self.hashes[at[is_known]] == changed[is_known]
        chunks = self.chunks.copy()
        chunks[at[is_known]] += more[is_known]
        new = ~is_known
        return _TermCounts(np.insert(self.hashes, at[new], changed[new]), np.insert(chunks, at[new], more[new]))


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
    if int(connection.execute(_STAMP).scalar_one()) == known.stamp:
        return known
    rows = connection.execute(_CHANGES, {"known": known.stamp}).all()
    before = Statistics() if rows[0].is_anew else known
    chunks, words, terms = dict(before.chunks), dict(before.words), dict(before.terms)
    for tier in {Tier(row.tier) for row in rows if row.tier is not None}:
        of_tier = [row for row in rows if row.tier == tier]
        chunks[tier] = chunks.get(tier, 0) + sum(row.chunks for row in of_tier)
        words[tier] = words.get(tier, 0) + sum(row.words for row in of_tier)
        hashes = np.concatenate([np.array(row.terms, np.int32) for row in of_tier]).view(np.uint32)
        terms[tier] = terms.get(tier, _TermCounts()).plus(hashes, np.concatenate([np.array(row.counts, np.int32) for row in of_tier]))
    return Statistics(int(rows[0].stamp), chunks, words, terms)
