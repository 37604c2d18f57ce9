"""B1: processes that are killed while fifty customers talk."""

from pathlib import Path

import pytest

from chaos.faults import kill_now_and_then
from chaos.harness import IS_FULL, Model, desk

pytestmark = [pytest.mark.serial, pytest.mark.timeout(3600 if IS_FULL else 240)]


async def test_of_two_servers_one_is_killed_and_nothing_is_lost_doubled_or_out_of_order(tmp_path: Path, postgres_url: str) -> None:
    async with desk(tmp_path, database_url=postgres_url, model=Model()) as ground:
        ground.crowd.start(50)
        await kill_now_and_then(ground, times=200 if IS_FULL else 20)
        (await ground.judge()).assert_nothing_wrong()


async def test_the_only_server_is_killed_and_nothing_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    async with desk(tmp_path, database_url=None, model=Model()) as ground:
        ground.crowd.start(50)
        await kill_now_and_then(ground, times=60 if IS_FULL else 6)
        (await ground.judge()).assert_nothing_wrong()
