"""B3: clients that hang up before they heard the acknowledgement, and send again."""

import random
from pathlib import Path

import pytest

from chaos.customers import Loss
from chaos.harness import DEFAULT_LEASE_SECONDS, IS_FULL, Model, desk
from chaos.instances import PLAIN

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600 if IS_FULL else 120)]

CUSTOMERS = 50
POSTS = {"sqlite": 10_000 if IS_FULL else 1_000, "postgresql": 10_000 if IS_FULL else 300}


def plain_talk(_chance: random.Random, name: str) -> str:
    return name


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_of_posts_that_are_cut_off_and_sent_again_none_is_lost_or_doubled(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if database == "postgresql" else None
    posts = POSTS[database]
    async with desk(
        tmp_path,
        database_url=url,
        model=Model(5, 0, 0),
        command=PLAIN,
        loss=Loss(share=0.3),
        lease_seconds=DEFAULT_LEASE_SECONDS,
    ) as ground:
        ground.crowd.say = plain_talk
        ground.crowd.start(CUSTOMERS, messages=posts // CUSTOMERS)
        await ground.crowd.wait_until_quiet()
        ground.fault_ended()
        verdict = await ground.judge()
        verdict.assert_nothing_wrong()
        assert verdict.acknowledged >= posts
        assert verdict.attempts > posts * 1.1
