"""Which chunks answer a query: dense and keyword evidence, weighed. Pure: candidates in, their order and scores out.

`score = w · cosine + (1 − w) · BM25 / best BM25 of the query`, w falling with the model's knowledge of the query's language. Ranks are
never fused: a rank forgets how good the evidence was (on the sets of `evals/`, equal-weight reciprocal ranks were often worse than
the better of the two).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Counts, Hashes
from deskhand.knowledge.candidates import Candidates, Query

# How often a term counts that a long question repeats: it is said five times because it matters, and twenty because somebody rambles.
_MOST_REPEATED = 5.0


@dataclass(frozen=True, slots=True)
class Weights:
    """`dense` is the weight of the cosine for a query in a language the model knows well; `earlier` what each turn back is worth."""

    dense: float = 0.5
    earlier: float = 0.5


@dataclass(frozen=True, slots=True)
class Hit:
    """`cosine` in [0, 1]; `coverage` the share of the query's terms, by their rarity, that the chunk has, in [0, 1]."""

    chunk_id: int
    fused: float
    cosine: float
    coverage: float


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


def dense_share(query: Query, weights: Weights) -> float:
    """What the cosine counts for this query; BM25 counts the rest of 1."""
    return weights.dense * query.familiarity


def rank(found: Candidates, *, share: float, limit: int) -> list[Hit]:
    """At most `limit` of the candidates, best first. One with no evidence for it at all is left out."""
    if not len(found):
        return []
    fused = share * found.cosines + (1 - share) * (found.words / found.best_words if found.best_words > 0 else 0.0)
    # The id breaks ties, so that the same question has the same answer whatever order the rows came in.
    best = np.lexsort((found.chunk_ids, -fused))[:limit]
    return [
        Hit(int(found.chunk_ids[place]), float(fused[place]), float(found.cosines[place]), float(found.coverage[place]))
        for place in best
        if fused[place] > 0
    ]
