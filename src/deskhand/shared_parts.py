"""What instances share, picked by the settings alone: on Redis where its URL is set, else in this process. A part of the composition root.

The invariant: all parts on one Redis use one link to it, so that one of them failing there spares the others the wait.
"""

import structlog
from pydantic import SecretStr

from deskhand.api.rate_limit import Counters, MemoryCounters
from deskhand.cache import CacheService, InMemoryCache
from deskhand.clock import Clock
from deskhand.realtime import Bus, InMemoryPresence, Presence
from deskhand.redis_link import RedisAddress, RedisLinks
from deskhand.sealing import Sealer
from deskhand.session_store import InMemorySessionStore, SessionStore, SessionStoreUnavailable
from deskhand.settings import Settings
from deskhand.telemetry import redactor

log = structlog.get_logger(__name__)

_CACHE_PREFIX = "deskhand:cache:"


class SharedParts:
    """redis-py takes 0.1 s to import, and most installations do without: what needs it is imported where it is picked."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._links = RedisLinks(clock=clock, ca_file=settings.redis_ca_file)
        keys = settings.redis_encryption_keys
        self._sealer = Sealer.parse(keys.get_secret_value()) if keys is not None else None
        self._url = _find_set(settings.redis_url, settings.cache_redis_url)
        self._cache_url = _find_set(settings.cache_redis_url, settings.redis_url)
        self._session_url = _find_set(settings.session_redis_url, settings.redis_url)
        for address in filter(None, (self._url, self._cache_url, self._session_url)):
            # Those of Sentinels stand where nobody looks for a password.
            redactor.learn(RedisAddress.parse(address).secrets)

    def create_cache(self) -> CacheService:
        if self._cache_url is None:
            return InMemoryCache(clock=self._clock)
        from deskhand.cache.redis import RedisCache  # noqa: PLC0415

        return RedisCache(self._links.get(self._cache_url), key_prefix=_CACHE_PREFIX, sealer=self._sealer)

    def find_shared_cache(self, cache: CacheService) -> CacheService | None:
        """The cache, if other processes share it. Alone, a process remembers what it needs where it needs it."""
        return cache if self._cache_url is not None else None

    async def open_session_store(self) -> SessionStore:
        """Raises ConfigurationError: what is stored was encrypted under a key that is not set."""
        settings = self._settings
        if self._session_url is None:
            most = settings.session_store_max_sessions
            return InMemorySessionStore(default_ttl=settings.session_ttl_seconds, max_sessions=most, clock=self._clock)
        from deskhand.session_store.redis import RedisSessionStore  # noqa: PLC0415

        store = RedisSessionStore(
            self._links.get(self._session_url),
            key_prefix=settings.session_key_prefix,
            default_ttl=settings.session_ttl_seconds,
            sealer=self._sealer,
        )
        try:
            await store.check_keys()
        except SessionStoreUnavailable as error:
            # What cannot be read later is thrown away and rebuilt from the transcript.
            log.warning("session_keys_not_checked", code=error.code)
        if await store.may_be_evicted():
            log.warning("redis_evicts_sessions", remedy="Set its maxmemory-policy to noeviction or volatile-ttl.")
        return store

    def create_counters(self) -> Counters:
        """Of the rate limit."""
        if self._cache_url is None:
            return MemoryCounters(clock=self._clock)
        from deskhand.api.redis import SharedCounters  # noqa: PLC0415

        return SharedCounters(self._links.get(self._cache_url), clock=self._clock)

    def create_bus(self) -> Bus | None:
        """To the other processes; None where there is no Redis to reach them."""
        if self._url is None:
            return None
        from deskhand.realtime.bus.redis import RedisBus  # noqa: PLC0415

        return RedisBus(self._links.get(self._url), sealer=self._sealer)

    def create_presence(self) -> Presence:
        if self._url is None:
            return InMemoryPresence(clock=self._clock)
        from deskhand.realtime.presence.redis import RedisPresence  # noqa: PLC0415

        return RedisPresence(self._links.get(self._url), clock=self._clock)

    async def close(self) -> None:
        await self._links.close()


def _find_set(*addresses: SecretStr | None) -> str | None:
    """The first of these that is set."""
    return next((address.get_secret_value() for address in addresses if address), None)
