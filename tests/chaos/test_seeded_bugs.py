"""B11: the chaos tests find bugs that are sown into the servers; else that they find nothing would prove nothing."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum, auto
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


async def talk_in_bursts(ground: Desk) -> Verdict:
    ground.crowd.start(20, messages=15)
    await asyncio.sleep(8)
    ground.fault_ended()
    return await ground.judge(end_seconds=5, seen_seconds=3)


async def kill_during_actions(ground: Desk) -> Verdict:
    ground.crowd.say = talk_of_actions
    ground.crowd.start(30)
    await kill_now_and_then(ground, times=6)
    return await ground.judge(end_seconds=15, seen_seconds=3)


class Servers(StrEnum):
    """One on SQLite; two on PostgreSQL; the same with Redis."""

    ONE = auto()
    TWO = auto()
    TWO_TOLD_BY_REDIS = auto()


@dataclass(frozen=True, slots=True)
class Seeded:
    """A bug, the fault that brings it out, and the promises of which at least one must be found broken."""

    bug: str
    fault: Callable[[Desk], Awaitable[Verdict]]
    breaks: tuple[str, ...]
    servers: Servers = Servers.ONE


EVERY_MERGE = (
    Seeded("a_repeated_send_is_stored_again", cut_off, ("S2",)),
    Seeded("what_the_bus_loses_is_not_missed", talk_in_bursts, ("P6",), Servers.TWO_TOLD_BY_REDIS),
)
NIGHTLY = (
    Seeded("a_worker_that_was_overtaken_writes_on", freeze, ("S2", "S5", "S7"), Servers.TWO),
    Seeded("a_message_is_acknowledged_before_its_commit", kill, ("S1",)),
    Seeded("nobody_takes_over", kill, ("P5",)),
    Seeded("each_attempt_has_its_own_tool_keys", kill_during_actions, ("S9",)),
    Seeded("two_turns_of_a_session_run_at_once", talk_in_bursts, ("S3", "S7", "S11"), Servers.TWO),
    Seeded("who_comes_back_is_given_one_event_too_few", talk_in_bursts, ("P6",)),
)


@pytest.mark.parametrize("seeded", [*EVERY_MERGE, *(NIGHTLY if IS_FULL else ())], ids=lambda seeded: seeded.bug)
async def test_a_bug_that_is_sown_is_found(tmp_path: Path, seeded: Seeded, request: pytest.FixtureRequest) -> None:
    url = None if seeded.servers is Servers.ONE else request.getfixturevalue("postgres_url")
    redis_url = request.getfixturevalue("redis_url") if seeded.servers is Servers.TWO_TOLD_BY_REDIS else None
    model = Model(tokens=10, first_ms=50, every_ms=40)
    async with desk(tmp_path, database_url=url, redis_url=redis_url, model=model, bug=seeded.bug, loss=Loss()) as ground:
        verdict = await seeded.fault(ground)
    print(verdict, *verdict.wrong[:10], sep="\n")
    found = {word.rstrip(":") for each in verdict.wrong for word in each.split()[:2]}
    assert found & set(seeded.breaks), verdict.wrong[:10]
