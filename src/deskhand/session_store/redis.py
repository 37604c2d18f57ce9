"""Contexts in Redis, shared by all instances: one string a session, as `stored.py` writes it.

The invariants: no caller waits longer than the link's limit for one request; a write that compares never overwrites what it has not seen;
every entry has an end. All commands are on one key, which a cluster needs.
"""

from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import structlog

from deskhand.clock import Clock, SystemClock
from deskhand.errors import ConfigurationError
from deskhand.redis_link.errors import RedisRefused, RedisUnavailable
from deskhand.redis_link.redis import LIMIT_SECONDS, RedisLink, Script
from deskhand.redis_link.way import Argument
from deskhand.sealing import SealBroken, Sealer
from deskhand.session_store.context import AgentContext, check_counter, counted
from deskhand.session_store.port import MAX_BYTES, Change, ContextTooLarge, SessionStoreStats, SessionStoreUnavailable
from deskhand.session_store.stored import StoredForm, new_stamp

log = structlog.get_logger(__name__)

_TRIES: Final = 8
_MOST_RECENT: Final = 512
_RECENT_BYTES: Final = 32_768
_KEY_CHECK: Final = "!keys"
_KEY_CHECK_VALUE: Final = b"deskhand"

# Writes only if the stamp is still the one that was read; '' stands for "nothing was there". Otherwise returns what is there.
# A life of 0 keeps what is left of it.
SWAP = Script("""
if redis.call('GETRANGE', KEYS[1], ARGV[1], ARGV[2]) ~= ARGV[3] then return redis.call('GET', KEYS[1]) end
if ARGV[5] == '0' then redis.call('SET', KEYS[1], ARGV[4], 'KEEPTTL') else redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5]) end
return 1
""")
# Counts in the text of a plain value. The stamp changes as well, so that an update that read the older value begins again.
INCREMENT = Script("""
local value = redis.call('GET', KEYS[1])
if not value then return false end
local counters, rest = string.match(value, '^{"version":2,"stamp":"%x+","context":{"counters":(%b{})(.*)$')
if not counters then return redis.error_reply('WRONGTYPE not a context') end
local from, to, count = string.find(counters, '"' .. ARGV[1] .. '":(%-?%d+)')
count = string.format('%.0f', (tonumber(count) or 0) + tonumber(ARGV[2]))
local entry = '"' .. ARGV[1] .. '":' .. count
if from then counters = string.sub(counters, 1, from - 1) .. entry .. string.sub(counters, to + 1)
elseif counters == '{}' then counters = '{' .. entry .. '}'
else counters = '{' .. entry .. ',' .. string.sub(counters, 2) end
local head = '{"version":2,"stamp":"' .. ARGV[3] .. '","context":{"counters":'
redis.call('SET', KEYS[1], head .. counters .. rest, 'KEEPTTL')
return count
""")


