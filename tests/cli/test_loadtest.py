"""`deskhand loadtest` against real servers: one that works, one that is killed meanwhile, one behind something that eats events."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from chaos.instances import PLAIN, Instance, ModelProcess
from cli.program import Program
from parts.ports import find_free_port

KEY = "k" * 32
ENVIRONMENT = {"DESKHAND_ENVIRONMENT": "testing", "DESKHAND_LOG_LEVEL": "WARNING", "DESKHAND_ADMIN_API_KEY": KEY}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Instance]:
    instance = Instance(tmp_path / "server", command=PLAIN, environment=ENVIRONMENT)
    try:
        await instance.start()
        yield instance
    finally:
        await instance.close()


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n", encoding="ascii")
    return str(path)


def count_sessions(server: Instance) -> int:
    connection = sqlite3.connect(server.folder / "data" / "deskhand.db")
    try:
        return int(connection.execute("SELECT count(*) FROM session").fetchone()[0])
    finally:
        connection.close()


async def test_it_measures_each_transport_and_leaves_nothing_behind(program: Program, server: Instance, key_file: str) -> None:
    plan = ("--rate", "6", "--seconds", "3", "--turns", "2", "--think", "0.1", "--idle", "20", "--key-file", key_file)
    done = (await program.run("loadtest", server.base, *plan, "--json", "--fail-over", "end_p99_ms=60000")).went_well()
    found = json.loads(done.out)
    figures = found["figures"]
    assert found["faults"] == []
    assert found["errors"] == {}
    assert figures["answers"] == figures["messages"] == 2 * figures["conversations"] > 10
    for name in ("ack_p50_ms", "first_p50_ms", "rest_end_p50_ms", "sse_end_p50_ms", "websocket_end_p99_ms", "open_p95_ms", "late_p99_ms"):
        assert figures[name] >= 0
    assert figures["ack_p50_ms"] <= figures["end_p50_ms"]
    assert count_sessions(server) == 0


async def test_a_figure_beyond_its_bound_ends_it_with_1(program: Program, server: Instance) -> None:
    plan = ("--at-once", "2", "--seconds", "1", "--turns", "5", "--think", "0.2", "--keep", "--transport", "rest")
    bounds = ("--fail-over", "end_p50_ms=0.001", "--fail-over", "errors=0", "--fail-over", "first_p50_ms=1000")
    done = await program.run("loadtest", server.base, *plan, *bounds)
    done.refused("end_p50_ms is", "its bound is 0.001", "first_p50_ms was not measured")
    assert "Nothing was lost" in done.out
    assert count_sessions(server) >= 2


async def test_what_is_asked_for_wrongly_is_said_before_anybody_comes(program: Program, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{find_free_port()}"
    (await program.run("loadtest", nowhere)).refused("There is no Deskhand")
    (await program.run("loadtest", nowhere, "--fail-over", "speed=1")).refused("speed", "end_p95_ms", code=2)
    (await program.run("loadtest", nowhere, "--key-file", str(tmp_path / "none"))).refused("cannot be read", code=2)


@pytest.mark.serial
async def test_customers_of_a_server_that_is_killed_come_back_and_miss_nothing(program: Program, server: Instance, key_file: str) -> None:
    plan = ("--at-once", "12", "--seconds", "5", "--turns", "4", "--think", "0.3", "--key-file", key_file)
    testing = await program.start("loadtest", server.base, *plan, "--json")
    async with asyncio.timeout(60):
        while count_sessions(server) < 12:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)
    await server.restart()
    out, err = await testing.communicate()
    assert testing.returncode == 0, f"{out.decode()}\n{err.decode()}"
    found = json.loads(out)
    assert found["faults"] == []
    assert found["errors"], "nobody noticed that the server was killed"
    assert found["figures"]["answers"] == found["figures"]["messages"]


@asynccontextmanager
async def eater(server: Instance) -> AsyncIterator[str]:
    """Passes everything on, but for one event of text in each stream."""
    runner = web.AppRunner(web.Application())

    async def pass_on(request: web.Request) -> web.StreamResponse:
        async with aiohttp.ClientSession() as http:
            headers = {name: value for name, value in request.headers.items() if name != "Host"}
            body = await request.read()
            async with http.request(request.method, f"{server.base}{request.path_qs}", headers=headers, data=body) as answer:
                response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]})
                await response.prepare(request)
                content = await answer.read()
                frames = content.split(b"\n\n")
                texts = [frame for frame in frames if b"event: text" in frame]
                await response.write(b"\n\n".join(frame for frame in frames if frame not in texts[:1]))
        return response

    runner.app.router.add_route("*", "/{path:.*}", pass_on)
    await runner.setup()
    port = find_free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_an_event_that_is_lost_on_the_way_is_found(program: Program, tmp_path: Path) -> None:
    model = ModelProcess(tmp_path / "model", tokens=6, first_ms=20, every_ms=120)
    environment = ENVIRONMENT | {
        "DESKHAND_MODEL": "openai:test",
        "DESKHAND_MODEL_BASE_URL": model.base_url,
        "DESKHAND_EVIDENCE_GATE": "off",
    }
    server = Instance(tmp_path / "server", command=PLAIN, environment=environment)
    try:
        model.wait_until_ready()
        await server.start()
        async with eater(server) as url:
            plan = ("--at-once", "1", "--seconds", "1", "--turns", "1", "--transport", "sse")
            done = await program.run("loadtest", url, *plan)
    finally:
        await server.close()
        model.close()
    done.refused("lost, doubled or out of order")
    assert "characters" in done.out
