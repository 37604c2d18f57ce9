"""What the figures mean. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2_000
_SEED = 20_061
_INTERVAL = (2.5, 97.5)
_BINS = 10


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


def f1(*, hits: int, false_alarms: int, misses: int) -> float:
    """The harmonic mean of precision and recall; 0 when nothing was hit."""
    return 2 * hits / (2 * hits + false_alarms + misses) if hits else 0.0


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The middle 95 % of the means of samples drawn again from `values` (Efron, 1979). The same values give the same interval."""
    found = np.asarray(values, np.float64)
    drawn = np.random.default_rng(_SEED).integers(0, len(found), (_RESAMPLES, len(found)))
    low, high = np.percentile(found[drawn].mean(axis=1), _INTERVAL)
    return float(low), float(high)


def answered_at(positive: Sequence[float], negative: Sequence[float], *, share: float) -> float:
    """Of the positive, how many score above the floor that lets at most `share` of the negative through."""
    allowed = int(len(negative) * share)
    floor = sorted(negative, reverse=True)[allowed] if allowed < len(negative) else -math.inf
    return sum(score > floor for score in positive) / len(positive)


@dataclass(frozen=True, slots=True)
class Bin:
    """Those whose confidence fell between two tenths: how sure they were on average, and how many of them were right."""

    confidence: float
    right: float
    count: int


def reliability(confidence: Sequence[float], right: Sequence[bool]) -> tuple[Bin, ...]:
    """Ten bins of equal width, those that hold nothing left out."""
    bins: list[list[int]] = [[] for _ in range(_BINS)]
    for at, sure in enumerate(confidence):
        bins[min(_BINS - 1, int(sure * _BINS))].append(at)
    return tuple(
        Bin(
            confidence=sum(confidence[at] for at in inside) / len(inside),
            right=sum(right[at] for at in inside) / len(inside),
            count=len(inside),
        )
        for inside in bins
        if inside
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error (Naeini et al., 2015): how far confidence and share of the right lie apart, on average. In [0, 1]."""
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.confidence - each.right) for each in bins) / total
