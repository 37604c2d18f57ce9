"""B7, B8 and C1: two servers on one PostgreSQL and one Redis, and what becomes of their promises when Redis fails."""

import asyncio
import math
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from chaos.customers import Customer, Event, Sent, read_events
from chaos.harness import DEFAULT_LEASE_SECONDS, IS_FULL, Desk, Model, desk
from chaos.instances import PLAIN
from deskhand.persistence import Database
from deskhand.testing.fault_proxy import Fault, FaultProxy
from parts.slowness import measured_slowness
from parts.valkey import ValkeyServer
from parts.valkey_groups import WatchedValkey

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600 if IS_FULL else 180)]

ACKNOWLEDGED_SECONDS = 1.0
HEALS_SECONDS = 10.0
# Less than it holds by then: it throws out whatever was not used lately.
EVICTING_BYTES = "1500000"
FAULT_SECONDS = 30.0 if IS_FULL else 2.0


@asynccontextmanager
async def reading(http: aiohttp.ClientSession, base: str, customer: Customer, *, after: str = "0") -> AsyncIterator[asyncio.Queue[Event]]:
    """The events of a customer's session as `base` sends them, each with the moment it came."""
    events: asyncio.Queue[Event] = asyncio.Queue()

    async def read() -> None:
        headers = customer._headers | {"Last-Event-ID": after}
        url = f"{base}/api/sessions/{customer.session_id}/events"
        async with http.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as response:
            async for event in read_events(response):
                await events.put({**event, "at": time.monotonic()})

    task = asyncio.create_task(read())
    try:
        yield events
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(events: asyncio.Queue[Event], seen: list[Event], is_so: Callable[[Event], bool]) -> Event:
    async with asyncio.timeout(40):
        while True:
            event = await events.get()
            seen.append(event)
            if is_so(event):
                return event


