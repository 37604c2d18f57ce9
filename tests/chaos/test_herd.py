"""C7: a server dies, and all who read from it come to the other at once."""

import asyncio
import time
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from chaos.customers import QUICK
from chaos.harness import IS_FULL, Desk, Model, desk
from chaos.instances import PLAIN, Instance
from deskhand.persistence import Database
from deskhand.testing.herd import Follower, Herd, Transport
from parts.postgres import PostgresServer

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600 if IS_FULL else 120)]

STREAMS, SOCKETS, TALKING = (2_000, 500, 100) if IS_FULL else (200, 50, 20)
BACK_SECONDS = 10.0
MOST_KIB = 40.0
# Whose the token is, and where the session stands: who comes alone asks both, and once it hears the other server looks once more. Those who
# come together ask together.
MOST_TRANSACTIONS = 2.0 if IS_FULL else 3.0
# What is not the readers': what two servers that do nothing take by themselves, and an answer that is begun, and taken over.
IDLE_TRANSACTIONS_A_SECOND, TRANSACTIONS_OF_A_TURN = 14, 16
# A connection of PostgreSQL tells of its transactions a second late, or when it ends.
TOLD_SECONDS = 1.5
ANSWERED_SECONDS = 40.0
OPENERS = 8


async def open_followers(ground: Desk, instance: Instance) -> list[Follower]:
    kinds = [Transport.SSE] * STREAMS + [Transport.WEBSOCKET] * SOCKETS
    ground.chance.shuffle(kinds)
    followers: list[Follower] = []

    async def open_some() -> None:
        while kinds:
            kind = kinds.pop()
            async with ground.crowd.http.post(f"{instance.base}/api/sessions", json={}, timeout=QUICK) as response:
                opened = await response.json()
            followers.append(Follower(kind, instance.base, session_id=opened["session_id"], token=opened["token"]))

    await asyncio.gather(*(open_some() for _ in range(OPENERS)))
    return followers


async def say(ground: Desk, base: str, follower: Follower) -> None:
    url = f"{base}/api/chat/sessions/{follower.session_id}/messages"
    headers = {"Authorization": f"Bearer {follower.token}", "Prefer": "respond-async"}
    async with ground.crowd.http.post(url, json={"message": "Hello"}, headers=headers, timeout=QUICK) as response:
        assert response.status == 202


def count_transactions(server: PostgresServer, url: str) -> int:
    name = url.rpartition("/")[2]
    return int(server.run_sql(f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{name}'"))


async def last_seqs(url: str, followers: list[Follower]) -> list[int]:
    database = await Database.open(url)
    try:
        rows = await database.read(lambda connection: connection.execute(sa.text("SELECT id, last_seq FROM session")).all())
    finally:
        await database.close()
    stored = {row.id: int(row.last_seq) for row in rows}
    return [stored[follower.session_id] for follower in followers]


async def until_ended(url: str) -> None:
    database = await Database.open(url)
    try:
        async with asyncio.timeout(ANSWERED_SECONDS):
            count = sa.text("SELECT count(*) FROM turn WHERE ended_at IS NULL")
            while await database.read(lambda connection: connection.execute(count).scalar_one()):  # noqa: ASYNC110 - other processes end them
                await asyncio.sleep(0.1)
    finally:
        await database.close()


async def test_all_readers_of_a_server_that_died_come_back_to_the_other_and_miss_nothing(
    tmp_path: Path, postgres_server: PostgresServer, postgres_url: str, redis_url: str
) -> None:
    model = Model(tokens=40, first_ms=100, every_ms=50)
    async with desk(tmp_path, database_url=postgres_url, redis_url=redis_url, model=model, command=PLAIN) as ground:
        first, second = ground.instances
        followers = await open_followers(ground, first)
        herd = Herd(followers)
        try:
            await herd.gather()
            await asyncio.sleep(TOLD_SECONDS)
            counted_at, transactions = time.monotonic(), count_transactions(postgres_server, postgres_url)
            await asyncio.gather(*(say(ground, first.base, follower) for follower in followers[:TALKING]))
            process = psutil.Process(second.pid)
            resident = process.memory_info().rss
            for follower in followers:
                follower.base = second.base
            dropped_at = time.monotonic()
            await first.kill()
            cpu_before = sum(process.cpu_times()[:2])
            waits = sorted(await herd.back_after(dropped_at, seconds=3 * BACK_SECONDS))
            cpu_ms = (sum(process.cpu_times()[:2]) - cpu_before) * 1000 / len(followers)
            each_kib = (process.memory_info().rss - resident) / 1024 / len(followers)
            await asyncio.sleep(TOLD_SECONDS)
            others = IDLE_TRANSACTIONS_A_SECOND * (time.monotonic() - counted_at) + TRANSACTIONS_OF_A_TURN * TALKING
            each_transactions = (count_transactions(postgres_server, postgres_url) - transactions - others) / len(followers)
            await first.start()
            ground.fault_ended()
            await until_ended(postgres_url)
            behind = await herd.until_seen(await last_seqs(postgres_url, followers), seconds=10)
            p99 = waits[int(0.99 * (len(waits) - 1))]
            print(
                f"{len(followers)} readers back within {waits[-1]:.1f} s (p99 {p99:.1f} s), {each_kib:.1f} KiB,"
                f" {each_transactions:.1f} transactions and {cpu_ms:.1f} ms of CPU each, {len(behind)} of them behind"
            )
            assert waits[-1] <= BACK_SECONDS
            assert behind == []
            assert [follower.session_id for follower in followers if follower.doubled] == []
            assert each_transactions <= MOST_TRANSACTIONS
            if IS_FULL:
                # Of a few, what a process takes once would count as theirs.
                assert each_kib <= MOST_KIB
        finally:
            await herd.close()
