"""In which order passages are shown: by how good they are among each other, and by how relevant each is by itself. Pure.

A fused score says which passage is the best, not whether it is any good: the best BM25 of a query is 1 by definition. So relevance is
told from what stands for itself: the cosine, and how much of the query, by the rarity of its terms, the passage has. Whether what comes
first answers the question is for `answering` to say.
"""

from collections.abc import Sequence

from deskhand.knowledge.ranking import Hit

# Weights by logistic regression of "this passage is from a document that answers" on the five best passages of each question, every set
# weighing the same: rag_mtragun_cloud, intents_hint3, xquad in German and Chinese.
_COSINE = 7.8
_COVERAGE = 3.6
# What the fused score counts beside these when passages are put in order.
_FUSED = 4.0
# What coverage counts in a language whose vectors say nothing.
_COVERAGE_ALONE = 10.5


def best_first(hits: Sequence[Hit], *, familiarity: float) -> list[Hit]:
    """Hits by both kinds of evidence: how good they are among each other, and how good by themselves.

    The first alone lets a chance word of a short question win; the second alone is no match for BM25 on long ones.
    """
    return sorted(hits, key=lambda hit: (-(_evidence(hit, familiarity=familiarity) + _FUSED * hit.fused), hit.chunk_id))


def _evidence(hit: Hit, *, familiarity: float) -> float:
    known = _COSINE * hit.cosine + _COVERAGE * hit.coverage
    unknown = _COVERAGE_ALONE * hit.coverage
    return familiarity * known + (1 - familiarity) * unknown
