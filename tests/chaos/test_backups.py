"""B9: a backup that is taken while customers talk, and restored elsewhere."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from chaos.harness import MAX_ATTEMPTS, SHORT_LEASE_SECONDS, Desk, Model, desk
from chaos.instances import PLAIN, Instance
from cli.program import Program
from deskhand.persistence import Database
from parts.postgres import PostgresServer
from turns.history import check_history, read_history

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

CUSTOMERS = 20
ACKNOWLEDGED_BEFORE = 50
END_SECONDS = 30.0
TEA = "# Tea\n\nWe ship tea on Mondays and Thursdays.\n"


@dataclass(frozen=True)
class Promise:
    """A message that was acknowledged."""

    session_id: str
    client_message_id: str
    content: str
    turn_id: str | None


def promises(ground: Desk) -> list[Promise]:
    return [
        Promise(customer.session_id, sent.client_message_id, sent.content, sent.acknowledged.turn_id)
        for customer in ground.crowd.everybody
        for sent in customer.sent
        if sent.acknowledged is not None
    ]


@asynccontextmanager
async def served(folder: Path, url: str) -> AsyncIterator[Instance]:
    """A server that answers without a model."""
    environment = {
        "DESKHAND_ENVIRONMENT": "testing",
        "DESKHAND_DATABASE_URL": url,
        "DESKHAND_TURN_LEASE_SECONDS": str(SHORT_LEASE_SECONDS),
        "DESKHAND_TURN_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
    }
    instance = Instance(folder, command=PLAIN, environment=environment)
    try:
        await instance.start()
        yield instance
    finally:
        await instance.close()


async def judge(url: str, kept: list[Promise]) -> list[str]:
    """What is missing or wrong in a database that a server works on; waits for the turns to end."""
    database = await Database.open(url)
    try:
        limit = time.monotonic() + END_SECONDS
        open_turns = sa.text("SELECT count(*) FROM turn WHERE ended_at IS NULL")
        while await database.read(lambda connection: connection.execute(open_turns).scalar_one()):
            if time.monotonic() > limit:
                return [f"P5: turns are open {END_SECONDS:g} s after the start"]
            await asyncio.sleep(0.1)

        def read(connection: sa.Connection) -> list[str]:
            ids = connection.execute(sa.text("SELECT id FROM session")).scalars().all()
            read_all = {each: read_history(lambda sql, given: connection.execute(sa.text(sql), given).all(), each) for each in ids}
            wrong = [
                f"{each} {fault}" for each, found in read_all.items() if found for fault in check_history(found, max_attempts=MAX_ATTEMPTS)
            ]
            there = {
                (message.session_id, message.client_message_id, message.content, message.turn_id)
                for message in connection.execute(sa.text("SELECT session_id, client_message_id, content, turn_id FROM message"))
            }
            return wrong + [
                f"S1: {each} is lost" for each in kept if (each.session_id, each.client_message_id, each.content, each.turn_id) not in there
            ]

        return await database.read(read)
    finally:
        await database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_backup_under_load_has_every_message_that_was_acknowledged_before_it(
    tmp_path: Path, postgres_server: PostgresServer, kind: str
) -> None:
    urls = [f"sqlite:///{tmp_path / name / 'deskhand.db'}" for name in ("desk", "elsewhere")]
    if kind == "postgresql":
        urls = [postgres_server.create_database(), postgres_server.create_database()]
    for name in ("desk", "elsewhere", "handbook"):
        (tmp_path / name).mkdir()
    (tmp_path / "handbook" / "tea.md").write_text(TEA, encoding="utf-8")
    program = Program(tmp_path, environment="testing", log_level="ERROR")
    ground_url = urls[0] if kind == "postgresql" else None
    async with desk(tmp_path / "desk", database_url=ground_url, model=Model(), command=PLAIN) as ground:
        (await program.run("ingest", "handbook", database_url=ground.database_url)).went_well()
        ground.crowd.say = lambda _chance, name: name
        ground.crowd.start(CUSTOMERS)
        async with asyncio.timeout(60):
            while len(promises(ground)) < ACKNOWLEDGED_BEFORE:  # noqa: ASYNC110 - customers do not tell
                await asyncio.sleep(0.05)
        backup, kept = await back_up_under_load(program, ground, tmp_path)
    (await program.run("restore", str(backup), database_url=urls[1])).went_well()
    async with served(tmp_path / "server", urls[1]) as instance:
        assert await judge(urls[1], kept) == []
        assert "Mondays" in await ask(instance, "When do you ship tea?")


async def back_up_under_load(program: Program, ground: Desk, folder: Path) -> tuple[Path, list[Promise]]:
    """Take backups until somebody said something while one was taken; returns that one and what was acknowledged before it."""
    async with asyncio.timeout(60):
        numbers = itertools.count()
        while True:
            backup = folder / f"backup{next(numbers)}.zip"
            kept = promises(ground)
            (await program.run("backup", str(backup), database_url=ground.database_url)).went_well()
            if len(promises(ground)) > len(kept):
                return backup, kept


async def ask(instance: Instance, question: str) -> str:
    """An answer with its sources."""
    async with aiohttp.ClientSession(instance.base) as http:
        async with http.post("/api/sessions", json={}) as response:
            opened = await response.json()
        headers = {"Authorization": f"Bearer {opened['token']}"}
        async with http.post(
            f"/api/chat/sessions/{opened['session_id']}/messages", json={"message": question}, headers=headers
        ) as response:
            answer = await response.json()
    assert answer["sources"], answer
    return json.dumps(answer["message"])
