"""How many requests one caller may make in a period: fixed windows, counted by the `limits` library in memory or in Redis.

The invariant: a bucket belongs to something the caller cannot make up. A token has a bucket of its own only after it was found to be
a session's; before that, and for everybody else, the client's address counts. The number of buckets in memory is bounded.
"""

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItemPerSecond
from limits.aio.storage import Storage

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


class RateLimiter:
    def __init__(self, storage: Storage, *, requests: int, period_seconds: int, clock: Clock) -> None:
        self._storage = storage
        self._item = RateLimitItemPerSecond(requests, period_seconds)
        self._clock = clock
        self._known_tokens: OrderedDict[str, None] = OrderedDict()
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

    async def hit(self, *, token: str | None, address: str) -> Verdict | None:
        """Count one request of this caller; None for one who is not limited."""
        if token in self._exempt:
            return None
        key = self._item.key_for(token if token is not None and token in self._known_tokens else _bucket(address))
        count = await self._storage.incr(key, self._item.get_expiry())
        if count <= self._item.amount:
            return Verdict(limit=self._item.amount, remaining=self._item.amount - count)
        wait = await self._storage.get_expiry(key) - self._clock.now()
        return Verdict(limit=self._item.amount, remaining=0, retry_after_seconds=float(max(1, math.ceil(wait))))


class BoundedMemoryStorage(Storage):
    """Counters of this process. The library's own storage starts a task at every request that looks at every counter; this one looks at
    the oldest alone, and drops it when there are too many."""

    STORAGE_SCHEME = None

    def __init__(self, *, clock: Clock, most: int = _MOST_BUCKETS) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._counters: OrderedDict[str, list[float]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self._clock.now()
        counter = self._counters.get(key)
        if counter is None or counter[1] <= now:
            self._counters[key] = [amount, now + expiry]
            self._counters.move_to_end(key)
            self._drop_oldest(now)
            return amount
        counter[0] += amount
        return int(counter[0])

    async def get(self, key: str) -> int:
        counter = self._counters.get(key)
        return 0 if counter is None or counter[1] <= self._clock.now() else int(counter[0])

    async def get_expiry(self, key: str) -> float:
        counter = self._counters.get(key)
        return self._clock.now() if counter is None else counter[1]

    async def check(self) -> bool:
        return True

    async def reset(self) -> int | None:
        count = len(self._counters)
        self._counters.clear()
        return count

    async def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def _drop_oldest(self, now: float) -> None:
        # In the order in which their windows began, so the first has run out before any other.
        while self._counters:
            key, counter = next(iter(self._counters.items()))
            if counter[1] > now and len(self._counters) <= self._most:
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
