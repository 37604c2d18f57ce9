"""nginx and Caddy with the configuration of deploy/, before one Deskhand that answers slowly and one that is not there."""

import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from chaos.instances import PLAIN, Instance, ModelProcess
from cli.program import Program
from deploy.files import DEPLOY, ROOT
from parts.child import ServerProcess
from parts.ports import find_free_port

pytestmark = pytest.mark.serial

KEY = "k" * 32
UNPACKED = ROOT / "build" / "proxies" / "usr"
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/deskhand.conf;
}}
"""


def find(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:{UNPACKED / 'sbin'}:{UNPACKED / 'bin'}")
    if found is None:
        pytest.skip(f"there is no {name}: run `make proxies`, or install it")
    return found


def start_nginx(folder: Path, *, port: int, upstreams: list[int]) -> ServerProcess:
    text = (DEPLOY / "nginx" / "deskhand.conf").read_text(encoding="utf-8")
    for theirs, ours in {8080: port, 8081: upstreams[0], 8082: upstreams[1]}.items():
        text, count = re.subn(rf"\b{theirs}\b", str(ours), text)
        assert count == 1, theirs
    (folder / "deskhand.conf").write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder), encoding="utf-8")
    return ServerProcess((find("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")), folder=folder)


def start_caddy(folder: Path, *, port: int, upstreams: list[int]) -> ServerProcess:
    environment = {
        "HOME": str(folder),
        "SITE": f"http://:{port}",
        "UPSTREAMS": "to " + " ".join(f"127.0.0.1:{each}" for each in upstreams),
    }
    file = DEPLOY / "caddy" / "Caddyfile"
    return ServerProcess((find("caddy"), "run", "--adapter", "caddyfile", "--config", str(file)), folder=folder, environment=environment)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Instance]:
    model = ModelProcess(tmp_path / "model", tokens=8, first_ms=50, every_ms=150)
    environment = {
        "DESKHAND_ENVIRONMENT": "testing",
        "DESKHAND_LOG_LEVEL": "WARNING",
        "DESKHAND_ADMIN_API_KEY": KEY,
        "DESKHAND_RATE_LIMIT_REQUESTS": "10000",
        "DESKHAND_EVIDENCE_GATE": "off",
        "DESKHAND_MODEL": "openai:test",
        "DESKHAND_MODEL_BASE_URL": model.base_url,
        "DESKHAND_TRUSTED_PROXIES": "127.0.0.1",
    }
    instance = Instance(tmp_path / "server", command=PLAIN, environment=environment)
    try:
        model.wait_until_ready()
        await instance.start()
        yield instance
    finally:
        await instance.close()
        model.close()


@pytest.mark.parametrize("start", [start_nginx, start_caddy], ids=["nginx", "caddy"])
async def test_every_transport_passes_at_once_and_who_is_not_there_is_not_asked(
    program: Program, server: Instance, tmp_path: Path, start: object
) -> None:
    folder = tmp_path / "proxy"
    folder.mkdir()
    port = find_free_port()
    assert callable(start)
    proxy: ServerProcess = start(folder, port=port, upstreams=[find_free_port(), server.port])
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession(url) as http:
            await _until_healthy(http)
            async with http.get("/metrics") as answer:
                assert answer.status == 404
            # A page of the address that customers use may open a socket; another may not.
            assert await _socket_status(http, origin=url) == 101
            assert await _socket_status(http, origin="http://evil.example") != 101
        plan = ("--at-once", "6", "--seconds", "2", "--turns", "2", "--think", "0.1", "--idle", "5", "--json")
        done = (await program.run("loadtest", url, *plan)).went_well()
    finally:
        proxy.stop(with_signal=signal.SIGTERM)
    found = json.loads(done.out)
    assert found["faults"] == []
    # Eight tokens, 150 ms apart: what is buffered comes all at the end.
    assert found["figures"]["end_p50_ms"] - found["figures"]["first_p50_ms"] > 500


async def _until_healthy(http: aiohttp.ClientSession) -> None:
    for _ in range(600):
        try:
            async with http.get("/health/ready") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
    raise AssertionError("the proxy does not lead to the server")


async def _socket_status(http: aiohttp.ClientSession, *, origin: str) -> int:
    async with http.post("/api/sessions", json={}) as answer:
        opened = await answer.json()
    try:
        async with http.ws_connect(
            f"/ws?session_id={opened['session_id']}", protocols=("deskhand", f"token.{opened['token']}"), headers={"Origin": origin}
        ) as socket:
            return 101 if (await socket.receive()).type is aiohttp.WSMsgType.TEXT else socket.close_code or 0
    except aiohttp.WSServerHandshakeError as error:
        return error.status