async def test_what_is_said_to_one_server_is_streamed_by_the_other_which_finishes_it_when_the_first_is_killed(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    model = Model(tokens=40, first_ms=100, every_ms=60)
    async with desk(tmp_path, database_url=postgres_url, model=model, command=PLAIN, redis_url=redis_url) as ground:
        first, second = ground.instances
        customer = await ground.crowd.join()
        customer.bases = [second.base]
        async with reading(ground.crowd.http, second.base, customer) as events:
            seen: list[Event] = []
            taken = await customer._post(first.base, {"message": "Hello", "client_message_id": "c1"})
            started = await until(events, seen, lambda event: event["type"] == "started")
            for _ in range(10):
                await until(events, seen, lambda event: event["type"] == "text")
            pieces = [event for event in seen if event["type"] == "text"]
            # The database tells of text every half second: so many pieces so soon came from the other server.
            assert pieces[-1]["at"] - pieces[0]["at"] < 3.0
            assert len({event["at"] for event in pieces}) == len(pieces)
            await first.kill()
            again = await until(events, seen, lambda event: event["type"] == "started")
            assert (started["attempt"], again["attempt"]) == (1, 2)
            end = await until(events, seen, lambda event: event["type"] == "complete")
            assert end["turn_id"] == taken.turn_id
            shown = ""
            for event in seen[seen.index(again) :]:
                shown += event["delta"] if event["type"] == "text" else ""
            assert end["message"].startswith(shown)
            assert len(shown) > len(end["message"]) / 2
            ids = [event["id"] for event in seen]
            assert len(set(ids)) == len(ids), "each thing once"
            keys = [tuple(int(part) for part in name.split(".")) for name in ids]
            assert keys == sorted(keys), "and in order"
        await first.start()
        ground.fault_ended()


async def test_two_servers_share_the_work_and_keep_every_promise(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    """B7."""
    turns, sessions = (1_000, 100) if IS_FULL else (200, 20)
    settings = {"database_url": postgres_url, "redis_url": redis_url, "lease_seconds": DEFAULT_LEASE_SECONDS}
    async with desk(tmp_path, model=Model(15, 30, 10), **settings) as ground:
        ground.crowd.start(sessions, messages=turns // sessions)
        await ground.crowd.wait_until_quiet()
        ground.fault_ended()
        (await ground.judge()).assert_nothing_wrong()
        assert min(await shares_of_work(postgres_url)) >= 0.2


async def shares_of_work(url: str) -> list[float]:
    database = await Database.open(url)
    try:
        count = sa.text("SELECT count(*) AS turns FROM turn WHERE worker IS NOT NULL GROUP BY worker")
        counts = await database.read(lambda connection: [int(row.turns) for row in connection.execute(count)])
    finally:
        await database.close()
    assert len(counts) == 2
    return [each / sum(counts) for each in counts]


async def test_redis_is_killed_for_a_while_comes_back_empty_and_nobody_is_harmed(
    tmp_path: Path, postgres_url: str, own_valkey_server: ValkeyServer
) -> None:
    """B8."""
    async with desk(tmp_path, database_url=postgres_url, model=Model(), redis_url=own_valkey_server.url) as ground:
        ground.crowd.start(20)
        await asyncio.sleep(FAULT_SECONDS)
        own_valkey_server.stop()
        await asyncio.sleep(FAULT_SECONDS)
        own_valkey_server.start()
        await asyncio.sleep(FAULT_SECONDS)
        own_valkey_server.run("FLUSHALL")
        ground.fault_ended()
        (await ground.judge()).assert_nothing_wrong()


NETWORK_FAULTS = {
    "blackholed": Fault(blackhole=True),
    "refused": Fault(refuse=True),
    "slow": Fault(latency_seconds=0.5),
    "reset": Fault(reset_chance=0.2),
    "garbled": Fault(garble_chance=0.05),
}
SERVER_FAULTS = ("full", "evicting", "flushed", "frozen")


async def test_whatever_redis_does_messages_are_acknowledged_soon_and_kept(
    tmp_path: Path, postgres_url: str, own_valkey_server: ValkeyServer
) -> None:
    """C1: one fault after the other, under customers who talk all the time."""
    async with FaultProxy("127.0.0.1", own_valkey_server.port, seed=1) as proxy:

        async def begin(kind: str) -> None:
            match kind:
                case "full":
                    own_valkey_server.run("CONFIG", "SET", "maxmemory", "1")
                case "evicting":
                    own_valkey_server.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
                    own_valkey_server.run("CONFIG", "SET", "maxmemory", EVICTING_BYTES)
                case "flushed":
                    own_valkey_server.run("FLUSHALL")
                case "frozen":
                    own_valkey_server.freeze()
                case _:
                    await proxy.set_fault(NETWORK_FAULTS[kind])

        async def end(kind: str) -> None:
            if kind in {"full", "evicting"}:
                own_valkey_server.run("CONFIG", "SET", "maxmemory", "0")
                own_valkey_server.run("CONFIG", "SET", "maxmemory-policy", "noeviction")
            elif kind == "frozen":
                own_valkey_server.thaw()
            await proxy.set_fault(Fault())

        url = f"redis://127.0.0.1:{proxy.port}/0"
        settings = {"database_url": postgres_url, "redis_url": url, "command": PLAIN, "lease_seconds": DEFAULT_LEASE_SECONDS}
        async with desk(tmp_path, model=Model(10, 20, 20), **settings) as ground:
            ground.crowd.start(6)
            for kind in (*NETWORK_FAULTS, *SERVER_FAULTS):
                await begin(kind)
                with measured_slowness() as slowness:
                    waits = await acknowledgements(ground, seconds=FAULT_SECONDS)
                    slower = slowness()
                if kind in {"blackholed", "refused", "frozen"}:
                    await until_health(ground, "degraded", seconds=5.0)
                await end(kind)
                await until_health(ground, "healthy", seconds=HEALS_SECONDS)
                slowest = percentile_99(waits)
                print(f"{kind}: {len(waits)} acknowledged, the 99th percentile after {slowest:.3f} s, {slower:.1f} times slower than free")
                assert slowest <= ACKNOWLEDGED_SECONDS * slower, kind
            ground.fault_ended()
            (await ground.judge()).assert_nothing_wrong()


async def test_a_failover_of_redis_delays_nobody_and_is_over_within_ten_seconds(
    tmp_path: Path, postgres_url: str, watched_valkey: WatchedValkey
) -> None:
    """C1, behind a Sentinel: the master is killed while customers talk, and what was not replicated is gone."""
    settings = {"database_url": postgres_url, "redis_url": watched_valkey.url, "command": PLAIN, "lease_seconds": DEFAULT_LEASE_SECONDS}
    async with desk(tmp_path, model=Model(10, 20, 20), **settings) as ground:
        ground.crowd.start(6)
        await until_health(ground, "healthy", seconds=HEALS_SECONDS)
        watched_valkey.master.stop(with_signal=signal.SIGKILL)
        killed_at = time.monotonic()
        with measured_slowness() as slowness:
            waits = await acknowledgements(ground, seconds=FAULT_SECONDS)
            slower = slowness()
        await until_health(ground, "healthy", seconds=HEALS_SECONDS)
        healed = time.monotonic() - killed_at
        slowest = percentile_99(waits)
        print(f"failover: {len(waits)} acknowledged, the 99th percentile after {slowest:.3f} s; healthy by {healed:.1f} s after the kill")
        assert slowest <= ACKNOWLEDGED_SECONDS * slower
        assert healed <= max(FAULT_SECONDS, HEALS_SECONDS) + 1
        ground.fault_ended()
        (await ground.judge()).assert_nothing_wrong()


def percentile_99(waits: list[float]) -> float:
    return sorted(waits)[math.ceil(0.99 * len(waits)) - 1]


async def acknowledgements(ground: Desk, *, seconds: float) -> list[float]:
    """Seconds until each message of four customers was acknowledged, by either server in turn."""
    until_time = time.monotonic() + seconds
    waits: list[float] = []

    async def talk(number: int) -> None:
        customer = await ground.crowd.join()
        while time.monotonic() < until_time:
            sent = Sent(f"c{len(customer.sent)}", f"{customer.session_id}-{len(customer.sent)}")
            customer.sent.append(sent)
            customer.attempts += 1
            base = customer.bases[(number + len(customer.sent)) % len(customer.bases)]
            started = time.monotonic()
            sent.acknowledged = await customer._post(base, {"message": sent.content, "client_message_id": sent.client_message_id})
            waits.append(time.monotonic() - started)
            await customer.wait_for_end(sent.acknowledged.turn_id or "")

    await asyncio.gather(*(talk(number) for number in range(4)))
    return waits


async def until_health(ground: Desk, wanted: str, *, seconds: float) -> None:
    for instance in ground.instances:
        async with asyncio.timeout(seconds):
            while True:
                async with ground.crowd.http.get(instance.base + "/health/ready") as response:
                    assert response.status == 200
                    if (await response.json())["status"] == wanted:
                        break
                await asyncio.sleep(0.05)
