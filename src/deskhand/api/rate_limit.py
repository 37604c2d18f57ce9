"""How many requests one caller may make in a period: fixed windows, counted in memory, or in Redis (`redis.py`).

The invariant: a bucket belongs to something the caller cannot make up. A token has a bucket of its own only after it was found to be
a session's; before that, and for everybody else, the client's address counts. The number of buckets in memory is bounded.
"""

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

from deskhand.clock import Clock

_MOST_BUCKETS = 50_000
_MOST_TOKENS = 50_000
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """`remaining` requests are left in this window; `retry_after_seconds` is set when the request is refused."""

    limit: int
    remaining: int
    retry_after_seconds: float | None = None


class Counters(Protocol):
    """What a fixed window needs: in memory here, in Redis in `redis.py`."""

    async def incr(self, key: str, expiry: int) -> int:
        """Count one; the window of `expiry` seconds begins with the first."""
        ...

    async def get_expiry(self, key: str) -> float:
        """When the window ends, in epoch seconds."""
        ...

    async def close(self) -> None: ...


class RateLimiter:
    def __init__(self, counters: Counters, *, requests: int, period_seconds: int, clock: Clock) -> None:
        self._counters = counters
        self._requests = requests
        self._period_seconds = period_seconds
        self._clock = clock
        self._known_tokens: OrderedDict[str, None] = OrderedDict()
        self._staff_tokens: OrderedDict[str, None] = OrderedDict()
        self._exempt: set[str] = set()

    def exempt(self, token: str) -> None:
        """Never limit whoever shows this token."""
        self._exempt.add(token)

    def recognise(self, token: str) -> None:
        """Say that `token` is a live session's: from here on it has a bucket of its own."""
        self._known_tokens[token] = None
        self._known_tokens.move_to_end(token)
        if len(self._known_tokens) > _MOST_TOKENS:
            self._known_tokens.popitem(last=False)

    def recognise_staff(self, token: str) -> None:
        """Say that `token` is of somebody who works here: not limited until it is found not to be any more."""
        self._staff_tokens[token] = None
        self._staff_tokens.move_to_end(token)
        if len(self._staff_tokens) > _MOST_TOKENS:
            self._staff_tokens.popitem(last=False)

    def forget(self, token: str) -> None:
        """Say that `token` is nobody's."""
        self._staff_tokens.pop(token, None)

    async def close(self) -> None:
        await self._counters.close()

    async def hit(self, *, token: str | None, address: str) -> Verdict | None:
        """Count one request of this caller; None for one who is not limited."""
        if token in self._exempt or token in self._staff_tokens:
            return None
        key = token if token is not None and token in self._known_tokens else _bucket(address)
        count = await self._counters.incr(key, self._period_seconds)
        if count <= self._requests:
            return Verdict(limit=self._requests, remaining=self._requests - count)
        wait = await self._counters.get_expiry(key) - self._clock.now()
        return Verdict(limit=self._requests, remaining=0, retry_after_seconds=float(max(1, math.ceil(wait))))


class MemoryCounters:
    """Counters of this process. The oldest alone is looked at, and dropped when there are too many."""

    def __init__(self, *, clock: Clock, most: int = _MOST_BUCKETS) -> None:
        self._clock = clock
        self._most = most
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counters)

    async def incr(self, key: str, expiry: int) -> int:
        now = self._clock.now()
        count, ends = self._counters.get(key, (0, 0.0))
        if ends <= now:
            self._counters[key] = (1, now + expiry)
            self._counters.move_to_end(key)
            self._drop_oldest(now)
            return 1
        self._counters[key] = (count + 1, ends)
        return count + 1

    async def get_expiry(self, key: str) -> float:
        return self._counters.get(key, (0, self._clock.now()))[1]

    async def close(self) -> None:
        self._counters.clear()

    def _drop_oldest(self, now: float) -> None:
        # In the order in which their windows began, so the first has run out before any other.
        while self._counters:
            key, (_, ends) = next(iter(self._counters.items()))
            if ends > now and len(self._counters) <= self._most:
                return
            del self._counters[key]


def _bucket(address: str) -> str:
    """IPv6 clients are given a whole network to choose addresses from, so the network is what counts."""
    if ":" not in address:
        return address
    try:
        network: Any = ipaddress.ip_network((address, _IPV6_PREFIX), strict=False)
    except ValueError:
        return address
    return str(network)
