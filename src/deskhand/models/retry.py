"""When a call to a model is tried again. Pure: what happened in, seconds out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_LONGEST_WAIT_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `tries` requests a call. The wait doubles from `first_wait_seconds`, up to 8 s, and is shortened by up to half at random."""

    tries: int = 3
    first_wait_seconds: float = 0.5

    def find_wait(self, *, tries: int, asked_seconds: float | None, seconds_left: float, chance: float) -> float | None:
        """Seconds to wait before the next try, after `tries` that failed; None when there is to be none.

        `asked_seconds` is what the server asked for (Retry-After): it is obeyed, or, when the time left does not allow it, the call is
        given up at once. `chance` is in [0, 1).
        """
        if tries >= self.tries:
            return None
        wait = min(self.first_wait_seconds * 2 ** (tries - 1), _LONGEST_WAIT_SECONDS) * (1 - chance / 2)
        if asked_seconds is not None:
            wait = max(wait, asked_seconds)
        return wait if wait < seconds_left else None


def find_retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds that the server asks to wait, from `Retry-After-Ms` or `Retry-After` (seconds or a date); None if it does not say, or badly.

    `now` is in seconds since the epoch. `headers` has its names in lower case, or does not mind.
    """
    milliseconds = _find_number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _find_number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(date.timestamp() - now, 0.0)


def _find_number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
