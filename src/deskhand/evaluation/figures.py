"""What a measurement gives: figures with names, and curves. Plain values that say how they are read.

The invariant: a figure's name never changes its meaning; `--fail-under` and a company's CI hold on to it.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from deskhand.evaluation.measures import Bin


class Subject(StrEnum):
    RETRIEVAL = "retrieval"
    ABSTENTION = "abstention"
    INTENTS = "intents"
    GATE = "gate"
    INJECTION = "injection"
    PERSON = "person"


TITLES = {
    Subject.RETRIEVAL: "Finding the right documents",
    Subject.ABSTENTION: "Answering, or knowing that one cannot",
    Subject.INTENTS: "Telling intents apart, and what is out of scope",
    Subject.GATE: "Stopping what no evidence supports",
    Subject.INJECTION: "Noticing instructions hidden in texts",
    Subject.PERSON: "Hearing who wants a person",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A share in [0, 1]. `low` and `high` bound the 95 % interval; `baseline` is what plain BM25 reaches on the same questions."""

    name: str
    title: str
    value: float
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """One subject measured on one set. `counted` says of what, such as "131 questions"."""

    subject: Subject
    set: str
    counted: str
    figures: tuple[Figure, ...]
    reliability: tuple[Bin, ...] = ()
    seconds: float = 0.0
    families: tuple[tuple[str, int, int], ...] = field(default=())
    """By family of prompts: its name, how many there are, how many were flagged."""

    def named(self) -> dict[str, float]:
        """Each figure by the name that `--fail-under` takes: `<set>.<name>`."""
        return {f"{self.set}.{figure.name}": figure.value for figure in self.figures}
