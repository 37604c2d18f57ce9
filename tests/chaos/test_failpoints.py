"""B4: processes that end before and after each commit and each call to the outside that a turn makes."""

from collections import Counter
from pathlib import Path

import pytest

from chaos.faults import kill_at_each_failpoint
from chaos.harness import IS_FULL, Model, desk
from chaos.instances import PLAIN, Instance
from deskhand.failpoints import Failpoint

pytestmark = [pytest.mark.serial, pytest.mark.timeout(1800 if IS_FULL else 240)]


@pytest.mark.parametrize(("database", "runs"), [("postgresql", 10 if IS_FULL else 1), ("sqlite", 5 if IS_FULL else 1)])
async def test_a_server_may_end_at_any_point_of_a_turn(tmp_path: Path, database: str, runs: int, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if database == "postgresql" else None
    # Long enough to be checkpointed, which is done every half second.
    async with desk(tmp_path, database_url=url, model=Model(tokens=20, first_ms=50, every_ms=35)) as ground:
        ground.crowd.start(20)
        died = await kill_at_each_failpoint(ground, runs=runs)
        assert Counter(died) == dict.fromkeys(Failpoint, runs)
        (await ground.judge()).assert_nothing_wrong()


@pytest.mark.parametrize(
    ("environment", "failpoints", "words"),
    [
        ("development", "accept.after_commit:1", "'testing' only"),
        ("testing", "accept.after_lunch:1", "is no failpoint; there are accept.before_commit"),
        ("testing", "accept.after_commit:0", "from 1"),
    ],
)
async def test_failpoints_are_refused_outside_of_tests_and_when_they_are_not_known(
    tmp_path: Path, environment: str, failpoints: str, words: str
) -> None:
    instance = Instance(tmp_path / "server", command=PLAIN, environment={"DESKHAND_ENVIRONMENT": environment})
    await instance.start(failpoints=failpoints)
    assert instance.has_ended
    assert "DESKHAND_FAILPOINTS" in instance.log
    assert words in instance.log
    await instance.close()
