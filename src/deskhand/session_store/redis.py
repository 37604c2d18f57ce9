"""Contexts in Redis, shared by all instances. The only file of this package that knows redis-py.

An entry is a hash: `context` (the JSON of `context.py`), `stamp` (drawn anew at every write, what an update compares) and one field for
each counter. The invariant: no caller waits longer than the limit for one request, and no retry is made on its behalf.
"""

import asyncio
import secrets
from collections.abc import Awaitable
from typing import Any, cast

import msgspec
import structlog
from redis.exceptions import RedisError, ResponseError

from deskhand.cache.breaker import Breaker
from deskhand.cache.redis import LIMIT_SECONDS, connect
from deskhand.clock import Clock, SystemClock
from deskhand.session_store.context import AgentContext, decode_context, encode_context
from deskhand.session_store.port import Change, SessionStoreStats, SessionStoreUnavailable

log = structlog.get_logger(__name__)

_COUNTER = "counter:"
_TRIES = 8
_SCAN_COUNT = 500

_SET = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'stamp', ARGV[1], 'context', ARGV[2], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
# Writes only if nobody wrote since the stamp was read; '' stands for "nothing was there". A life of 0 keeps what is left of it.
_SWAP = """
local stamp = redis.call('HGET', KEYS[1], 'stamp') or ''
if stamp ~= ARGV[1] then return 0 end
local life = tonumber(ARGV[4])
if life == 0 then life = redis.call('PTTL', KEYS[1]) end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'stamp', ARGV[2], 'context', ARGV[3], unpack(ARGV, 5))
if life > 0 then redis.call('PEXPIRE', KEYS[1], life) end
return 1
"""
# A new stamp, so that an update that read the older value begins again.
_INCREMENT = """
if redis.call('HEXISTS', KEYS[1], 'context') == 0 then return false end
redis.call('HSET', KEYS[1], 'stamp', ARGV[3])
return redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
"""
_FOREIGN = object()