class RedisSessionStore:
    def __init__(
        self,
        redis_url: str | RedisLink,
        *,
        key_prefix: str = "deskhand:session:",
        default_ttl: float = 86_400,
        sealer: Sealer | None = None,
        max_bytes: int = MAX_BYTES,
        clock: Clock | None = None,
        ca_file: Path | None = None,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        """`redis_url` may be a link that others use too and whoever made it closes. Connects with the first request.

        Raises:
            ConfigurationError: not a Redis URL.
        """
        self.default_ttl = default_ttl
        self._owns_link = isinstance(redis_url, str)
        self._link = (
            RedisLink(redis_url, clock=clock or SystemClock(), ca_file=ca_file, limit_seconds=limit_seconds)
            if isinstance(redis_url, str)
            else redis_url
        )
        self._prefix = key_prefix
        self._form = StoredForm(sealer)
        self._max_bytes = max_bytes
        # What was read or written last, by session, so that the update at the end of a turn need not read first. Never trusted: an update
        # that begins with an older value is told the newer one.
        self._recent: OrderedDict[str, tuple[bytes, AgentContext]] = OrderedDict()
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
        value = self._written(session_id, context)
        await self._ask("SET", self._key(session_id), value, "PX", life)
        self._remember(session_id, value, context)

    async def update(self, session_id: str, change: Change, *, renew: bool = False) -> AgentContext | None:
        recent = self._recent.get(session_id)
        present, stamp = (recent[1], recent[0]) if recent is not None else await self._read(session_id)
        for _ in range(_TRIES):
            changed = change(present)
            if changed is None and recent is not None:
                # It was decided on what may be old by now.
                recent = None
                present, stamp = await self._read(session_id)
                continue
            if changed is None:
                return present
            life = 0 if present is not None and not renew else _milliseconds(self.default_ttl)
            value = self._written(session_id, changed)
            found = await self._swap(session_id, stamp=stamp, value=value, life=life)
            if found == 1:
                self._remember(session_id, value, changed)
                return changed
            recent = None
            present, stamp = await self._parse(session_id, found)
        raise SessionStoreUnavailable(f"The context of session {session_id} is being written by too many at once.")

    async def increment(self, session_id: str, counter: str, by: int = 1) -> int | None:
        check_counter(counter)
        if self._form.sealer is not None:
            # Redis cannot count in what it cannot read.
            changed = await self.update(session_id, lambda context: context and counted(context, counter, by))
            return None if changed is None else changed.counters[counter]
        self._recent.pop(session_id, None)
        value = await self._run(INCREMENT, self._key(session_id), counter, by, new_stamp())
        return None if value is None else int(value)

    async def delete(self, session_id: str) -> bool:
        self._recent.pop(session_id, None)
        return bool(await self._ask("DEL", self._key(session_id)))

    async def exists(self, session_id: str) -> bool:
        return bool(await self._ask("EXISTS", self._key(session_id)))

    async def list_sessions(self, *, limit: int = 1000) -> list[str]:
        found: dict[str, None] = {}
        try:
            async for key in self._link.keys(self._prefix):
                name = key.removeprefix(self._prefix)
                if name != _KEY_CHECK:
                    found[name] = None
                if len(found) >= limit:
                    break
        except RedisUnavailable as error:
            raise self._unavailable() from error
        return list(found)

    async def count(self) -> int:
        return len(await self.list_sessions(limit=10_000_000))

    async def ping(self) -> bool:
        return await self._link.ping()

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
        self._recent.clear()
        if self._owns_link:
            await self._link.close()

    async def check_keys(self) -> None:
        """Make sure that what is stored can be read with the keys given here, and leave a mark for the next start.

        Raises:
            ConfigurationError: it was sealed under a key that is not among them.
            SessionStoreUnavailable: Redis could not be asked.
        """
        place = self._key(_KEY_CHECK)
        sealer = self._form.sealer
        mark = await self._ask("GET", place)
        if mark is None and sealer is None:
            return
        if mark is not None:
            self._check_mark(mark, sealer, place)
        if sealer is not None and (mark is None or not sealer.is_newest(mark)):
            await self._ask("SET", place, sealer.seal(_KEY_CHECK_VALUE, place=place))

    async def may_be_evicted(self) -> bool:
        """Whether a full Redis throws away sessions that are still live. False where it does not say."""
        try:
            reply = await self._link.ask("CONFIG", "GET", "maxmemory-policy")
        except RedisUnavailable:
            return False
        return isinstance(reply, list) and len(reply) == 2 and reply[1].startswith(b"allkeys-")

    def _check_mark(self, mark: object, sealer: Sealer | None, place: str) -> None:
        remedy = f"Add the key that was used before to DESKHAND_REDIS_ENCRYPTION_KEYS, or give it up by deleting '{place}' in Redis."
        if sealer is None:
            raise ConfigurationError("The sessions in Redis are encrypted, and no key is set.", support=remedy)
        try:
            sealer.open(mark if isinstance(mark, bytes) else b"", place=place)
        except SealBroken as error:
            raise ConfigurationError("The sessions in Redis were encrypted with a key that is not set.", support=remedy) from error

    async def _read(self, session_id: str) -> tuple[AgentContext | None, bytes]:
        """The stored context and its stamp; (None, b"") when there is none."""
        return await self._parse(session_id, await self._ask("GET", self._key(session_id)))

    async def _parse(self, session_id: str, value: Any) -> tuple[AgentContext | None, bytes]:
        """As `_read`, of a value that is at hand. What is not a context is deleted and counted."""
        if value is None:
            self._recent.pop(session_id, None)
            return None, b""
        context = None
        if isinstance(value, bytes) and len(value) <= self._max_bytes:
            context = self._form.read(value, place=self._key(session_id), session_id=session_id)
        if context is None:
            self._discarded += 1
            log.warning("session_context_discarded", session_id=session_id)
            await self.delete(session_id)
            return None, b""
        self._remember(session_id, value, context)
        return context, self._form.stamp_of(value)

    async def _swap(self, session_id: str, *, stamp: bytes, value: bytes, life: int) -> Any:
        """1 if it was written, else what is there now."""
        at = self._form.stamp_at
        return await self._run(SWAP, self._key(session_id), at.start, at.stop - 1, stamp, value, life)

    def _written(self, session_id: str, context: AgentContext) -> bytes:
        value = self._form.write(context, place=self._key(session_id))
        if len(value) > self._max_bytes:
            raise ContextTooLarge
        return value

    def _remember(self, session_id: str, value: bytes, context: AgentContext) -> None:
        if len(value) > _RECENT_BYTES:
            self._recent.pop(session_id, None)
            return
        self._recent[session_id] = (self._form.stamp_of(value), context)
        self._recent.move_to_end(session_id)
        if len(self._recent) > _MOST_RECENT:
            self._recent.popitem(last=False)

    async def _ask(self, *command: Argument) -> Any:
        """The reply; what the key holds of another kind is deleted, and counts as nothing.

        Raises:
            SessionStoreUnavailable: Redis is down, slow or refuses.
        """
        try:
            return await self._link.ask(*command)
        except RedisRefused as error:
            if not error.wrong_kind:
                raise self._unavailable() from error
        except RedisUnavailable as error:
            raise self._unavailable() from error
        await self._discard(str(command[1]))
        return None

    async def _run(self, script: Script, key: str, *arguments: Argument) -> Any:
        """The result of a script, as `_ask`."""
        try:
            return await self._link.run(script, key, *arguments)
        except RedisRefused as error:
            if not error.wrong_kind:
                raise self._unavailable() from error
        except RedisUnavailable as error:
            raise self._unavailable() from error
        await self._discard(key)
        return None

    async def _discard(self, key: str) -> None:
        self._discarded += 1
        log.warning("session_context_discarded", key=key)
        await self._ask("DEL", key)

    def _unavailable(self) -> SessionStoreUnavailable:
        self._errors += 1
        return SessionStoreUnavailable()

    def _key(self, session_id: str) -> str:
        return self._prefix + session_id


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
