"""Contexts in this process: the default. Bounded in number and in time; the one unused for longest goes first.

The invariant: nothing in here awaits, so every method is atomic on the event loop.
"""

from collections import OrderedDict
from dataclasses import dataclass

from deskhand.clock import Clock, SystemClock
from deskhand.session_store.context import AgentContext, check_counter, counted, size_of
from deskhand.session_store.port import MAX_BYTES, Change, ContextTooLarge, SessionStoreStats


@dataclass(frozen=True, slots=True)
class _Entry:
    context: AgentContext
    expires_at: float
    size_bytes: int


class InMemorySessionStore:
    def __init__(
        self, *, max_sessions: int = 10_000, default_ttl: float = 86_400, max_bytes: int = MAX_BYTES, clock: Clock | None = None
    ) -> None:
        self.default_ttl = default_ttl
        self._max_sessions = max_sessions
        self._max_bytes = max_bytes
        self._clock = clock or SystemClock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size_bytes = 0
        self._hits = 0
        self._misses = 0
        self._evictions = 0

    async def get(self, session_id: str) -> AgentContext | None:
        entry = self._find(session_id)
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        self._entries.move_to_end(session_id)
        return entry.context

    async def set(self, session_id: str, context: AgentContext, *, ttl_seconds: float | None = None) -> None:
        ttl = self.default_ttl if ttl_seconds is None else ttl_seconds
        self._put(session_id, context, expires_at=self._clock.monotonic() + ttl)

    async def update(self, session_id: str, change: Change, *, renew: bool = False) -> AgentContext | None:
        entry = self._find(session_id)
        changed = change(entry.context if entry else None)
        if changed is None:
            return entry.context if entry else None
        keep = entry is not None and not renew
        expires_at = entry.expires_at if entry and keep else self._clock.monotonic() + self.default_ttl
        self._put(session_id, changed, expires_at=expires_at)
        return changed

    async def increment(self, session_id: str, counter: str, by: int = 1) -> int | None:
        check_counter(counter)
        entry = self._find(session_id)
        if entry is None:
            return None
        changed = counted(entry.context, counter, by)
        self._put(session_id, changed, expires_at=entry.expires_at)
        return changed.counters[counter]

    async def delete(self, session_id: str) -> bool:
        found = self._find(session_id) is not None
        self._remove(session_id)
        return found

    async def exists(self, session_id: str) -> bool:
        return self._find(session_id) is not None

    async def list_sessions(self, *, limit: int = 1000) -> list[str]:
        self._drop_expired()
        return [session_id for session_id, _ in zip(self._entries, range(limit), strict=False)]

    async def count(self) -> int:
        self._drop_expired()
        return len(self._entries)

    async def ping(self) -> bool:
        return True

    async def get_stats(self) -> SessionStoreStats:
        self._drop_expired()
        return SessionStoreStats(
            kind="in_memory",
            hits=self._hits,
            misses=self._misses,
            evictions=self._evictions,
            discarded=0,
            errors=0,
            live=len(self._entries),
            size_bytes=self._size_bytes,
        )

    async def close(self) -> None:
        self._entries.clear()
        self._size_bytes = 0

    def _find(self, session_id: str) -> _Entry | None:
        entry = self._entries.get(session_id)
        if entry is not None and entry.expires_at <= self._clock.monotonic():
            self._remove(session_id)
            return None
        return entry

    def _put(self, session_id: str, context: AgentContext, *, expires_at: float) -> None:
        size_bytes = size_of(context)
        if size_bytes > self._max_bytes:
            raise ContextTooLarge
        self._remove(session_id)
        self._entries[session_id] = _Entry(context, expires_at, size_bytes)
        self._size_bytes += size_bytes
        if len(self._entries) > self._max_sessions:
            self._drop_expired()
        while len(self._entries) > self._max_sessions:
            self._remove(next(iter(self._entries)))
            self._evictions += 1

    def _remove(self, session_id: str) -> None:
        entry = self._entries.pop(session_id, None)
        if entry is not None:
            self._size_bytes -= entry.size_bytes

    def _drop_expired(self) -> None:
        now = self._clock.monotonic()
        for session_id in [session_id for session_id, entry in self._entries.items() if entry.expires_at <= now]:
            self._remove(session_id)
