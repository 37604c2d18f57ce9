"""Who is there, and notices to those who are: in one process, over Redis, and without it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from cache.clock import HeldClock
from deskhand.clock import SystemClock
from deskhand.realtime import InMemoryPresence, Notices, Presence
from deskhand.realtime.presence.redis import RedisPresence
from deskhand.redis_link.redis import RedisLink
from deskhand.testing.local_bus import LocalBus, LocalWire
from parts.valkey import ValkeyServer


class PresenceContract:
    """Subclasses give `presence` as a fixture, and `let_time_pass`."""

    async def let_time_pass(self, seconds: float) -> None:
        raise NotImplementedError

    async def test_who_appeared_is_there_once_and_in_their_group_alone(self, presence: Presence) -> None:
        for name in ("zoe", "adam", "zoe"):
            await presence.appear("desk", name, ttl_seconds=60)
        await presence.appear("other", "eve", ttl_seconds=60)
        assert await presence.list_present("desk") == ["adam", "zoe"]

    async def test_who_does_not_say_so_again_goes_by_themselves(self, presence: Presence) -> None:
        await presence.appear("desk", "gone", ttl_seconds=0.2)
        await presence.appear("desk", "renewed", ttl_seconds=0.2)
        await presence.appear("desk", "renewed", ttl_seconds=60)
        await self.let_time_pass(0.3)
        assert await presence.list_present("desk") == ["renewed"]

    async def test_an_empty_group_has_nobody(self, presence: Presence) -> None:
        assert await presence.list_present("desk") == []


class TestInMemoryPresence(PresenceContract):
    @pytest.fixture
    def presence(self) -> InMemoryPresence:
        self.clock = HeldClock()
        return InMemoryPresence(clock=self.clock)

    async def let_time_pass(self, seconds: float) -> None:
        self.clock.pass_time(seconds)


class TestRedisPresence(PresenceContract):
    @pytest.fixture
    async def presence(self, redis_url: str) -> AsyncIterator[RedisPresence]:
        link = RedisLink(redis_url, clock=SystemClock(), limit_seconds=2.0)
        yield RedisPresence(link, clock=SystemClock())
        await link.close()

    async def let_time_pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def test_all_processes_see_the_same_and_each_its_own_while_redis_is_away(own_valkey_server: ValkeyServer) -> None:
    links = [RedisLink(own_valkey_server.url, clock=SystemClock(), limit_seconds=2.0) for _ in range(2)]
    one, other = (RedisPresence(link, clock=SystemClock()) for link in links)
    await one.appear("desk", "adam", ttl_seconds=60)
    await other.appear("desk", "zoe", ttl_seconds=60)
    assert await one.list_present("desk") == await other.list_present("desk") == ["adam", "zoe"]
    own_valkey_server.stop()
    assert await one.list_present("desk") == ["adam"]
    assert await other.list_present("desk") == ["zoe"]
    own_valkey_server.start()
    for link in links:
        async with asyncio.timeout(10):
            while not await link.ping():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
    await one.appear("desk", "adam", ttl_seconds=60)
    await other.appear("desk", "zoe", ttl_seconds=60)
    assert await one.list_present("desk") == ["adam", "zoe"]
    for link in links:
        await link.close()


@contextlib.asynccontextmanager
async def patience() -> AsyncIterator[None]:
    async with asyncio.timeout(10):
        yield


async def test_a_notice_reaches_everybody_who_listens_in_any_process() -> None:
    wire = LocalWire()
    here, there = Notices(LocalBus(wire)), Notices(LocalBus(wire))
    async with patience():
        with here.hear("tickets") as one, there.hear("tickets") as other, there.hear("else") as apart:
            for hearing in (one, other, apart):
                assert await hearing.next() is None
            here.tell("tickets", b"ticket_1")
            there.tell("tickets", b"ticket_2")
            assert {await one.next(), await one.next()} == {b"ticket_1", b"ticket_2"}
            assert {await other.next(), await other.next()} == {b"ticket_1", b"ticket_2"}
            there.tell("else", b"x")
            assert await apart.next() == b"x"


async def test_without_a_bus_notices_stay_in_the_process() -> None:
    notices = Notices()
    async with patience():
        with notices.hear("tickets") as hearing:
            assert await hearing.next() is None
            notices.tell("tickets", b"ticket_1")
            assert await hearing.next() == b"ticket_1"


async def test_who_may_have_missed_a_notice_is_told_to_look() -> None:
    wire = LocalWire()
    here, there = Notices(LocalBus(wire)), Notices(LocalBus(wire))
    async with patience():
        with there.hear("tickets") as hearing:
            assert await hearing.next() is None
            wire.is_cut = True
            here.tell("tickets", b"lost")
            wire.mend()
            assert await hearing.next() is None
            for number in range(101):
                there.tell("tickets", b"%d" % number)
            assert await hearing.next() is None
