"""Migrations beside servers of the version before: they only add, nobody waits behind them, and who serves goes on."""

import ast
import asyncio
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

import deskhand.app
from api.serving import Served, serving, settings_in
from deskhand.persistence import Database, DatabaseTooNew, Transaction
from deskhand.persistence.migrations import HEAD, REVISIONS, check_schema, migrate, upgrade

VERSIONS = Path(deskhand.persistence.migrations.__file__).parent / "versions"
# What a version that knows nothing of it cannot stumble over.
ADDING = {"create_table", "create_index", "add_column", "alter_column", "batch_alter_table", "f", "get_context"}
LOCK = 0x74657374


@pytest.mark.parametrize("path", sorted(VERSIONS.glob("*.py"))[1:], ids=lambda path: path.stem)
def test_a_migration_only_adds(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    asked = {
        call.func.attr
        for call in calls
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id in ("op", "batch_op")
    }
    assert asked <= ADDING, f"{asked - ADDING}: the version before cannot go on beside this"
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name == "add_column":
            column = next(argument for argument in call.args if isinstance(argument, ast.Call))
            said = _said(column)
            assert said.get("nullable") == "True" or "server_default" in said, "the version before does not fill it"
        elif name == "alter_column":
            said = _said(call)
            may_be_empty = (set(said), said.get("nullable")) == ({"existing_type", "nullable"}, "True")
            is_ordered_anew = (set(said), said.get("type_")) == (
                {"existing_type", "type_"},
                f"{said['existing_type'][:-1]}, collation='C')",
            )
            assert may_be_empty or is_ordered_anew, "only a column that may be empty from now on, or has another order"


def _said(call: ast.Call) -> dict[str | None, str]:
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


async def test_of_two_that_migrate_at_once_one_does_and_nothing_is_lost(database_url: str) -> None:
    first, second = await Database.open(database_url), await Database.open(database_url)
    try:
        await first.write(lambda tx: upgrade(tx.connection, REVISIONS[-2]))
        await first.write(_add_session)
        await asyncio.gather(migrate(first), migrate(second))
        assert not await migrate(second)
        await check_schema(first)
        assert await first.read(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM session").scalar_one()) == 1
    finally:
        await first.close()
        await second.close()


def _add_session(tx: Transaction) -> None:
    table = sa.Table("session", sa.MetaData(), autoload_with=tx.connection)
    kinds = {"TEXT": "x", "VARCHAR": "x", "DOUBLE": 0.0, "DOUBLE PRECISION": 0.0, "INTEGER": 0, "BIGINT": 0, "BOOLEAN": False, "JSON": {}}
    values = {column.name: kinds[str(column.type).partition("(")[0]] for column in table.columns if not column.nullable}
    tx.execute(sa.insert(table).values(values))


def _newer(tx: Transaction) -> None:
    """What a later version may do: columns, a table and an index more."""
    for statement in (
        "ALTER TABLE message ADD COLUMN mood text",
        "ALTER TABLE turn ADD COLUMN mood text DEFAULT 'calm' NOT NULL",
        "CREATE TABLE mood (id text PRIMARY KEY)",
        "CREATE INDEX ix_turn_mood ON turn (mood)",
        "UPDATE alembic_version SET version_num = '9999'",
    ):
        tx.connection.exec_driver_sql(statement).close()


@pytest.mark.serial
async def test_customers_are_answered_while_a_newer_version_migrates(tmp_path: Path, postgres_url: str) -> None:
    async with serving(settings_in(tmp_path, database_url=postgres_url)) as served:
        newer = await Database.open(postgres_url)
        slow = await Database.open(postgres_url)
        ended = asyncio.Event()
        talking = [asyncio.create_task(_talk(served, ended)) for _ in range(4)]
        try:
            # A long report reads a table that is to be changed: whoever wants to change it waits, and all others behind that one.
            reading, done = asyncio.Event(), asyncio.Event()
            report = asyncio.create_task(slow.read(lambda connection: _read_slowly(connection, reading, done)))
            await reading.wait()
            migrating = asyncio.create_task(newer.alter(_newer, lock=LOCK))
            await asyncio.sleep(5)
            assert not migrating.done()
            done.set()
            await report
            async with asyncio.timeout(15):
                await migrating
            ready = await served.http.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
            assert ready.json()["services"]["tables"] == "migrated by a newer version"
            ended.set()
            told = [await one for one in talking]
        finally:
            ended.set()
            await newer.close()
            await slow.close()
        assert all(said > 3 for said, _ in told)
        # What a change of the tables waits for its lock, and a little for the machine.
        assert max(longest for _, longest in told) < 4
    late = await Database.open(postgres_url)
    with pytest.raises(DatabaseTooNew, match=HEAD):
        await check_schema(late)
    await late.close()


async def _talk(served: Served, ended: asyncio.Event) -> tuple[int, float]:
    """How many messages were answered, and the longest time that one took."""
    visitor = await served.visitor()
    said, longest = 0, 0.0
    while not ended.is_set():
        began = time.monotonic()
        answer = await served.say(visitor, f"Message {said}")
        longest = max(longest, time.monotonic() - began)
        assert answer.status_code == 200, answer.text
        said += 1
    return said, longest


def _read_slowly(connection: sa.Connection, reading: asyncio.Event, done: asyncio.Event) -> None:
    connection.exec_driver_sql("SELECT count(*) FROM message").close()
    reading.set()
    sa.util.await_only(done.wait())
