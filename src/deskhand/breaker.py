"""The breaker: something outside that failed several calls in a row is left alone for a while, and callers hear it at once.

The invariant: while it is open no call goes out; when its time is over one call goes out to see, and the others wait for what came of it.
"""

from collections.abc import Callable


class BreakerOpen(Exception):
    """No call is let through now. `failures` is how many failed in a row; `seconds_left` may be negative while another call tries."""

    def __init__(self, *, failures: int, seconds_left: float) -> None:
        super().__init__(f"{failures} calls failed in a row")
        self.failures = failures
        self.seconds_left = seconds_left


class Breaker:
    """Opens for `open_seconds` after `failures` failed calls in a row. A call is a whole call with its retries, not a request: otherwise a
    blip that the next try heals, seen by many callers at once, would silence them all."""

    __slots__ = ("_failed", "_failures", "_monotonic", "_open_seconds", "_opened_at", "_trial")

    def __init__(self, *, monotonic: Callable[[], float], failures: int = 5, open_seconds: float = 30.0) -> None:
        self._monotonic = monotonic
        self._failures = failures
        self._open_seconds = open_seconds
        self._failed = 0
        self._opened_at: float | None = None
        self._trial = False

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    def admit(self) -> bool:
        """Let a call through, and say whether it is the one that goes out to see. Every call let through is followed by one `record`.

        Raises:
            BreakerOpen: the service is left alone.
        """
        if self._opened_at is None:
            return False
        left = self._opened_at + self._open_seconds - self._monotonic()
        if left <= 0 and not self._trial:
            self._trial = True
            return True
        raise BreakerOpen(failures=self._failed, seconds_left=left)

    def record(self, *, trial: bool, healthy: bool | None) -> None:
        """Say how a call ended: whether the service did its part; None when that cannot be known, as after a cancellation.

        `trial` is what `admit` said of the call.
        """
        if trial:
            self._trial = False
        if healthy is None:
            return
        if healthy:
            self._failed = 0
            self._opened_at = None
            return
        self._failed += 1
        if trial or (self._opened_at is None and self._failed >= self._failures):
            self._opened_at = self._monotonic()
