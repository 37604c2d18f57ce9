"""The counters of the rate limit in Redis, so that all instances count together.

The invariant: a Redis that is down or slow costs no request more than its limit and refuses none: this process then counts alone.
"""

from deskhand.api.rate_limit import MemoryCounters
from deskhand.clock import Clock
from deskhand.redis_link.errors import RedisUnavailable
from deskhand.redis_link.redis import RedisLink, Script

_PREFIX = "deskhand:limit:"

# The window begins with the first; a counter without an end, which nobody but another program can leave, gets one.
_COUNT = Script("""
local count = redis.call('INCR', KEYS[1])
if count == 1 or redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
""")


class SharedCounters:
    def __init__(self, link: RedisLink, *, clock: Clock) -> None:
        """`link` is closed by whoever made it."""
        self._link = link
        self._clock = clock
        self._own = MemoryCounters(clock=clock)

    async def incr(self, key: str, expiry: int) -> int:
        try:
            return int(await self._link.run(_COUNT, _PREFIX + key, expiry * 1000))
        except RedisUnavailable:
            return await self._own.incr(key, expiry)

    async def get_expiry(self, key: str) -> float:
        try:
            left = int(await self._link.ask("PTTL", _PREFIX + key))
        except RedisUnavailable:
            return await self._own.get_expiry(key)
        return self._clock.now() + max(0, left) / 1000

    async def close(self) -> None:
        await self._own.close()
