"""Time, as a value that is handed in. Leases and ages use the database's clock (`persistence.db_now`), never this one."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, also while the process is stopped."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def to_iso(epoch_seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds, as every response shows times."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
