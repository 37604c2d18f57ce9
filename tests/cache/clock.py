"""A clock that stands still until it is told to go on."""

from dataclasses import dataclass


@dataclass
class HeldClock:
    seconds: float = 1_000_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
