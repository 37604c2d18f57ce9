"""B6: every server is stopped and started again, one after the other, while customers talk."""

import asyncio
from pathlib import Path

import pytest

from chaos.harness import DEFAULT_LEASE_SECONDS, IS_FULL, Model, desk

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600 if IS_FULL else 180)]

ROUNDS = 3 if IS_FULL else 1
CUSTOMERS = 50 if IS_FULL else 20
BETWEEN_SECONDS = 15.0 if IS_FULL else 1.0
EXIT_SECONDS = 15.0


async def test_all_servers_are_replaced_one_by_one_and_every_send_is_taken_in_the_end(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    settings = {"database_url": postgres_url, "redis_url": redis_url, "lease_seconds": DEFAULT_LEASE_SECONDS}
    async with desk(tmp_path, model=Model(), **settings) as ground:
        ground.crowd.start(CUSTOMERS)
        for instance in ground.instances * ROUNDS:
            await asyncio.sleep(BETWEEN_SECONDS)
            await instance.leave(seconds=EXIT_SECONDS)
            assert "Traceback" not in instance.log
            await instance.start()
            ground.fault_ended()
            ground.crowd.check()
        verdict = await ground.judge()
        verdict.assert_nothing_wrong()
        # Who stops gives up its leases: nothing waited for one to run out, and no attempt was lost twice.
        assert verdict.ended.keys() <= {"completed", "needs_human", "cancelled"}
