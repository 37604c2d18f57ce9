"""The crowd: customers who come at their own times, whatever the server does, and those who only keep a connection.

Invariant: when the next customer comes was decided before, and how late this program was with it is measured; a server that is slow does
not get fewer of them (no coordinated omission).
"""

import asyncio
import random
import resource
from collections.abc import Callable

import aiohttp

from deskhand.cli.loadtest.answers import FAULTS, NotNow, Refused
from deskhand.cli.loadtest.figures import Record
from deskhand.cli.loadtest.plan import Plan, Transport
from deskhand.cli.loadtest.visitor import Visitor

_TOLD_EVERY_SECONDS = 0.5
_BUFFER_BYTES = 1 << 20
_CONNECTING_AT_ONCE = 50


async def run(plan: Plan, *, tell: Callable[[Record], None]) -> Record:
    """Carry out the plan; `tell` is called now and then with what there is so far."""
    _allow_many_connections()
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=_BUFFER_BYTES) as http:
        crowd = Crowd(plan, http)
        idle = await crowd.open_idle()
        telling = asyncio.create_task(crowd.tell_now_and_then(tell))
        try:
            await crowd.talk()
        finally:
            telling.cancel()
            await crowd.close_idle(idle)
    tell(crowd.record)
    return crowd.record


class Crowd:
    """Everybody who talks to the server, and what came of it."""

    def __init__(self, plan: Plan, http: aiohttp.ClientSession) -> None:
        self.record = Record()
        self._plan = plan
        self._http = http
        self._chance = random.Random(plan.seed)  # noqa: S311 - the same load again, not a secret
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._count = 0
        self._staying: list[asyncio.Task[None]] = []

    async def talk(self) -> None:
        self._started = self._loop.time()
        await (self._come_at_random(self._plan.rate) if self._plan.rate is not None else self._stay())
        self.record.seconds = self._loop.time() - self._started

    async def tell_now_and_then(self, tell: Callable[[Record], None]) -> None:
        while True:
            await asyncio.sleep(_TOLD_EVERY_SECONDS)
            self.record.seconds = self._loop.time() - self._started
            tell(self.record)

    async def open_idle(self) -> list[Visitor]:
        limit = asyncio.Semaphore(_CONNECTING_AT_ONCE)
        visitors = [self._next(Transport.WEBSOCKET) for _ in range(self._plan.idle)]

        async def open_one(visitor: Visitor) -> None:
            async with limit:
                try:
                    await visitor.open()
                    await visitor.connect()
                except (Refused, NotNow, *FAULTS) as error:
                    self.record.errors[f"idle: {error}"] += 1
                else:
                    self.record.idle += 1
                    self._staying.append(asyncio.create_task(visitor.stay()))

        await asyncio.gather(*(open_one(visitor) for visitor in visitors))
        # How long it takes to open thousands at once is not how long a customer waits.
        self.record.opened.clear()
        return visitors

    async def close_idle(self, visitors: list[Visitor]) -> None:
        for task in self._staying:
            task.cancel()
        await asyncio.gather(*self._staying, return_exceptions=True)
        limit = asyncio.Semaphore(_CONNECTING_AT_ONCE)

        async def close_one(visitor: Visitor) -> None:
            async with limit:
                await visitor.close()
                if not self._plan.keep and visitor.session_id:
                    try:
                        await visitor.leave()
                    except (Refused, *FAULTS):
                        self.record.errors["idle: session not deleted"] += 1

        await asyncio.gather(*(close_one(visitor) for visitor in visitors))

    async def _come_at_random(self, rate: float) -> None:
        due = self._started
        async with asyncio.TaskGroup() as crowd:
            while (due := due + self._chance.expovariate(rate)) < self._started + self._plan.seconds:
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                self.record.late.append(max(0.0, self._loop.time() - due))
                crowd.create_task(self._hold())

    async def _stay(self) -> None:
        async def one_after_the_other(after_seconds: float) -> None:
            await asyncio.sleep(after_seconds)
            while self._loop.time() < self._started + self._plan.seconds:
                await self._hold()

        async with asyncio.TaskGroup() as crowd:
            for number in range(self._plan.at_once):
                # Not all in the same millisecond.
                crowd.create_task(one_after_the_other(min(1.0, self._plan.seconds / 2) * number / self._plan.at_once))

    def _next(self, transport: Transport) -> Visitor:
        """With choices of their own, so that the same plan is the same load."""
        chance = random.Random(self._chance.random())  # noqa: S311 - see above
        return Visitor(self._plan, self._http, self.record, transport=transport, chance=chance)

    async def _hold(self) -> None:
        visitor = self._next(self._plan.transports[self._count % len(self._plan.transports)])
        self._count += 1
        self.record.begun += 1
        self.record.running += 1
        try:
            await visitor.converse()
        except TimeoutError:
            self.record.errors["gave up"] += 1
        finally:
            self.record.running -= 1
            self.record.finished += 1


def _allow_many_connections() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
