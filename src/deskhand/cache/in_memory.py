"""A cache in this process: bounded, and what was not read for longest goes first."""

from collections import OrderedDict

from deskhand.cache.port import CacheStats
from deskhand.clock import Clock


class InMemoryCache:
    def __init__(self, *, clock: Clock, most_entries: int = 10_000) -> None:
        self._clock = clock
        self._most_entries = most_entries
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._hits = 0
        self._misses = 0

    async def get(self, key: str) -> bytes | None:
        found = self._entries.get(key)
        if found is None or found[1] <= self._clock.monotonic():
            self._entries.pop(key, None)
            self._misses += 1
            return None
        self._entries.move_to_end(key)
        self._hits += 1
        return found[0]

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> bool:
        self._entries[key] = (value, self._clock.monotonic() + ttl_seconds)
        self._entries.move_to_end(key)
        if len(self._entries) > self._most_entries:
            self._entries.popitem(last=False)
        return True

    async def delete(self, key: str) -> bool:
        self._entries.pop(key, None)
        return True

    async def ping(self) -> bool:
        return True

    async def stats(self) -> CacheStats:
        return CacheStats(kind="in_memory", entries=len(self._entries), hits=self._hits, misses=self._misses, errors=0)

    async def close(self) -> None:
        self._entries.clear()
