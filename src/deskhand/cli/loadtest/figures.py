"""What was measured, as figures: pure, and shared with `bench`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deskhand.cli.loadtest.plan import Transport

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_MEASURED = ("open", "late", "ack", "first", "end", *(f"{transport}_end" for transport in Transport))


def names() -> list[str]:
    """Every figure there may be."""
    times = [f"{name}_{share}_ms" for name in _MEASURED for share in (*_SHARES, "max")]
    return sorted([*Record().figures(), *times])


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lies, by linear interpolation. `values` is not empty."""
    ordered = sorted(values)
    spot = (len(ordered) - 1) * share
    below = int(spot)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (spot - below)


@dataclass(slots=True)
class Turn:
    """Seconds since the customer pressed Enter. None: it did not happen, or the transport does not tell."""

    transport: str
    acknowledged: float | None = None
    first: float | None = None
    ended: float | None = None


@dataclass(slots=True)
class Record:
    """All that happened. `errors` are kinds with how often they came, `faults` what must not be at all.

    `opened` is how long opening a session took, `late` how much later than meant a conversation began because this program was busy.
    """

    turns: list[Turn] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    begun: int = 0
    finished: int = 0
    said: int = 0
    answered: int = 0
    handed_over: int = 0
    reconnects: int = 0
    running: int = 0
    idle: int = 0
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """By name; times in milliseconds. A figure of which nothing was measured is left out."""
        found: dict[str, float] = {
            "conversations": self.begun,
            "messages": self.said,
            "answers": self.answered,
            "handed_over": self.handed_over,
            "turns_per_second": round(self.answered / self.seconds, 2) if self.seconds else 0.0,
            "reconnects": self.reconnects,
            "errors": self.errors.total(),
            "error_rate": round(self.errors.total() / self.said, 5) if self.said else 0.0,
            "unanswered": self.said - self.answered - self.handed_over,
            "faults": len(self.faults),
        }
        found |= _times("open", self.opened) | _times("late", self.late)
        found |= _times("ack", [turn.acknowledged for turn in self.turns if turn.acknowledged is not None])
        found |= _times("first", [turn.first for turn in self.turns if turn.first is not None])
        found |= _times("end", [turn.ended for turn in self.turns if turn.ended is not None])
        for transport in sorted({turn.transport for turn in self.turns}):
            ends = [turn.ended for turn in self.turns if turn.transport == transport and turn.ended is not None]
            found |= _times(f"{transport}_end", ends)
        return found

    def as_json(self) -> dict[str, Any]:
        return {"figures": self.figures(), "errors": dict(self.errors.most_common()), "faults": self.faults}


def _times(name: str, seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    found = {f"{name}_{share}_ms": round(percentile(seconds, part) * 1000, 1) for share, part in _SHARES.items()}
    return found | {f"{name}_max_ms": round(max(seconds) * 1000, 1)}
