"""What the figures mean. Pure."""

import math
from collections.abc import Sequence


def ndcg(ranked: Sequence[str], relevant: frozenset[str], *, at: int) -> float:
    """Järvelin and Kekäläinen, 2002, with gains of 0 and 1: in [0, 1]."""
    gain = sum(1 / math.log2(place + 2) for place, key in enumerate(ranked[:at]) if key in relevant)
    best = sum(1 / math.log2(place + 2) for place in range(min(at, len(relevant))))
    return gain / best


def recall(ranked: Sequence[str], relevant: frozenset[str], *, at: int) -> float:
    """The share of the relevant ones that are among the first `at`."""
    return len(relevant.intersection(ranked[:at])) / len(relevant)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The chance that a positive one scores above a negative one; ties count half."""
    above = sum((one > other) + 0.5 * (one == other) for one in positive for other in negative)
    return above / (len(positive) * len(negative))
