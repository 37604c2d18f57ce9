"""What every bus must do: inherit `BusContract` and give the fixture `buses`, three members of one bus."""

import asyncio
from collections.abc import Callable

from deskhand.realtime import Bus

PATIENCE_SECONDS = 20.0


class Ear:
    """Notes what is heard on a topic."""

    def __init__(self, bus: Bus, topic: str) -> None:
        self.heard: list[bytes] = []
        self.joins = 0
        self._changed = asyncio.Event()
        bus.join(topic, self._hear, joined=self._joined)

    async def until(self, is_so: Callable[["Ear"], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so(self):
                self._changed.clear()
                await self._changed.wait()

    async def until_joined(self, times: int = 1) -> None:
        await self.until(lambda ear: ear.joins >= times)

    def _hear(self, message: bytes) -> None:
        self.heard.append(message)
        self._changed.set()

    def _joined(self) -> None:
        self.joins += 1
        self._changed.set()


class BusContract:
    async def test_the_others_hear_what_is_sent_in_its_order_and_the_sender_does_not(self, buses: list[Bus]) -> None:
        ears = [Ear(bus, "a") for bus in buses]
        for ear in ears:
            await ear.until_joined()
        sent = [b"%d \x00\xff" % number for number in range(500)]
        for message in sent:
            buses[0].send("a", message)
        for ear in ears[1:]:
            await ear.until(lambda ear: len(ear.heard) >= 500)
            assert ear.heard == sent
        assert ears[0].heard == []

    async def test_only_those_who_joined_a_topic_hear_it(self, buses: list[Bus]) -> None:
        a, b = Ear(buses[1], "a"), Ear(buses[1], "b")
        await a.until_joined()
        await b.until_joined()
        buses[0].send("b", b"for b")
        buses[0].send("a", b"for a")
        await a.until(lambda ear: ear.heard == [b"for a"])
        await b.until(lambda ear: ear.heard == [b"for b"])

    async def test_who_left_hears_nothing_more_and_may_join_again(self, buses: list[Bus]) -> None:
        left, stayed = Ear(buses[1], "a"), Ear(buses[2], "a")
        await left.until_joined()
        await stayed.until_joined()
        buses[1].leave("a")
        buses[0].send("a", b"one")
        await stayed.until(lambda ear: ear.heard == [b"one"])
        again = Ear(buses[1], "a")
        await again.until_joined()
        buses[0].send("a", b"two")
        await again.until(lambda ear: ear.heard == [b"two"])
        assert left.heard == []

    async def test_many_topics_are_kept_apart(self, buses: list[Bus]) -> None:
        ears = [Ear(buses[1], f"topic-{number}") for number in range(300)]
        for ear in ears:
            await ear.until_joined()
        for number in range(300):
            buses[0].send(f"topic-{number}", b"%d" % number)
        for number, ear in enumerate(ears):
            await ear.until(lambda ear: bool(ear.heard))
            assert ear.heard == [b"%d" % number]

    async def test_it_says_that_it_is_connected(self, buses: list[Bus]) -> None:
        ear = Ear(buses[0], "a")
        await ear.until_joined()
        assert buses[0].is_connected
