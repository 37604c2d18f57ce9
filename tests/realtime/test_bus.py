"""Both buses."""

import base64
import os
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from deskhand.clock import SystemClock
from deskhand.realtime.bus.redis import RedisBus
from deskhand.redis_link.redis import RedisLink
from deskhand.sealing import Sealer
from deskhand.testing.local_bus import LocalBus, LocalWire
from parts.valkey import ValkeyServer
from realtime.bus_contract import BusContract, Ear


class TestLocalBus(BusContract):
    @pytest.fixture
    def buses(self) -> list[LocalBus]:
        wire = LocalWire()
        return [LocalBus(wire) for _ in range(3)]


class TestRedisBus(BusContract):
    @pytest.fixture(params=["plain", "sealed"])
    async def buses(self, request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[list[RedisBus]]:
        sealer = Sealer([base64.b64encode(os.urandom(32)).decode()]) if request.param == "sealed" else None
        links = [RedisLink(redis_url, clock=SystemClock()) for _ in range(3)]
        members = [RedisBus(link, sealer=sealer) for link in links]
        for member in members:
            member.start()
        yield members
        for member, link in zip(members, links, strict=True):
            await member.close()
            await link.close()


async def test_what_was_altered_on_its_way_is_as_good_as_lost(redis_url: str) -> None:
    links = [RedisLink(redis_url, clock=SystemClock()) for _ in range(2)]
    talker, hearer = (RedisBus(link) for link in links)
    talker.start()
    hearer.start()
    ear = Ear(hearer, "a")
    await ear.until_joined()
    async with redis.asyncio.Redis.from_url(redis_url) as between, between.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.psubscribe("deskhand:bus:*")
        talker.send("a", b"You can reset your password.")
        while (seen := await heard.get_message(timeout=1)) is None:
            pass
        topic, sent = seen["channel"], seen["data"]
        for at in range(len(talker._name), len(sent)):
            await between.publish(topic, sent[:at] + bytes([sent[at] ^ 0x0E]) + sent[at + 1 :])
        await between.publish(topic, sent)
    await ear.until(lambda ear: len(ear.heard) >= 2)
    assert ear.heard == [b"You can reset your password."] * 2
    for bus, link in zip((talker, hearer), links, strict=True):
        await bus.close()
        await link.close()


async def test_after_a_restart_of_redis_it_is_joined_anew_and_goes_on(own_valkey_server: ValkeyServer) -> None:
    links = [RedisLink(own_valkey_server.url, clock=SystemClock()) for _ in range(2)]
    talker, hearer = (RedisBus(link) for link in links)
    talker.start()
    hearer.start()
    ear = Ear(hearer, "a")
    await ear.until_joined()
    own_valkey_server.stop()
    talker.send("a", b"lost")
    own_valkey_server.start()
    await ear.until_joined(times=2)
    while not ear.heard:
        talker.send("a", b"heard")
        await links[0].ping()
    assert set(ear.heard) == {b"heard"}
    assert hearer.is_connected
    for bus, link in zip((talker, hearer), links, strict=True):
        await bus.close()
        await link.close()
