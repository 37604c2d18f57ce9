"""The cache in a real Valkey: the contract, a server that is away, values that are not ours, and encryption."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator

import pytest

from cache.contract import CacheContract
from deskhand.cache.redis import RedisCache
from deskhand.clock import SystemClock
from deskhand.errors import ConfigurationError
from deskhand.redis_link.redis import RedisLink
from deskhand.sealing import Sealer


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[RedisCache]:
    link = RedisLink(redis_url, clock=SystemClock(), limit_seconds=2.0)
    yield RedisCache(link, key_prefix="test:")
    await link.close()


class TestRedisCache(CacheContract):
    async def let_time_pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def test_a_server_that_is_away_is_a_miss_and_no_error(free_port: int) -> None:
    link = RedisLink(f"redis://127.0.0.1:{free_port}/0", clock=SystemClock())
    cache = RedisCache(link, key_prefix="test:")
    assert await cache.get("a") is None
    assert not await cache.set("a", b"value", ttl_seconds=1)
    assert not await cache.delete("a")
    assert not await cache.ping()
    assert (await cache.stats()).errors == 3
    await link.close()


def test_an_address_that_is_none_is_refused_without_naming_its_password() -> None:
    with pytest.raises(ConfigurationError) as raised:
        RedisLink("http://user:hunter2secret@host", clock=SystemClock())
    assert "hunter2secret" not in raised.value.message + raised.value.remedy


async def test_what_was_altered_or_stands_elsewhere_is_a_miss(cache: RedisCache, redis_url: str) -> None:
    link = RedisLink(redis_url, clock=SystemClock())
    await cache.set("a", b"the third document", ttl_seconds=60)
    stored = await link.ask("GET", "test:a")
    for at in range(len(stored)):
        await link.ask("SET", "test:a", stored[:at] + bytes([stored[at] ^ 0x02]) + stored[at + 1 :])
        assert await cache.get("a") is None
    await link.ask("SET", "test:b", stored)
    assert await cache.get("b") is None
    await link.ask("SET", "test:a", stored)
    assert await cache.get("a") == b"the third document"
    await link.close()


async def test_what_is_sealed_is_read_with_its_key_alone_and_only_where_it_was_put(redis_url: str) -> None:
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    link = RedisLink(redis_url, clock=SystemClock())
    await RedisCache(link, key_prefix="test:", sealer=Sealer([old])).set("a", b"the canary sings", ttl_seconds=60)
    stored = await link.ask("GET", "test:a")
    assert b"canary" not in stored
    assert await RedisCache(link, key_prefix="test:", sealer=Sealer([new, old])).get("a") == b"the canary sings"
    for keys in ([new], []):
        other = RedisCache(link, key_prefix="test:", sealer=Sealer(keys) if keys else None)
        assert await other.get("a") is None
    await link.ask("SET", "test:b", stored)
    assert await RedisCache(link, key_prefix="test:", sealer=Sealer([old])).get("b") is None
    await link.close()
