"""`deskhand serve` as a process: what it says when it starts, why it does not, and how it ends."""

import asyncio
import signal
import socket
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets

from cli.program import Program
from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import answer

pytestmark = pytest.mark.serial


@dataclass
class Running:
    process: asyncio.subprocess.Process
    http: httpx2.AsyncClient
    banner: str

    async def until(self, path: str, so: Callable[[dict[str, Any]], bool]) -> None:
        """Ask until the answer is as wanted."""
        async with asyncio.timeout(10):
            while not so((await self.http.get(path)).json()):  # noqa: ASYNC110 - another process tells of nothing
                await asyncio.sleep(0.01)

    async def end(self, sent: signal.Signals = signal.SIGTERM) -> float:
        """Signal it and return the seconds it took to end."""
        started = time.monotonic()
        self.process.send_signal(sent)
        async with asyncio.timeout(20):
            await self.process.wait()
        return time.monotonic() - started


@asynccontextmanager
async def running(program: Program, **settings: str) -> AsyncIterator[Running]:
    process = await program.start("serve", **settings)
    assert process.stdout is not None
    lines = []
    async with asyncio.timeout(30):
        while not lines or "Ctrl+C" not in lines[-1]:
            line = await process.stdout.readline()
            assert line, (await process.stderr.read()).decode() if process.stderr else ""
            lines.append(line.decode())
    port = (program.settings | settings)["api_port"]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
        try:
            yield Running(process, http, "".join(lines))
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def test_it_says_where_to_click_once_it_answers_and_makes_a_staff_key(program: Program) -> None:
    async with running(program) as served:
        assert f"http://127.0.0.1:{program.settings['api_port']}/chat" in served.banner
        assert (await served.http.get("/health/ready")).status_code == 200
        kept = program.folder / "data" / "admin_key"
        key = kept.read_text().strip()
        assert key in served.banner
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert (await served.http.get("/api/sessions", headers={"X-API-Key": key})).status_code == 200
    async with running(program) as again:
        assert key in again.banner


async def test_a_busy_port_is_named_with_what_to_do(program: Program) -> None:
    with socket.create_server(("127.0.0.1", int(program.settings["api_port"]))):
        (await program.run("serve")).refused(program.settings["api_port"], "in use", "--port")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api_port": "http"}, ("DESKHAND_API_PORT", "integer")),
        ({"api_prot": "80"}, ("DESKHAND_API_PROT", "DESKHAND_API_PORT")),
        ({"data_dir": "/dev/null/data"}, ("DESKHAND_DATA_DIR",)),
        ({"log_file": "/dev/null/x.log"}, ("DESKHAND_LOG_FILE",)),
        ({"database_url": "mysql://host/db"}, ("sqlite", "postgresql")),
        ({"database_url": "postgresql://user:hunter22@127.0.0.1:1/db"}, ("cannot be reached", "DESKHAND_DATABASE_URL")),
        ({"database_url": "postgresql://user:hunter22@host..example/db"}, ("cannot be reached", "DESKHAND_DATABASE_URL")),
        ({"api_host": "no such host"}, ("DESKHAND_API_HOST",)),
        ({"api_host": "host..example"}, ("DESKHAND_API_HOST",)),
        ({"model": "openai:m", "model_base_url": "http://host..example/v1"}, ("DESKHAND_MODEL_BASE_URL",)),
        ({"trusted_proxies": "proxy.example"}, ("DESKHAND_TRUSTED_PROXIES",)),
        ({"environment": "production"}, ("DESKHAND_SECRET_KEY", "32")),
        ({"environment": "staging"}, ("deskhand migrate",)),
        ({"cors_origins": "*", "cors_allow_credentials": "true"}, ("DESKHAND_CORS_ORIGINS",)),
        ({"cors_origins": "shop.example"}, ("DESKHAND_CORS_ORIGINS", "https://")),
        ({"cors_origins": "https://shop.example/page"}, ("DESKHAND_CORS_ORIGINS", "https://")),
        ({"turn_timeout_seconds": "inf"}, ("DESKHAND_TURN_TIMEOUT_SECONDS", "finite")),
        ({"agent_tools": "search_knowledge,fly"}, ("fly",)),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_a_setting_that_is_not_right_stops_the_start_and_is_named(
    program: Program, settings: dict[str, str], words: tuple[str, ...]
) -> None:
    done = await program.run("serve", **settings)
    done.refused(*words)
    assert "hunter22" not in done.err + done.out


