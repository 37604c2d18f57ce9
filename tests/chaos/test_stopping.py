"""B5: servers that are told to stop while customers talk and read."""

import asyncio
import random
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from chaos.harness import DEFAULT_LEASE_SECONDS, Desk, Model, desk
from chaos.instances import PLAIN, Instance
from parts.slowness import measured_slowness

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]

TURNS = 50
READERS = 40
READY_SECONDS = 0.2
EXIT_SECONDS = 15.0
IDLE_EXIT_SECONDS = 5.0
OPEN_STREAMS = 'deskhand_open_streams{transport="'


def plain_talk(_chance: random.Random, name: str) -> str:
    return name


async def stop_and_time(instance: Instance) -> tuple[float, float]:
    """Send SIGTERM; returns the seconds until readiness says 503, and until the process has ended."""
    async with aiohttp.ClientSession() as http:

        async def ask() -> int:
            async with http.get(f"{instance.base}/health/ready") as response:
                return response.status

        assert await ask() == 200
        told_at = time.monotonic()
        instance.send(signal.SIGTERM)
        while await ask() != 503:
            pass
        unready = time.monotonic() - told_at
        await instance.wait_until_ended(seconds=2 * EXIT_SECONDS)
        return unready, time.monotonic() - told_at


async def join(ground: Desk, count: int) -> None:
    """So many customers join, and read the first instance: half of them each kind of stream."""
    await asyncio.gather(*(ground.crowd.join() for _ in range(count)))
    async with asyncio.timeout(60):
        while await _fewest_open(ground) < count // 2:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


async def _fewest_open(ground: Desk) -> float:
    async with ground.crowd.http.get(f"{ground.instances[0].base}/metrics") as response:
        lines = (await response.text()).splitlines()
    open_streams = {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(OPEN_STREAMS)}
    return min(open_streams.get("sse", 0.0), open_streams.get("websocket", 0.0))


async def test_a_server_that_is_told_to_stop_leaves_its_turns_and_readers_to_the_other(tmp_path: Path, postgres_url: str) -> None:
    model = Model(tokens=100, first_ms=100, every_ms=70)
    async with desk(tmp_path, database_url=postgres_url, model=model, command=PLAIN, lease_seconds=DEFAULT_LEASE_SECONDS) as ground:
        first, second = ground.instances
        ground.crowd.bases = [first.base]
        ground.crowd.say = plain_talk
        await join(ground, TURNS)
        ground.crowd.ask_at_once()
        async with asyncio.timeout(60):
            while await ground.count_running() < TURNS:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
        for customer in ground.crowd.everybody:
            customer.bases.append(second.base)
        with measured_slowness() as slowness:
            unready, ended = await stop_and_time(first)
            slower = slowness()
        ground.fault_ended()
        verdict = await ground.judge()
        verdict.assert_nothing_wrong()
        print(f"503 after {unready * 1000:.0f} ms, ended after {ended:.1f} s, on a machine {slower:.1f} times slower than free")
        assert verdict.ended.keys() == {"completed"}
        assert unready <= READY_SECONDS * slower
        assert ended <= EXIT_SECONDS * slower
        assert "Traceback" not in first.log


async def test_readers_who_hear_nothing_do_not_hold_a_server_up(tmp_path: Path) -> None:
    async with desk(tmp_path, database_url=None, model=Model(), command=PLAIN) as ground:
        await join(ground, READERS)
        with measured_slowness() as slowness:
            unready, ended = await stop_and_time(ground.instances[0])
            slower = slowness()
        print(f"503 after {unready * 1000:.0f} ms, ended after {ended:.1f} s, on a machine {slower:.1f} times slower than free")
        assert unready <= READY_SECONDS * slower
        assert ended <= IDLE_EXIT_SECONDS * slower
        assert "Traceback" not in ground.instances[0].log
