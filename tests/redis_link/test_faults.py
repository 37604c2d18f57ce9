"""What the link to Redis makes of a network and a server that fail: nobody waits, nobody gets a foreign reply, and it heals by itself."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from deskhand.clock import SystemClock
from deskhand.redis_link.errors import RedisRefused, RedisUnavailable
from deskhand.redis_link.redis import RedisLink, Script
from deskhand.testing.fault_proxy import Fault, FaultProxy
from parts.valkey import ValkeyServer

HEALS_SECONDS = 10.0
LIMIT_SECONDS = 0.3


@dataclass(frozen=True)
class Ground:
    link: RedisLink
    proxy: FaultProxy


@pytest.fixture
async def ground(redis_url: str) -> AsyncIterator[Ground]:
    port = int(redis_url.split(":")[2].split("/", maxsplit=1)[0])
    async with FaultProxy("127.0.0.1", port, seed=4) as proxy:
        link = RedisLink(f"redis://127.0.0.1:{proxy.port}/0", clock=SystemClock())
        yield Ground(link, proxy)
        await link.close()


class Lag:
    """How late the event loop was at worst, which no limit can do anything about."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            self.seconds = max(self.seconds, time.monotonic() - before - 0.01)

    def close(self) -> float:
        self._task.cancel()
        return self.seconds


async def longest_wait(link: RedisLink, *, asks: int = 60) -> float:
    """Seconds that the slowest of many requests took, ten at a time, however it ended."""

    async def ask(number: int) -> float:
        started = time.monotonic()
        try:
            found = await link.ask("GET", f"key-{number}")
        except RedisUnavailable:
            pass
        else:
            assert found in (None, b"value-%d" % number), "a reply to another request, or no reply at all"
        return time.monotonic() - started

    waits: list[float] = []
    for start in range(0, asks, 10):
        waits += await asyncio.gather(*(ask(number) for number in range(start, start + 10)))
    return max(waits)


async def until_healed(link: RedisLink) -> float:
    started = time.monotonic()
    async with asyncio.timeout(HEALS_SECONDS):
        while not await link.ping():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    return time.monotonic() - started


FAULTS = {
    "refused": Fault(refuse=True),
    "blackholed": Fault(blackhole=True),
    "slow": Fault(latency_seconds=0.5),
    "reset": Fault(reset_chance=0.2),
    "narrow": Fault(bytes_per_second=100),
}


@pytest.mark.parametrize("kind", FAULTS)
async def test_nobody_waits_longer_than_300_ms_and_it_heals(ground: Ground, kind: str) -> None:
    for number in range(60):
        await ground.link.ask("SET", f"key-{number}", f"value-{number}")
    lag = Lag()
    await ground.proxy.set_fault(FAULTS[kind])
    waited = await longest_wait(ground.link)
    late = lag.close()
    assert waited - late <= LIMIT_SECONDS, f"{waited:.3f} s, of which the event loop {late:.3f}"
    await ground.proxy.set_fault(Fault())
    await until_healed(ground.link)
    assert await ground.link.ask("GET", "key-1") == b"value-1"


async def test_after_some_failures_it_is_left_alone_and_tried_once_a_second(ground: Ground) -> None:
    await ground.proxy.set_fault(Fault(blackhole=True))
    await longest_wait(ground.link, asks=10)
    assert ground.link.is_down
    started = time.monotonic()
    for _ in range(100):
        with pytest.raises(RedisUnavailable):
            await ground.link.ask("GET", "key")
    assert time.monotonic() - started < LIMIT_SECONDS + 0.5


async def test_stranger_bytes_end_in_an_error_or_a_reply_and_never_in_a_fault(ground: Ground) -> None:
    await ground.proxy.set_fault(Fault(garble_chance=0.3))
    for number in range(200):
        try:
            await ground.link.ask("SET", f"key-{number}", "value")
            await ground.link.ask("GET", f"key-{number}")
        except RedisUnavailable:
            await asyncio.sleep(0.005)
    await ground.proxy.set_fault(Fault())
    await until_healed(ground.link)


async def test_no_reply_reaches_another_request_in_a_storm_of_cancelled_commands(ground: Ground) -> None:
    """C1c: scripts and plain commands, cut off anywhere, over a line that is slow."""
    echo = Script("return ARGV[1]")
    chance = random.Random(9)
    foreign: list[tuple[str, object]] = []
    answered = 0
    await ground.proxy.set_fault(Fault(latency_seconds=0.003))

    async def ask(number: int) -> None:
        nonlocal answered
        word = f"canary-{number}"
        try:
            found = await ground.link.run(echo, "key", word) if number % 2 else await ground.link.ask("ECHO", word)
        except RedisUnavailable:
            return
        answered += 1
        if found != word.encode():
            foreign.append((word, found))

    for batch in range(50):
        tasks = [asyncio.create_task(ask(batch * 200 + number)) for number in range(200)]
        for task in tasks:
            asyncio.get_running_loop().call_later(chance.uniform(0, 0.04), task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
    await ground.proxy.set_fault(Fault())
    await until_healed(ground.link)
    for number in range(100):
        await ask(number)
    assert foreign == []
    assert answered >= 100


async def test_a_full_server_refuses_what_is_written_reads_on_and_is_not_left_alone(own_valkey_server: ValkeyServer) -> None:
    link = RedisLink(own_valkey_server.url, clock=SystemClock())
    await link.ask("SET", "key", "value")
    own_valkey_server.run("CONFIG", "SET", "maxmemory", "1")
    for _ in range(10):
        with pytest.raises(RedisRefused):
            await link.ask("SET", "other", "value")
        assert await link.ask("GET", "key") == b"value"
    assert not link.is_down
    own_valkey_server.run("CONFIG", "SET", "maxmemory", "0")
    await link.ask("SET", "other", "value")
    await link.close()


async def test_a_server_that_stands_still_is_noticed_and_its_return_as_well(own_valkey_server: ValkeyServer) -> None:
    link = RedisLink(own_valkey_server.url, clock=SystemClock())
    assert await link.ping()
    own_valkey_server.freeze()
    lag = Lag()
    waited = await longest_wait(link)
    assert waited - lag.close() <= LIMIT_SECONDS
    own_valkey_server.thaw()
    await until_healed(link)
    await link.close()


@pytest.mark.parametrize("fate", ["gone without a word", "a replica"])
async def test_where_its_name_leads_to_another_server_no_connection_to_the_old_one_is_tried_again(
    own_valkey_server: ValkeyServer, valkey_server: ValkeyServer, free_port: int, fate: str
) -> None:
    async with FaultProxy("127.0.0.1", own_valkey_server.port) as proxy:
        link = RedisLink(f"redis://127.0.0.1:{proxy.port}/0", clock=SystemClock(), limit_seconds=2.0)
        await asyncio.gather(*(link.ask("PING") for _ in range(10)))
        if fate == "a replica":
            own_valkey_server.run("REPLICAOF", "127.0.0.1", str(free_port))
        else:
            own_valkey_server.freeze()
        proxy.lead_to("127.0.0.1", valkey_server.port)
        with pytest.raises(RedisUnavailable):
            await link.ask("SET", "key", "value")
        for _ in range(10):
            assert await link.ask("SET", "key", "value") == b"OK"
        await link.close()


async def test_a_script_that_the_server_forgot_is_sent_again(ground: Ground, valkey_server: ValkeyServer) -> None:
    echo = Script("return ARGV[1]")
    assert await ground.link.run(echo, "key", "one") == b"one"
    valkey_server.run("SCRIPT", "FLUSH")
    assert await ground.link.run(echo, "key", "two") == b"two"
