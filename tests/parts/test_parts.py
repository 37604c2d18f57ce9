"""The parts that other tests stand on are real, empty and end with the tests."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from playwright.async_api import async_playwright

from deskhand.persistence import Database
from parts.network import NetworkBanned
from parts.postgres import PostgresServer
from parts.valkey import ValkeyServer


async def test_postgres_answers_and_carries_pgvector(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("CREATE EXTENSION vector")
        assert await connection.fetchval("SELECT '[1,2]'::vector <-> '[1,3]'::vector") == 1
        assert await connection.fetchval("SELECT current_setting('server_version_num')::int / 10000") == 18
    finally:
        await connection.close()


@pytest.mark.parametrize("run", [1, 2])
async def test_each_test_gets_an_empty_postgres_database(postgres_url: str, run: int) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("CREATE TABLE leftover (id int)")
    finally:
        await connection.close()


async def test_a_database_is_dropped_while_someone_is_connected(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    connection = await asyncpg.connect(url)
    postgres_server.drop_database(url)
    with pytest.raises(asyncpg.PostgresError):
        await connection.fetchval("SELECT 1")


async def test_a_postgres_of_its_own_is_restarted_and_keeps_its_rows(own_postgres_server: PostgresServer) -> None:
    own_postgres_server.run_sql("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)")
    first = own_postgres_server.pid
    own_postgres_server.restart(with_signal=signal.SIGQUIT)
    assert own_postgres_server.pid != first
    assert own_postgres_server.run_sql("SELECT id FROM kept") == "7"


@pytest.mark.parametrize("run", [1, 2])
async def test_each_test_gets_an_empty_redis(redis_url: str, run: int) -> None:
    client = redis.asyncio.from_url(redis_url)
    assert await client.dbsize() == 0
    await client.set("key", "value")
    assert await client.get("key") == b"value"
    await client.aclose()


def test_a_valkey_of_its_own_stops_and_starts_on_its_port(own_valkey_server: ValkeyServer) -> None:
    own_valkey_server.stop()
    with pytest.raises(ConnectionRefusedError):
        own_valkey_server.run("PING")
    own_valkey_server.start()
    assert own_valkey_server.run("PING") == b"+PONG\r\n"


async def test_both_databases_open(database_url: str) -> None:
    database = await Database.open(database_url)
    try:
        assert database_url.startswith(database.dialect)
    finally:
        await database.close()


async def test_chromium_shows_a_page_and_resolves_no_name(chromium_path: Path, chromium_arguments: tuple[str, ...]) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=list(chromium_arguments))
        page = await browser.new_page()
        await page.set_content("<h1>Hello</h1>")
        assert await page.inner_text("h1") == "Hello"
        failed = await page.evaluate("fetch('https://deskhand.example/').then(() => 'reached', () => 'refused')")
        assert failed == "refused"
        await browser.close()


def test_free_ports_can_be_listened_on_together(free_port: int, free_ports: Callable[[], int]) -> None:
    ports = [free_port, *(free_ports() for _ in range(200))]
    with contextlib.ExitStack() as opened:
        for port in ports:
            opened.enter_context(socket.create_server(("127.0.0.1", port)))


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_a_connection_off_the_machine_is_refused(address: tuple[str, int], no_network: list[str]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as outside, pytest.raises(NetworkBanned):
        outside.connect(address)
    assert no_network == [f"socket.connect to {address[0]}"]
    no_network.clear()


def test_a_name_is_not_looked_up(no_network: list[str]) -> None:
    with pytest.raises(NetworkBanned):
        socket.getaddrinfo("deskhand.example", 443)
    no_network.clear()


@pytest.mark.parametrize("ending", ["exit", "kill"])
def test_a_server_ends_when_its_tests_are_gone(ending: str, tmp_path: Path) -> None:
    """The process that starts the server is killed; the server must end and its folder be removed."""
    program = (
        "import os, signal, sys, pathlib\n"
        "from parts.child import ServerProcess\n"
        "folder = pathlib.Path(sys.argv[1]); folder.mkdir()\n"
        "server = ServerProcess(['sleep', '60'], folder=folder)\n"
        "print(server.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL) if sys.argv[2] == 'kill' else sys.exit(0)\n"
    )
    folder = tmp_path / "server"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(folder), ending], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    # The keeper holds none of our pipes, so wait for what it does last.
    subprocess.run(["sh", "-c", 'while [ -e "$1" ]; do sleep 0.05; done', "sh", str(folder)], check=True, timeout=30)
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)
