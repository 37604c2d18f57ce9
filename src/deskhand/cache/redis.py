"""A cache in Redis, shared by all instances, sealed if a sealer is given.

The invariant: a Redis that is down, slow or full, and a value that was not put there by us, are misses.
"""

from typing import cast

from deskhand.cache.port import CacheStats
from deskhand.redis_link.errors import RedisUnavailable
from deskhand.redis_link.redis import RedisLink
from deskhand.redis_link.way import Argument
from deskhand.sealing import SealBroken, Sealer


class RedisCache:
    def __init__(self, link: RedisLink, *, key_prefix: str, sealer: Sealer | None = None) -> None:
        """`link` is closed by whoever made it."""
        self._link = link
        self._prefix = key_prefix
        self._sealer = sealer
        self._hits = 0
        self._misses = 0
        self._errors = 0

    async def get(self, key: str) -> bytes | None:
        name = self._prefix + key
        found = await self._ask("GET", name)
        if isinstance(found, bytes) and self._sealer is not None:
            found = _opened(self._sealer, found, place=name)
        if not isinstance(found, bytes):
            self._misses += 1
            return None
        self._hits += 1
        return found

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> bool:
        name = self._prefix + key
        if self._sealer is not None:
            value = self._sealer.seal(value, place=name)
        return bool(await self._ask("SET", name, value, "PX", max(1, round(ttl_seconds * 1000))))

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


def _opened(sealer: Sealer, value: bytes, *, place: str) -> bytes | None:
    try:
        return sealer.open(value, place=place)
    except SealBroken:
        return None
