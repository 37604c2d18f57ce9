"""When to stop asking a service that does not answer: after some failures in a row it is left alone for a while, then tried again."""

from deskhand.clock import Clock


class Breaker:
    """Opens after `failures` in a row, for `pause_seconds`. Then one caller may try; its success closes it, its failure opens it again."""

    __slots__ = ("_clock", "_failed", "_failures", "_open_until", "_pause_seconds")

    def __init__(self, *, clock: Clock, failures: int = 5, pause_seconds: float = 5.0) -> None:
        self._clock = clock
        self._failures = failures
        self._pause_seconds = pause_seconds
        self._failed = 0
        self._open_until = 0.0

    def allows(self) -> bool:
        """Whether the service may be asked now."""
        if self._failed < self._failures:
            return True
        now = self._clock.monotonic()
        if now < self._open_until:
            return False
        # The others stay away while this caller tries.
        self._open_until = now + self._pause_seconds
        return True

    def succeeded(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        if self._failed >= self._failures:
            self._open_until = self._clock.monotonic() + self._pause_seconds
