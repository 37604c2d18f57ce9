"""B6: one server after the other is told to stop and started again, while customers talk to both."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from chaos.harness import DEFAULT_LEASE_SECONDS, IS_FULL, Model, desk
from chaos.instances import PLAIN

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600 if IS_FULL else 180)]

ROUNDS = 3 if IS_FULL else 1
CUSTOMERS = 30
EXIT_SECONDS = 15.0


async def test_nothing_is_lost_when_the_servers_are_renewed_one_after_the_other(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    settings = {"database_url": postgres_url, "redis_url": redis_url, "command": PLAIN, "lease_seconds": DEFAULT_LEASE_SECONDS}
    async with desk(tmp_path, model=Model(), **settings) as ground:
        ground.crowd.say = lambda _chance, name: name
        ground.crowd.start(CUSTOMERS)
        for instance in ground.instances * ROUNDS:
            async with asyncio.timeout(60):
                while await ground.count_running() < CUSTOMERS // 3:  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.05)
            told_at = time.monotonic()
            instance.send(signal.SIGTERM)
            await instance.wait_until_ended(seconds=EXIT_SECONDS)
            print(f"{instance.folder.name} ended after {time.monotonic() - told_at:.1f} s")
            assert "Traceback" not in instance.log
            await instance.restart()
        ground.fault_ended()
        verdict = await ground.judge()
        verdict.assert_nothing_wrong()
        # Turns are handed over, none is left to run out of its lease and be failed.
        assert verdict.ended.keys() == {"completed"}
