"""`deskhand doctor`: each thing that can be wrong, made wrong, is found and comes with a remedy."""

import asyncio
import json
import re
import stat
from pathlib import Path

import pytest

from cli.program import Done, Program
from deskhand.settings import PREFIX, Settings
from deskhand.testing.model_server import ModelServer
from parts.ports import find_free_port

SECRET = "hunter2-hunter2"


def finding(done: Done, name: str) -> dict[str, str]:
    """What was found of one thing."""
    assert "Traceback" not in done.err
    checks: list[dict[str, str]] = json.loads(done.out)["checks"]
    return next(check for check in checks if check["name"] == name)


async def examine(program: Program, name: str, **settings: str) -> dict[str, str]:
    return finding(await program.run("doctor", "--json", **settings), name)


async def test_nothing_fails_in_an_empty_folder_and_nothing_is_made(program: Program) -> None:
    done = (await program.run("doctor")).went_well()
    assert "✗" not in done.out
    assert list(program.folder.iterdir()) == []


async def test_it_says_how_much_is_known(program: Program, handbook: Path) -> None:
    (await program.run("migrate")).went_well()
    assert (await examine(program, "Knowledge"))["verdict"] == "warn"
    (await program.run("ingest", str(handbook))).went_well()
    assert (await examine(program, "Knowledge"))["message"] == "3 documents"


async def test_a_bad_setting_does_not_stop_the_other_checks(program: Program) -> None:
    done = await program.run("doctor", "--json", api_port="many")
    assert done.code == 1
    assert "DESKHAND_API_PORT" in finding(done, "Settings")["message"]
    assert finding(done, "Embedding model")["verdict"] == "ok"


async def test_a_data_folder_that_is_a_file(program: Program) -> None:
    (program.folder / "data").write_text("", encoding="utf-8")
    found = await examine(program, "Data folder")
    assert found["verdict"] == "fail"
    assert "DESKHAND_DATA_DIR" in found["remedy"]


async def test_a_port_that_another_program_has(program: Program, model_server: ModelServer) -> None:
    port = model_server.base_url.split(":")[2].split("/")[0]
    found = await examine(program, "Port", api_port=port)
    assert found["verdict"] == "fail"
    assert "DESKHAND_API_PORT" in found["remedy"]


async def test_a_port_that_a_deskhand_has(program: Program) -> None:
    server = await program.start("serve")
    assert server.stdout is not None
    while b"Stop it" not in await server.stdout.readline():
        pass
    assert "which is running" in (await examine(program, "Port"))["message"]
    server.terminate()
    await server.communicate()


async def test_an_unmigrated_database(program: Program) -> None:
    found = await examine(program, "Database", environment="staging")
    assert found["verdict"] == "fail"
    assert "deskhand migrate" in found["remedy"]


async def test_a_database_that_does_not_answer(program: Program) -> None:
    done = await program.run("doctor", "--json", database_url=f"postgresql://desk:{SECRET}@127.0.0.1:{find_free_port()}/desk")
    assert finding(done, "Database")["verdict"] == "fail"
    assert SECRET not in done.out + done.err


async def test_where_the_index_is_to_be_kept_is_examined(program: Program, postgres_url: str) -> None:
    (await program.run("migrate")).went_well()
    assert "DESKHAND_KNOWLEDGE_INDEX=memory" in (await examine(program, "Search index", knowledge_index="postgresql"))["remedy"]
    (await program.run("migrate", database_url=postgres_url)).went_well()
    asked = {"database_url": postgres_url, "knowledge_index": "postgresql"}
    assert (await examine(program, "Search index", **asked))["message"].endswith("pgvector is set up at the next start")
    (await program.run("ask", "How do I reset my password?", **asked)).went_well()
    assert (await examine(program, "Search index", **asked))["message"] == "in PostgreSQL"


async def test_postgresql_is_examined_too(program: Program, postgres_url: str) -> None:
    (await program.run("migrate", database_url=postgres_url)).went_well()
    done = (await program.run("doctor", "--json", database_url=postgres_url)).went_well()
    assert "PostgreSQL" in finding(done, "Database")["message"]
    assert finding(done, "Tables")["verdict"] == "ok"


