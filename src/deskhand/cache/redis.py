"""A cache in Redis, shared by all instances, sealed if a sealer is given, else with a checksum.

The invariant: a Redis that is down, slow or full, and a value that is not as we put it there, are misses.
"""

from typing import cast

from deskhand.cache.port import CacheStats
from deskhand.redis_link.errors import RedisUnavailable
from deskhand.redis_link.redis import RedisLink
from deskhand.redis_link.way import Argument
from deskhand.sealing import Checksum, SealBroken, Sealer


class RedisCache:
    def __init__(self, link: RedisLink, *, key_prefix: str, sealer: Sealer | None = None) -> None:
        """`link` is closed by whoever made it."""
        self._link = link
        self._prefix = key_prefix
        self._seal = sealer or Checksum()
        self._hits = 0
        self._misses = 0
        self._errors = 0

    async def get(self, key: str) -> bytes | None:
        name = self._prefix + key
        found = await self._ask("GET", name)
        value = self._opened(found, place=name) if isinstance(found, bytes) else None
        if value is None:
            self._misses += 1
        else:
            self._hits += 1
        return value

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> bool:
        name = self._prefix + key
        kept = self._seal.seal(value, place=name)
        return bool(await self._ask("SET", name, kept, "PX", max(1, round(ttl_seconds * 1000))))

    async def delete(self, key: str) -> bool:
        return await self._ask("DEL", self._prefix + key) is not None

    async def ping(self) -> bool:
        return await self._link.ping()

    async def stats(self) -> CacheStats:
        return CacheStats(kind="redis", entries=None, hits=self._hits, misses=self._misses, errors=self._errors)

    async def close(self) -> None:
        """Nothing is held that others do not use as well."""

    async def _ask(self, *command: Argument) -> object:
        """The reply; None when Redis is down, slow or refuses."""
        try:
            return cast("object", await self._link.ask(*command))
        except RedisUnavailable:
            self._errors += 1
            return None

    def _opened(self, kept: bytes, *, place: str) -> bytes | None:
        try:
            return self._seal.open(kept, place=place)
        except SealBroken:
            return None
