"""B11: the chaos tests find bugs that are sown into the servers; else that they find nothing would prove nothing."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaos.customers import Loss
from chaos.faults import freeze_now_and_then, kill_now_and_then
from chaos.harness import IS_FULL, Desk, Model, Verdict, desk

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]


def talk_of_actions(_chance: random.Random, name: str) -> str:
    return f'{name} [model: tool name=pay_back arguments={{"order":"{name}"}}]'


async def cut_off(ground: Desk) -> Verdict:
    ground.crowd.loss.share = 0.4
    ground.crowd.start(20, messages=15)
    await ground.crowd.wait_until_quiet()
    ground.fault_ended()
    return await ground.judge()


async def freeze(ground: Desk) -> Verdict:
    ground.crowd.start(20)
    await freeze_now_and_then(ground, times=8)
    return await ground.judge(end_seconds=15, seen_seconds=3)


async def kill(ground: Desk) -> Verdict:
    ground.crowd.start(30)
    await kill_now_and_then(ground, times=4)
    return await ground.judge(end_seconds=10, seen_seconds=3)


async def kill_during_actions(ground: Desk) -> Verdict:
    ground.crowd.say = talk_of_actions
    ground.crowd.start(30)
    await kill_now_and_then(ground, times=6)
    return await ground.judge(end_seconds=15, seen_seconds=3)


@dataclass(frozen=True, slots=True)
class Seeded:
    """A bug, the fault that brings it out, and the promises of which at least one must be found broken."""

    bug: str
    fault: Callable[[Desk], Awaitable[Verdict]]
    breaks: tuple[str, ...]
    needs_postgresql: bool = False


EVERY_MERGE = (Seeded("a_repeated_send_is_stored_again", cut_off, ("S2",)),)
NIGHTLY = (
    Seeded("a_worker_that_was_overtaken_writes_on", freeze, ("S2", "S5", "S7"), needs_postgresql=True),
    Seeded("a_message_is_acknowledged_before_its_commit", kill, ("S1",)),
    Seeded("nobody_takes_over", kill, ("P5",)),
    Seeded("each_attempt_has_its_own_tool_keys", kill_during_actions, ("S9",)),
)


@pytest.mark.parametrize("seeded", [*EVERY_MERGE, *(NIGHTLY if IS_FULL else ())], ids=lambda seeded: seeded.bug)
async def test_a_bug_that_is_sown_is_found(tmp_path: Path, seeded: Seeded, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if seeded.needs_postgresql else None
    loss = Loss()
    async with desk(tmp_path, database_url=url, model=Model(tokens=10, first_ms=50, every_ms=40), bug=seeded.bug, loss=loss) as ground:
        verdict = await seeded.fault(ground)
    print(verdict, *verdict.wrong[:10], sep="\n")
    found = {word.rstrip(":") for each in verdict.wrong for word in each.split()[:2]}
    assert found & set(seeded.breaks), verdict.wrong[:10]