async def test_a_secret_may_be_in_a_file(program: Program, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 40 + "\n", encoding="utf-8")
    async with running(program, admin_api_key_file=str(key)) as served:
        assert "k" * 40 not in served.banner
        assert (await served.http.get("/api/sessions", headers={"X-API-Key": "k" * 40})).status_code == 200
    (await program.run("serve", admin_api_key_file=str(key), admin_api_key="x")).refused("DESKHAND_ADMIN_API_KEY_FILE", "both set")
    (await program.run("serve", admin_api_key_file=str(tmp_path / "none"))).refused("DESKHAND_ADMIN_API_KEY_FILE", "cannot be read")
    (await program.run("serve", api_port_file=str(key))).refused("DESKHAND_API_PORT_FILE", "not a setting")
    short = tmp_path / "short"
    short.write_text("hunter22\n", encoding="utf-8")
    done = await program.run("serve", environment="production", secret_key_file=str(short), admin_api_key_file=str(key))
    done.refused("DESKHAND_SECRET_KEY", "32")
    assert "hunter22" not in done.err + done.out


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_ends_soon_and_well(program: Program, sent: signal.Signals) -> None:
    async with running(program) as served:
        visitor = (await served.http.post("/api/sessions")).json()
        headers = {"Authorization": f"Bearer {visitor['token']}"}
        async with served.http.stream("GET", f"/api/sessions/{visitor['session_id']}/events", headers=headers) as stream:
            lines = stream.aiter_lines()
            await anext(lines)
            address = f"ws://127.0.0.1:{program.settings['api_port']}/ws?session_id={visitor['session_id']}"
            async with websockets.connect(address, subprotocols=["deskhand", f"token.{visitor['token']}"], proxy=None) as socket_:
                await socket_.recv()
                started = time.monotonic()
                ending = asyncio.create_task(served.end(sent))
                async with asyncio.timeout(5):
                    rest = [line async for line in lines]
                    await socket_.wait_closed()
                assert time.monotonic() - started <= 1.0
                assert socket_.close_code == 1012
                assert all(not line or line.startswith("id: ") for line in rest)
        assert await ending <= 5
        assert served.process.returncode == 0


async def test_a_server_that_is_stopped_while_it_still_loads_ends_without_a_fault(program: Program) -> None:
    async with running(program, knowledge_samples="true") as served:
        await served.end()
        assert served.process.returncode == 0
        assert served.process.stdout is not None
        assert served.process.stderr is not None
        said = await served.process.stdout.read() + await served.process.stderr.read()
    assert b"Traceback" not in said


async def test_while_a_turn_runs_out_a_draining_server_says_so_and_takes_nothing_new(program: Program, model_server: ModelServer) -> None:
    model_server.default = answer(20, between_seconds=0.1)
    async with running(program, model="openai:slow", model_base_url=model_server.base_url) as served:
        visitor = (await served.http.post("/api/sessions")).json()
        headers = {"Authorization": f"Bearer {visitor['token']}"}
        address = f"/api/chat/sessions/{visitor['session_id']}/messages"
        asking = asyncio.create_task(served.http.post(address, json={"message": "hello"}, headers=headers))
        await served.until("/", lambda body: body["stats"]["running_turns"] == 1)
        ending = asyncio.create_task(served.end())
        started = time.monotonic()
        await served.until("/health/ready", lambda body: body["services"] == {"server": "draining"})
        assert time.monotonic() - started <= 0.5
        refused = await served.http.post(address, json={"message": "more"}, headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (503, "draining")
        answered = await asking
        assert answered.status_code == 200, answered.text
        assert await ending <= 15
