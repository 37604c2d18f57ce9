"""A cache in Redis, shared by all instances. The only file of this package that knows redis-py.

The invariant: no caller waits longer than `limit_seconds`, and no reply ever reaches a request that did not ask for it:
redis-py closes a connection whose command was cut off (held by `tests/cache`).
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from deskhand.cache.breaker import Breaker
from deskhand.cache.port import CacheStats
from deskhand.clock import Clock
from deskhand.errors import ConfigurationError

T = TypeVar("T")

LIMIT_SECONDS = 0.3

log = structlog.get_logger(__name__)


def connect(url: str, *, connections: int = 50) -> "Redis":
    """A client that never retries by itself: redis-py's own retries turn a limit of 0.5 s into 8.6 s.

    Raises:
        ConfigurationError: not a Redis URL. Never names the password.
    """
    try:
        # Blocking: whoever finds all connections busy waits for one, instead of being told that the server failed.
        pool = BlockingConnectionPool.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=LIMIT_SECONDS,
            socket_connect_timeout=LIMIT_SECONDS,
            max_connections=connections,
            timeout=LIMIT_SECONDS,
            decode_responses=False,
        )
    except ValueError as error:
        raise ConfigurationError(
            "The Redis URL cannot be read.", support="Use 'redis://[user:password@]host:6379/0', or 'rediss://…' for TLS."
        ) from error
    return Redis.from_pool(pool)


class RedisCache:
    def __init__(self, url: str, *, key_prefix: str, clock: Clock, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._redis = connect(url)
        self._prefix = key_prefix
        self._limit_seconds = limit_seconds
        self._breaker = Breaker(clock=clock)
        self._hits = 0
        self._misses = 0
        self._errors = 0

    async def get(self, key: str) -> bytes | None:
        found = await self._ask(self._redis.get(self._prefix + key), otherwise=None)
        if found is None:
            self._misses += 1
            return None
        self._hits += 1
        return cast("bytes", found)

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> bool:
        return bool(await self._ask(self._redis.set(self._prefix + key, value, px=max(1, round(ttl_seconds * 1000))), otherwise=False))

    async def delete(self, key: str) -> bool:
        return await self._ask(self._redis.delete(self._prefix + key), otherwise=None) is not None

    async def ping(self) -> bool:
        return bool(await self._ask(self._redis.ping(), otherwise=False))

    async def stats(self) -> CacheStats:
        return CacheStats(kind="redis", entries=None, hits=self._hits, misses=self._misses, errors=self._errors)

    async def close(self) -> None:
        await self._redis.aclose()

    async def _ask(self, command: Any, *, otherwise: T) -> Any | T:
        """The reply to `command`; `otherwise` when Redis is down, slow or refuses."""
        awaitable = cast("Awaitable[Any]", command)
        if not self._breaker.allows():
            self._errors += 1
            _dispose(awaitable)
            return otherwise
        try:
            async with asyncio.timeout(self._limit_seconds):
                reply = await awaitable
        except (RedisError, OSError, TimeoutError) as error:
            self._errors += 1
            self._breaker.failed()
            log.warning("cache_unavailable", cause=type(error).__name__)
            return otherwise
        self._breaker.succeeded()
        return reply


def _dispose(awaitable: Awaitable[Any]) -> None:
    if asyncio.iscoroutine(awaitable):
        awaitable.close()
