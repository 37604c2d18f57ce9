"""The first account, and what production insists on (RELIABILITY E19), with the program itself."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from cli.program import Program

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]

SECRET = "s" * 40


@pytest.fixture
def program(tmp_path: Path, free_port: int) -> Program:
    folder = tmp_path / "work"
    folder.mkdir()
    return Program(folder, api_port=str(free_port), knowledge_samples="false")


@asynccontextmanager
async def running(program: Program, **settings: str) -> AsyncIterator[tuple[httpx2.AsyncClient, str]]:
    """A browser, and what the server said when it started."""
    process = await program.start("serve", **settings)
    assert process.stdout is not None
    assert process.stderr is not None
    banner = ""
    try:
        async with asyncio.timeout(60):
            while "Ctrl+C" not in banner:
                line = await process.stdout.readline()
                assert line, (await process.stderr.read()).decode()
                banner += line.decode()
        base = f"http://127.0.0.1:{program.settings['api_port']}"
        async with httpx2.AsyncClient(base_url=base, timeout=30, trust_env=False) as http:
            yield http, banner
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_the_first_start_in_development_makes_an_administrator_and_says_so_once(program: Program) -> None:
    async with running(program) as (http, banner):
        found = re.search(r"admin@localhost, with the password (\S+)", banner)
        assert found is not None, banner
        signed_in = await http.post("/api/staff/sign-in", json={"email": "admin@localhost", "password": found[1]})
        assert signed_in.json()["staff"]["role"] == "admin"
    async with running(program) as (http, banner):
        assert "admin@localhost" not in banner
        assert (await http.post("/api/staff/sign-in", json={"email": "admin@localhost", "password": found[1]})).status_code == 200
    logs = [path.read_text(encoding="utf-8") for path in program.folder.rglob("*.log")]
    assert all(found[1] not in text for text in logs)


async def test_production_starts_once_somebody_can_sign_in_and_makes_no_key_of_its_own(program: Program) -> None:
    production = {"environment": "production", "secret_key": SECRET}
    (await program.run("migrate", **production)).went_well()
    (await program.run("serve", **production)).refused("deskhand staff create --admin", "DESKHAND_ADMIN_API_KEY")
    (await program.run("serve", **production, admin_api_key="short")).refused("DESKHAND_ADMIN_API_KEY", "32")
    made = (await program.run("staff", "create", "--admin", "ada@example.com", **production)).went_well()
    async with running(program, **production) as (http, banner):
        assert "password" not in banner
        assert "dk_" not in banner
        assert not (program.folder / "data" / "admin_key").exists()
        assert (await http.post("/api/staff/sign-in", json={"email": "ada@example.com", "password": made.out.strip()})).status_code == 200
        # While the server runs, a command takes it away again.
        (await program.run("staff", "create", "bob@example.com", "--admin", **production)).went_well()
        (await program.run("staff", "disable", "ada@example.com", **production)).went_well()
        assert (await http.get("/api/staff/me")).status_code == 401


async def test_accounts_and_the_log_are_looked_after_on_the_command_line(program: Program) -> None:
    testing = {"environment": "testing"}
    made = (await program.run("staff", "create", "ada@example.com", "--admin", "--name", "Ada", **testing)).went_well()
    assert re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}\n", made.out)
    given = await program.run("staff", "create", "bob@example.com", "--password-stdin", stdin=b"quiet harbour lamps 7\n", **testing)
    assert given.went_well().out == ""
    (await program.run("staff", "create", "bob@example.com", **testing)).refused("an account with this e-mail address")
    (await program.run("staff", "create", "nonsense", **testing)).refused("no e-mail address", code=2)
    (await program.run("staff", "disable", "nobody@example.com", **testing)).refused("deskhand staff list")
    (await program.run("staff", "disable", "ada@example.com", **testing)).refused("only administrator")
    listed = json.loads((await program.run("staff", "list", "--json", **testing)).went_well().out)
    assert [(account["email"], account["role"]) for account in listed] == [("ada@example.com", "admin"), ("bob@example.com", "operator")]
    (await program.run("staff", "disable", "bob@example.com", **testing)).went_well()
    (await program.run("staff", "enable", "bob@example.com", **testing)).went_well()
    reset = (await program.run("staff", "reset-password", "bob@example.com", **testing)).went_well()
    log = (await program.run("staff", "audit", **testing)).went_well().out
    assert [line.split("\t")[3] for line in log.splitlines()] == [
        "account.reset_password",
        "account.change",
        "account.change",
        "account.create",
        "account.create",
    ]
    assert reset.out.strip() not in log
    whole = (await program.run("staff", "audit", "--verify", **testing)).went_well()
    assert "whole: 5 entries" in whole.out
    (await program.run("staff", "audit", "--verify", secret_key=SECRET, **testing)).went_well()
    secret = program.folder / "data" / "staff_secret"
    assert secret.stat().st_mode & 0o077 == 0
    secret.write_text("of another installation")
    changed = await program.run("staff", "audit", "--verify", **testing)
    changed.refused("not as it was written", "key")
