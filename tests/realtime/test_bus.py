"""Both buses."""

import base64
import os
from collections.abc import AsyncIterator

import pytest

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
