"""How relevant a passage is, as one number between 0 and 1 that means the same for every query. Pure.

A fused score says which passage is the best, not whether it is any good: the best BM25 of a query is 1 by definition. So relevance is
told from what stands for itself: the cosine, and how much of the query, by the rarity of its terms, the passage has.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

from deskhand.knowledge.ranking import Hit

# Weights by logistic regression of "this passage is from a document that answers" on the five best passages of each question, every set
# weighing the same: rag_mtragun_cloud, intents_hint3, xquad in German and Chinese. That was before headings and telling words counted,
# which raised the scores; the bias was then lowered by hand, until .833 of what rag_mtragun_cloud does not answer is declined, as before.
# The score of what is quoted tells its questions with an answer from those without with an AUROC of .921.
_BIAS = -5.35
_COSINE = 7.8
_COVERAGE = 3.6
# What the fused score counts beside these when passages are put in order.
_FUSED = 4.0
# What coverage counts in a language whose vectors say nothing.
_COVERAGE_ALONE = 10.5


def relevance(hit: Hit, *, familiarity: float) -> float:
    """In (0, 1): the estimated chance that the passage belongs to an answer."""
    return 1 / (1 + math.exp(-_evidence(hit, familiarity=familiarity)))


def best_first(hits: Sequence[Hit], *, familiarity: float) -> list[Hit]:
    """Hits by both kinds of evidence: how good they are among each other, and how good by themselves.

    The first alone lets a chance word of a short question win; the second alone is no match for BM25 on long ones.
    """
    return sorted(hits, key=lambda hit: (-(_evidence(hit, familiarity=familiarity) + _FUSED * hit.fused), hit.chunk_id))


def descending(scores: Sequence[float]) -> list[float]:
    """Scores that never rise with the rank: none counts more than one above it."""
    return list(accumulate(scores, min))


def _evidence(hit: Hit, *, familiarity: float) -> float:
    known = _COSINE * hit.cosine + _COVERAGE * hit.coverage
    unknown = _COVERAGE_ALONE * hit.coverage
    return _BIAS + familiarity * known + (1 - familiarity) * unknown
