"""The cache in a real Valkey: the contract, a server that is away or hangs, and the cancel storm (RELIABILITY C1c)."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest

from cache.contract import CacheContract
from deskhand.cache.redis import RedisCache
from deskhand.clock import SystemClock
from deskhand.errors import ConfigurationError
from deskhand.redis_link.redis import RedisLink


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[RedisCache]:
    link = RedisLink(redis_url, clock=SystemClock(), limit_seconds=2.0)
    yield RedisCache(link, key_prefix="test:")
    await link.close()


class TestRedisCache(CacheContract):
    async def let_time_pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def test_a_server_that_is_away_is_a_miss_and_no_error(unused_tcp_port: int) -> None:
    link = RedisLink(f"redis://127.0.0.1:{unused_tcp_port}/0", clock=SystemClock())
    cache = RedisCache(link, key_prefix="test:")
    assert await cache.get("a") is None
    assert not await cache.set("a", b"value", ttl_seconds=1)
    assert not await cache.delete("a")
    assert not await cache.ping()
    assert (await cache.stats()).errors == 3
    await link.close()


async def test_a_server_that_hangs_costs_no_request_more_than_its_limit_and_soon_nothing() -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = RedisLink(f"redis://127.0.0.1:{port}/0", clock=SystemClock())
    cache = RedisCache(link, key_prefix="test:")
    waits = []
    for _ in range(8):
        started = time.monotonic()
        assert await cache.get("a") is None
        waits.append(time.monotonic() - started)
    assert max(waits) < 0.6
    assert max(waits[3:]) < 0.05, "after three failures it is not asked any more"
    await link.close()
    await end(server, held)


def test_an_address_that_is_none_is_refused_without_naming_its_password() -> None:
    with pytest.raises(ConfigurationError) as raised:
        RedisLink("http://user:hunter2secret@host", clock=SystemClock())
    assert "hunter2secret" not in raised.value.message + raised.value.remedy


async def test_no_reply_reaches_a_request_that_did_not_ask_for_it_in_a_storm_of_cancelled_commands(
    cache: RedisCache, slow_redis: str
) -> None:
    link = RedisLink(slow_redis, clock=SystemClock(), limit_seconds=2.0)
    slow = RedisCache(link, key_prefix="test:")
    for number in range(100):
        await cache.set(f"key-{number}", f"value-{number}".encode(), ttl_seconds=600)
    chance = random.Random(7)
    foreign: list[tuple[int, bytes]] = []
    answered = 0

    async def ask(number: int) -> None:
        nonlocal answered
        found = await slow.get(f"key-{number}")
        if found is not None:
            answered += 1
            if found != f"value-{number}".encode():
                foreign.append((number, found))

    for _ in range(50):
        tasks = [asyncio.create_task(ask(chance.randrange(100))) for _ in range(200)]
        for task in tasks:
            asyncio.get_running_loop().call_later(chance.uniform(0, 0.03), task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
    for number in range(100):
        await ask(number)
    assert foreign == []
    assert answered >= 100
    await link.close()


async def end(server: asyncio.Server, held: list[asyncio.StreamWriter]) -> None:
    """Close the server and its connections while the loop still runs, which a connection needs to be closed."""
    server.close()
    for writer in held:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in held), return_exceptions=True)


@pytest.fixture
async def slow_redis(redis_url: str) -> AsyncIterator[str]:
    """The same server behind a proxy that holds every piece back for 5 ms."""
    host, _, port = redis_url.split("/")[2].rpartition(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            await asyncio.sleep(0.005)
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection(host, int(port))
        held.extend((writer, to_writer))
        await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer), return_exceptions=True)

    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    yield f"redis://{address[0]}:{address[1]}/0"
    await end(server, held)
