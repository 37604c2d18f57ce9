"""Who is present with any process: a sorted set for each group, of names by the moment at which they go, by the clock of Redis.

The invariant: a Redis that is down costs nobody more than its limit; each process then knows of its own, and of all again as they renew.
"""

from deskhand.clock import Clock
from deskhand.realtime.presence.in_memory import InMemoryPresence
from deskhand.redis_link.errors import RedisUnavailable
from deskhand.redis_link.redis import RedisLink, Script

_APPEAR = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last[2]))
return 1
""")
_LIST = Script("""
local time = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), '+inf')
""")


class RedisPresence:
    def __init__(self, link: RedisLink, *, clock: Clock, key_prefix: str = "deskhand:present:") -> None:
        """`link` is closed by whoever made it."""
        self._link = link
        self._prefix = key_prefix
        self._own = InMemoryPresence(clock=clock)

    async def appear(self, group: str, name: str, *, ttl_seconds: float) -> None:
        await self._own.appear(group, name, ttl_seconds=ttl_seconds)
        try:
            await self._link.run(_APPEAR, self._prefix + group, name, max(1, round(ttl_seconds * 1000)))
        except RedisUnavailable:
            return

    async def list_present(self, group: str) -> list[str]:
        own = await self._own.list_present(group)
        try:
            found: list[bytes] = await self._link.run(_LIST, self._prefix + group)
        except RedisUnavailable:
            return own
        return sorted({name.decode("utf-8", "replace") for name in found})
