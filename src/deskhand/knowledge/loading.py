"""What a start has to take in before the first search, and how far that is."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class LoadingStep(StrEnum):
    """In the order in which they come."""

    MODEL = "model"
    SAMPLES = "samples"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class Loading:
    """`done` of `total` count documents of the samples, or chunks of the index; both are 0 while that is not known."""

    step: LoadingStep
    done: int = 0
    total: int = 0


TellLoading = Callable[[Loading], None]
