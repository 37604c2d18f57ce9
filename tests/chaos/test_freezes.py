"""B2: processes that stand still for twice the lease while customers talk, and then go on as if nothing had been."""

from pathlib import Path

import pytest

from chaos.faults import freeze_now_and_then
from chaos.harness import IS_FULL, Model, desk

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600 if IS_FULL else 180)]


async def test_a_server_that_was_frozen_past_its_lease_shows_and_stores_nothing_of_what_was_taken_over(
    tmp_path: Path, postgres_url: str
) -> None:
    async with desk(tmp_path, database_url=postgres_url, model=Model(), lease_seconds=1.5) as ground:
        ground.crowd.start(30)
        await freeze_now_and_then(ground, times=100 if IS_FULL else 20)
        (await ground.judge()).assert_nothing_wrong()
