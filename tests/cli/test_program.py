"""What holds for every command: help, codes, and errors that say what to do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import deskhand
from cli.program import COMMAND, Program
from deskhand.testing.model_server import ModelServer

COMMANDS = ("serve", "ask", "chat", "backup", "doctor", "eval", "ingest", "loadtest", "migrate", "restore", "openapi")
GROUPS = ("knowledge", "staff")
# Seconds of importing.
HEAVY = {"sqlalchemy", "fastapi", "pydantic", "numpy", "aiohttp", "rich.markdown", "structlog"}
# What is loaded when it is needed, if ever: by the first question, the first password, a database or Redis of its own.
LATER = {"onnxruntime", "tokenizers", "alembic", "asyncpg", "redis", "argon2", "jwt", "aiohttp", "pypdfium2", "rich.console", "pydantic.v1"}
WITHOUT_AGENT = {"fastapi", "numpy", "deskhand.agent.agent", "deskhand.knowledge.service", "deskhand.turns.service"}
USELESS = {
    "--help": HEAVY,
    "serve": LATER,
    "staff": WITHOUT_AGENT,
    "migrate": WITHOUT_AGENT,
    "knowledge": {"fastapi", "deskhand.agent.agent", "deskhand.turns.service"},
}


async def test_help_lists_every_command(program: Program) -> None:
    shown = (await program.run("--help")).went_well().out
    for command in COMMANDS + GROUPS:
        assert f"\n  {command} " in shown


@pytest.mark.parametrize("command", COMMANDS)
async def test_the_help_of_a_command_has_an_example(program: Program, command: str) -> None:
    shown = (await program.run(command, "--help")).went_well().out
    assert "Example" in shown
    assert f"  deskhand {command}" in shown
    assert "Exit codes: 0" in shown


@pytest.mark.parametrize("command", USELESS)
def test_a_command_imports_nothing_that_it_has_no_use_for(program: Program, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "deskhand", command, "--help"],
        cwd=program.folder,
        env=program.environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & USELESS[command]


async def test_it_says_its_version(program: Program) -> None:
    assert (await program.run("--version")).went_well().out == f"deskhand {deskhand.__version__}\n"


async def test_without_a_command_it_shows_what_there_is(program: Program) -> None:
    done = await program.run()
    assert done.code == 2
    assert "ingest" in done.out + done.err


async def test_an_unknown_command_is_wrong_usage(program: Program) -> None:
    (await program.run("inject")).refused("inject", code=2)


async def test_an_unknown_option_is_wrong_usage(program: Program) -> None:
    (await program.run("migrate", "--chekc")).refused("--chekc", code=2)


async def test_a_bad_value_is_named_with_what_is_allowed(program: Program) -> None:
    (await program.run("migrate", environment="prod")).refused("DESKHAND_ENVIRONMENT", "production")


async def test_an_unknown_setting_is_named_with_its_neighbour(program: Program) -> None:
    (await program.run("migrate", api_prot="1")).refused("DESKHAND_API_PROT", "DESKHAND_API_PORT")


async def test_a_secret_with_a_bad_value_is_not_shown(program: Program) -> None:
    done = await program.run("migrate", environment="production", admin_api_key="hunter2", secret_key="x" * 40)
    done.refused("DESKHAND_ADMIN_API_KEY", "32 characters")
    assert "hunter2" not in done.err


async def test_settings_are_read_from_the_env_file(program: Program) -> None:
    (program.folder / ".env").write_text("DESKHAND_LOG_LEVEL=loud\n", encoding="utf-8")
    (await program.run("migrate")).refused("DESKHAND_LOG_LEVEL", "WARNING")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has a file that even root cannot read")
async def test_an_env_file_that_this_user_cannot_read_is_named(program: Program) -> None:
    (program.folder / ".env").symlink_to("/proc/self/mem")
    (await program.run("migrate")).refused(".env", "another folder")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
async def test_an_env_file_in_another_encoding_is_named(program: Program, encoding: str) -> None:
    (program.folder / ".env").write_text("DESKHAND_COMPANY_NAME=Müller\n", encoding=encoding)
    (await program.run("migrate")).refused(".env", "UTF-8")


async def test_the_openapi_document_is_json_and_starts_nothing(program: Program) -> None:
    document = json.loads((await program.run("openapi")).went_well().out)
    assert document["openapi"].startswith("3.")
    assert list(program.folder.iterdir()) == []
    (await program.run("openapi", "-o", "nowhere/openapi.json")).refused("nowhere/openapi.json cannot be written", "Choose a file")


def test_a_reader_that_goes_away_is_no_fault(program: Program) -> None:
    with subprocess.Popen(
        [*COMMAND, "doctor", "--settings"],
        cwd=program.folder,
        env=program.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 1


def under_shell(program: Program, *arguments: str, redirected: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *COMMAND, *arguments],
        cwd=program.folder,
        env=program.environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_output_that_has_no_room_is_named(program: Program) -> None:
    done = under_shell(program, "--version", redirected=">/dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (1, 2), done.stderr
    assert "The output cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize("redirected", [">&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_before_the_start_are_not_missed(program: Program, redirected: str) -> None:
    done = under_shell(program, "--version", redirected=redirected)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_letter_that_the_terminal_does_not_have_ends_nothing(program: Program) -> None:
    done = under_shell(program, "doctor", "--settings", redirected="", DESKHAND_COMPANY_NAME="Öl › Gas", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert r"\xd6l \u203a Gas" in done.stdout


async def test_a_busy_port_is_named_before_anything_starts(program: Program, model_server: ModelServer) -> None:
    port = model_server.base_url.split(":")[2].split("/")[0]
    (await program.run("serve", "--port", port)).refused(f"Port {port}", "--port")


async def test_a_data_folder_that_is_a_file_is_named(program: Program) -> None:
    (program.folder / "data").write_text("not a folder", encoding="utf-8")
    (await program.run("serve")).refused("data", "DESKHAND_DATA_DIR")
    (await program.run("migrate")).refused("data", "DESKHAND_DATA_DIR")
    (await program.run("ask", "Is there tea?")).refused("data", "DESKHAND_DATA_DIR")


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="only Linux has a folder that even root cannot write to")
async def test_a_folder_that_cannot_be_written_is_named(program: Program) -> None:
    for command in (["serve"], ["ingest", "/dev/null"], ["migrate"]):
        (await program.run(*command, data_dir="/sys/deskhand")).refused("/sys/deskhand", "DESKHAND_DATA_DIR")
