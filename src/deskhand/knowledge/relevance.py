"""How relevant a passage is, as one number between 0 and 1 that means the same for every query. Pure.

A fused score says which passage is the best, not whether it is any good: the best BM25 of a query is 1 by definition. So relevance is
told from what stands for itself: the cosine, and how much of the query, by the rarity of its terms, the passage has.
"""

import math
from collections.abc import Sequence

from deskhand.knowledge.ranking import Hit

# Logistic regression on the judged pairs of `evals/` (`python -m evals.calibration`).
_BIAS = -4.3
_COSINE = 5.6
_COVERAGE = 3.3


def relevance(hit: Hit, *, familiarity: float) -> float:
    """In (0, 1). The less the model knows the language, the more coverage stands in for the cosine."""
    cosine = familiarity * hit.cosine + (1 - familiarity) * hit.coverage
    return 1 / (1 + math.exp(-(_BIAS + _COSINE * cosine + _COVERAGE * hit.coverage)))


def descending(scores: Sequence[float]) -> list[float]:
    """Scores that never rise with the rank: each counts at least as much as any below it."""
    lowest = 0.0
    result: list[float] = []
    for score in reversed(scores):
        lowest = max(lowest, score)
        result.append(lowest)
    return result[::-1]