async def test_a_redis_that_answers_and_one_that_does_not(program: Program, redis_url: str) -> None:
    done = await program.run("doctor", "--json", redis_url=redis_url, session_redis_url=f"redis://:{SECRET}@127.0.0.1:{find_free_port()}/0")
    assert finding(done, "Redis for the cache")["verdict"] == "ok"
    assert finding(done, "Redis for sessions")["verdict"] == "warn"
    # Said once, and not before all else as an entry of a log.
    assert done.err == ""
    assert SECRET not in done.out + done.err


async def test_a_redis_that_does_not_accept_the_password_says_so(program: Program, redis_url: str) -> None:
    done = await program.run("doctor", "--json", redis_url=redis_url.replace("://", f"://:{SECRET}@"))
    assert finding(done, "Redis for the cache")["verdict"] == "warn"
    assert "password" in finding(done, "Redis for the cache")["message"]
    assert SECRET not in done.out + done.err


async def test_a_model_that_answers_and_one_that_does_not(program: Program, model_server: ModelServer) -> None:
    model = {"model": "openai:test", "model_api_key": SECRET}
    assert (await examine(program, "Model", **model, model_base_url=model_server.base_url))["verdict"] == "ok"
    done = await program.run("doctor", "--json", **model, model_base_url=f"http://127.0.0.1:{find_free_port()}/v1")
    found = finding(done, "Model")
    assert found["verdict"] == "fail"
    assert "DESKHAND_MODEL_BASE_URL" in found["remedy"]
    assert SECRET not in done.out + done.err


async def test_a_key_that_is_missing(program: Program) -> None:
    assert "DESKHAND_MODEL_API_KEY" in (await examine(program, "Model", model="openai:gpt"))["message"]


async def test_an_embedding_model_and_pages_that_are_missing(program: Program, without_model: dict[str, str]) -> None:
    done = await program.run("doctor", "--json", extra_environment=without_model)
    assert done.code == 1
    assert finding(done, "Embedding model")["verdict"] == "fail"
    assert "make pages" in finding(done, "Pages")["remedy"]


async def test_production_without_secrets(program: Program) -> None:
    done = await program.run("doctor", "--json", environment="production")
    assert done.code == 1
    assert "DESKHAND_SECRET_KEY" in finding(done, "Settings")["message"]


async def test_a_staff_key_that_others_can_read(program: Program) -> None:
    key = program.folder / "data" / "admin_key"
    key.parent.mkdir()
    key.write_text("dk_x", encoding="ascii")
    key.chmod(0o600 | stat.S_IROTH)
    assert (await examine(program, "Secrets"))["remedy"] == f"chmod 600 {Path('data/admin_key')}"


async def test_every_setting_is_listed_and_no_secret_is(program: Program) -> None:
    done = (
        await program.run(
            "doctor", "--settings", "--json", admin_api_key=SECRET, redis_url=f"redis://desk:{SECRET}@localhost/0", api_prefix="/v2"
        )
    ).went_well()
    rows = {row["name"]: row for row in json.loads(done.out)["settings"]}
    assert set(rows) == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert rows["DESKHAND_API_PREFIX"]["present"] == "/v2"
    assert rows["DESKHAND_REDIS_URL"]["present"] == "redis://localhost/0"
    assert rows["DESKHAND_ADMIN_API_KEY"]["changed"]
    assert all(row["purpose"] and row["allowed"] and row["default"] for row in rows.values())
    assert SECRET not in done.out + done.err


@pytest.mark.parametrize("option", ["doctor", "--settings"])
async def test_the_tables_for_people_have_no_escapes_in_a_pipe(program: Program, option: str) -> None:
    arguments = ["doctor"] if option == "doctor" else ["doctor", option]
    done = (await program.run(*arguments)).went_well()
    assert re.search("\x1b", done.out) is None


async def test_checks_do_not_hang(program: Program) -> None:
    """A database and a model that accept a connection and say nothing."""

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(40):
        done = await program.run(
            "doctor",
            "--json",
            database_url=f"postgresql://desk:desk@127.0.0.1:{port}/desk",
            redis_url=f"redis://127.0.0.1:{port}/0",
            model="openai:test",
            model_base_url=f"http://127.0.0.1:{port}/v1",
        )
    server.close()
    for writer in held:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in held), return_exceptions=True)
    assert finding(done, "Database")["verdict"] == "fail"
    assert finding(done, "Model")["verdict"] == "fail"
    assert finding(done, "Redis for the cache")["verdict"] == "warn"
