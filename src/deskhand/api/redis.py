"""The counters of the rate limit in Redis, so that all instances count together. The only file of `api` that knows redis-py.

The invariant: a Redis that is down or slow costs no request more than its limit and refuses none: this process then counts alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from limits.aio.storage import RedisStorage
from redis.exceptions import RedisError

from deskhand.api.rate_limit import MemoryCounters
from deskhand.cache import Breaker
from deskhand.cache.redis import LIMIT_SECONDS, connect
from deskhand.clock import Clock

T = TypeVar("T")

_PREFIX = "deskhand:limit"

log = structlog.get_logger(__name__)


class SharedCounters:
    def __init__(self, url: str, *, clock: Clock) -> None:
        """Raises ConfigurationError: not a Redis URL. Connects with the first request."""
        self._client = connect(url)
        self._shared = RedisStorage(
            url,
            implementation="redispy",
            key_prefix=_PREFIX,
            connection_pool=self._client.connection_pool,  # type: ignore[arg-type]  # handed on to redis-py as it is
        )
        self._own = MemoryCounters(clock=clock)
        self._breaker = Breaker(clock=clock)

    async def incr(self, key: str, expiry: int) -> int:
        return await self._ask(lambda: self._shared.incr(key, expiry), lambda: self._own.incr(key, expiry))

    async def get_expiry(self, key: str) -> float:
        return await self._ask(lambda: self._shared.get_expiry(key), lambda: self._own.get_expiry(key))

    async def close(self) -> None:
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    async def _ask(self, shared: Callable[[], Awaitable[T]], own: Callable[[], Awaitable[T]]) -> T:
        if self._breaker.allows():
            try:
                async with asyncio.timeout(LIMIT_SECONDS):
                    answer = await shared()
            except (RedisError, OSError, TimeoutError) as error:
                self._breaker.failed()
                log.warning("rate_limit_counts_alone", cause=type(error).__name__)
            else:
                self._breaker.succeeded()
                return answer
        return await own()
