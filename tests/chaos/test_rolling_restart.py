"""B6: one server after the other is told to stop and started again, while customers talk to both.

DESKHAND_CHAOS_OLD names a checkout of an older version, from which the servers begin: the database is migrated under them, and each is
replaced by the present version while the other goes on. If both versions have the same tables, they go back and forth as well.
"""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from chaos.harness import DEFAULT_LEASE_SECONDS, IS_FULL, Desk, Model, desk
from chaos.instances import PLAIN, Instance
from deskhand.persistence import Database
from deskhand.persistence.migrations import migrate

OLD = Path(os.environ["DESKHAND_CHAOS_OLD"]).absolute() if "DESKHAND_CHAOS_OLD" in os.environ else None
pytestmark = [pytest.mark.serial, pytest.mark.timeout(600 if IS_FULL or OLD else 180)]

ROUNDS = 3 if IS_FULL else 1
CUSTOMERS = 30
# What is said to two versions before the next server is replaced.
SAID_TO_BOTH = 100
EXIT_SECONDS = 15.0


async def test_nothing_is_lost_when_the_servers_are_renewed_one_after_the_other(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    settings = {"database_url": postgres_url, "redis_url": redis_url, "command": PLAIN, "lease_seconds": DEFAULT_LEASE_SECONDS}
    async with desk(tmp_path, model=Model(), checkout=OLD, **settings) as ground:
        ground.crowd.say = lambda _chance, name: name
        ground.crowd.start(CUSTOMERS)
        was_migrated = await migrated_under_load(ground)
        for instance, checkout in renewals(ground, goes_back=not was_migrated):
            await until_busy(ground)
            told_at = time.monotonic()
            instance.send(signal.SIGTERM)
            await instance.wait_until_ended(seconds=EXIT_SECONDS)
            print(f"{instance.folder.name} ended after {time.monotonic() - told_at:.1f} s; next {checkout or 'the present code'}")
            # What an older version logs nobody can change any more.
            assert instance.checkout is not None or "Traceback" not in instance.log, instance.log
            instance.checkout = checkout
            await instance.restart()
        ground.fault_ended()
        verdict = await ground.judge()
        verdict.assert_nothing_wrong()
        # Turns are handed over, none is left to run out of its lease and be failed.
        assert verdict.ended.keys() == {"completed"}


def renewals(ground: Desk, *, goes_back: bool) -> list[tuple[Instance, Path | None]]:
    """Which server is replaced next, and by which code: None for the present."""
    to_present: list[tuple[Instance, Path | None]] = [(instance, None) for instance in ground.instances]
    if OLD is None:
        return to_present * ROUNDS
    to_old: list[tuple[Instance, Path | None]] = [(instance, OLD) for instance in ground.instances]
    return to_present + (to_old + to_present) * ROUNDS if goes_back else to_present


async def migrated_under_load(ground: Desk) -> bool:
    """Bring the database to the present version; False if it was there already."""
    await until_busy(ground)
    database = await Database.open(ground.database_url)
    try:
        return await migrate(database)
    finally:
        await database.close()


async def until_busy(ground: Desk) -> None:
    """Until a third of the customers are being answered; beside an older version, until both were told enough as well."""
    wanted = count_acknowledged(ground) + (SAID_TO_BOTH if OLD else 0)
    async with asyncio.timeout(180 if OLD else 60):
        while await ground.count_running() < CUSTOMERS // 3 or count_acknowledged(ground) < wanted:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


def count_acknowledged(ground: Desk) -> int:
    return sum(sent.acknowledged is not None for customer in ground.crowd.everybody for sent in customer.sent)
