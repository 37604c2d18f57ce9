"""The way to Redis that the cache, the session store, the rate limit and the hub share: one pool, one limit, one breaker a server.

The invariant: nobody waits longer than the limit, and nothing is tried again on a caller's behalf. What to do without Redis is
for the caller to know.
"""

from deskhand.redis_link.address import RedisAddress, RedisKind
from deskhand.redis_link.links import RedisLinks

__all__ = ["RedisAddress", "RedisKind", "RedisLinks"]