class RedisSessionStore:
    def __init__(
        self,
        redis_url: str,
        *,
        key_prefix: str = "deskhand:session:",
        default_ttl: float = 86_400,
        clock: Clock | None = None,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        """Raises ConfigurationError: not a Redis URL. Connects with the first request."""
        self.default_ttl = default_ttl
        self._redis = connect(redis_url)
        self._prefix = key_prefix
        self._limit_seconds = limit_seconds
        self._breaker = Breaker(clock=clock or SystemClock())
        self._hits = 0
        self._misses = 0
        self._discarded = 0
        self._errors = 0

    async def get(self, session_id: str) -> AgentContext | None:
        context, _ = await self._read(session_id)
        if context is None:
            self._misses += 1
        else:
            self._hits += 1
        return context

    async def set(self, session_id: str, context: AgentContext, *, ttl_seconds: float | None = None) -> None:
        life = _milliseconds(self.default_ttl if ttl_seconds is None else ttl_seconds)
        payload, counters = _encoded(context)
        await self._ask(self._redis.eval(_SET, 1, self._key(session_id), _new_stamp(), payload, life, *counters))

    async def update(self, session_id: str, change: Change, *, renew: bool = False) -> AgentContext | None:
        for _ in range(_TRIES):
            present, stamp = await self._read(session_id)
            changed = change(present)
            if changed is None:
                return present
            life = 0 if present is not None and not renew else _milliseconds(self.default_ttl)
            payload, counters = _encoded(changed)
            if await self._ask(self._redis.eval(_SWAP, 1, self._key(session_id), stamp, _new_stamp(), payload, life, *counters)):
                return changed
        raise SessionStoreUnavailable(f"The context of session {session_id} is being written by too many at once.")

    async def increment(self, session_id: str, counter: str, by: int = 1) -> int | None:
        value = await self._ask(self._redis.eval(_INCREMENT, 1, self._key(session_id), _COUNTER + counter, str(by), _new_stamp()))
        return None if value is None or value is _FOREIGN else int(value)

    async def delete(self, session_id: str) -> bool:
        return bool(await self._ask(self._redis.delete(self._key(session_id))))

    async def exists(self, session_id: str) -> bool:
        return bool(await self._ask(self._redis.exists(self._key(session_id))))

    async def list_sessions(self, *, limit: int = 1000) -> list[str]:
        found: dict[str, None] = {}
        cursor = 0
        while True:
            cursor, keys = await self._ask(self._redis.scan(cursor, match=f"{_escaped(self._prefix)}*", count=_SCAN_COUNT))
            for key in keys:
                found[key.decode("utf-8", "replace").removeprefix(self._prefix)] = None
            if cursor == 0 or len(found) >= limit:
                return list(found)[:limit]

    async def count(self) -> int:
        return len(await self.list_sessions(limit=10_000_000))

    async def ping(self) -> bool:
        try:
            return bool(await self._ask(self._redis.ping()))
        except SessionStoreUnavailable:
            return False

    async def get_stats(self) -> SessionStoreStats:
        return SessionStoreStats(
            kind="redis",
            hits=self._hits,
            misses=self._misses,
            evictions=0,
            discarded=self._discarded,
            errors=self._errors,
            live=None,
            size_bytes=None,
        )

    async def close(self) -> None:
        await self._redis.aclose()

    async def _read(self, session_id: str) -> tuple[AgentContext | None, bytes]:
        """The stored context and its stamp; (None, b"") when there is none. What is not a context is deleted and counted."""
        reply = await self._ask(self._redis.hgetall(self._key(session_id)))
        fields: dict[bytes, bytes] = {} if reply is _FOREIGN else reply
        if not fields and reply is not _FOREIGN:
            return None, b""
        context = decode_context(fields.get(b"context", b""), session_id)
        counters = _read_counters(fields)
        if context is None or counters is None or b"stamp" not in fields:
            self._discarded += 1
            log.warning("session_context_discarded", session_id=session_id)
            await self.delete(session_id)
            return None, b""
        return msgspec.structs.replace(context, counters=counters), fields[b"stamp"]

    async def _ask(self, command: Any) -> Any:
        """The reply to `command`; `_FOREIGN` when the key holds something of another type, which is not ours.

        Raises:
            SessionStoreUnavailable: Redis is down, slow or refuses.
        """
        awaitable = cast("Awaitable[Any]", command)
        if not self._breaker.allows():
            self._errors += 1
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
            raise SessionStoreUnavailable
        try:
            async with asyncio.timeout(self._limit_seconds):
                reply = await awaitable
        except (RedisError, OSError, TimeoutError) as error:
            if isinstance(error, ResponseError) and "WRONGTYPE" in str(error):
                return _FOREIGN
            self._errors += 1
            self._breaker.failed()
            raise SessionStoreUnavailable from error
        self._breaker.succeeded()
        return reply

    def _key(self, session_id: str) -> str:
        return self._prefix + session_id


def _read_counters(fields: dict[bytes, bytes]) -> dict[str, int] | None:
    """The counters among the fields; None when one of them is no number."""
    counters: dict[str, int] = {}
    for name, value in fields.items():
        if name in (b"context", b"stamp"):
            continue
        if not name.startswith(_COUNTER.encode()) or not value.lstrip(b"-").isdigit() or len(value) > 20:
            return None
        counters[name.decode("utf-8", "replace").removeprefix(_COUNTER)] = int(value)
    return counters


def _encoded(context: AgentContext) -> tuple[bytes, list[str]]:
    """The context without its counters, and its counters as fields and values."""
    counters = [part for name, value in context.counters.items() for part in (_COUNTER + name, str(value))]
    return encode_context(msgspec.structs.replace(context, counters={})), counters


def _new_stamp() -> str:
    return secrets.token_hex(8)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _escaped(prefix: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]\\^-" else character for character in prefix)
