"""In which order the candidates answer a query: dense and keyword evidence, weighed. Pure: candidates in, their order and scores out.

`score = s · cosine + (1 − s) · BM25 / best BM25 of the query`, s falling with the model's knowledge of the query's language. The best of
these then say once more what is sought: the others are drawn towards them by their vectors. Ranks are never fused: a rank forgets how
good the evidence was (on the sets of `evals/`, equal-weight reciprocal ranks were often worse than the better of the two).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Counts, Hashes
from deskhand.knowledge.candidates import Candidates, Query

# How often a term counts that a long question repeats: it is said five times because it matters, and twenty because somebody rambles.
_MOST_REPEATED = 5.0


# How many of the best say what is sought, and how much less one says that is worse: by a factor of e for a tenth of the score.
_TRUSTED = 4
_SHARPNESS = 10.0


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much, beside the cosine for a query in a language that the model knows well, whose weight is `dense`.

    `words` is what the best BM25 counts, `feedback` the cosine with what was found first, `earlier` what each turn back is worth.
    By `evals/`, every kind of set left out once: the optimum is flat, and none of them moved it.
    """

    dense: float = 1.0
    words: float = 0.3
    feedback: float = 0.5
    earlier: float = 0.4


@dataclass(frozen=True, slots=True)
class Hit:
    """`cosine` in [0, 1]; `coverage` the share of the query's terms, by their rarity, that the chunk has, in [0, 1].

    `place` is its place among the candidates.
    """

    chunk_id: int
    fused: float
    cosine: float
    coverage: float
    place: int


@dataclass(frozen=True, slots=True)
class Nearest:
    """What a search found, best first, and how well the model knows the language of the question, from 0 to 1."""

    hits: Sequence[Hit]
    familiarity: float


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
    # Squared, because a language of which the model knows half the words is not half understood.
    dense = weights.dense * query.familiarity**2
    return dense / (dense + weights.words)


def rank(found: Candidates, *, share: float, limit: int) -> list[Hit]:
    """At most `limit` of the candidates, best first. One with no evidence for it at all is left out."""
    if not len(found):
        return []
    fused = share * found.cosines + (1 - share) * (found.words / found.best_words if found.best_words > 0 else 0.0)
    # Sorting only what can be among them takes a tenth of the time of sorting twenty thousand.
    near = np.flatnonzero(fused >= np.partition(fused, -limit)[-limit]) if len(fused) > limit else np.arange(len(fused))
    # The id breaks ties, so that the same question has the same answer whatever order the rows came in.
    best = near[np.lexsort((found.chunk_ids[near], -fused[near]))[:limit]]
    best = best[fused[best] > 0]
    columns = (found.chunk_ids[best], fused[best], found.cosines[best], found.coverage[best], best)
    return [Hit(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def nearest(found: Candidates, query: Query, *, share: float, weights: Weights, limit: int) -> Nearest:
    """The `limit` best of what was found for a query, in the order of `reconsidered`."""
    first = rank(found, share=share, limit=limit)
    vectors = found.vectors(np.array([hit.place for hit in first], np.intp))
    return Nearest(reconsidered(first, vectors, share=share, weights=weights), query.familiarity)


def reconsidered(hits: Sequence[Hit], vectors: NDArray[np.float32], *, share: float, weights: Weights) -> list[Hit]:
    """`hits`, best first, in the order that also counts how near each is to the best of them: what answers a question is of one kind.

    `vectors` is [len(hits), 384], of unit length. After Rocchio, 1971, with no word of the customer's.
    """
    if not hits or share == 0:
        return list(hits)
    fused = np.array([hit.fused for hit in hits])
    trusted = np.exp(_SHARPNESS * (fused[:_TRUSTED] - fused[0])) @ vectors[:_TRUSTED]
    near = np.clip(np.einsum("ij,j->i", vectors, trusted / (np.linalg.norm(trusted) or 1.0)), 0.0, 1.0)
    scores = (fused + share * weights.feedback * near).tolist()
    drawn = [Hit(hit.chunk_id, score, hit.cosine, hit.coverage, hit.place) for hit, score in zip(hits, scores, strict=True)]
    return sorted(drawn, key=lambda hit: (-hit.fused, hit.chunk_id))
