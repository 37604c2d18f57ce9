"""What is written for people is true: links lead somewhere, the settings are all there, the tour can be walked."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.program import Program
from parts.missing import part_missing

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
TOUR = re.compile(r"^```sh tour\n(.*?)^```", re.MULTILINE | re.DOTALL)
OF_THE_TESTS = ("DESKHAND_TEST_", "DESKHAND_CHAOS")
SHELL = re.compile(r"^```sh\b.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND_IN_TEXT = re.compile(r"(?<!`)`deskhand ([a-z][^`]*)`")
COMMAND_LINE = re.compile(r"^(?:.*\| )?(?:[A-Z_]+=\S+ )*deskhand ([a-z][^#|&\n]*)", re.MULTILINE)
OPTION = re.compile(r"--?[a-z][a-z-]*")
LIST_COMMANDS = """
import json, typer.main
from deskhand.cli import app

program = typer.main.get_command(app)
options = lambda command: [option for parameter in command.params for option in parameter.opts]
listed = {}
for name in program.list_commands(None):
    _, command, _ = program.resolve_command(program.make_context("deskhand", [name], resilient_parsing=True), [name])
    listed[name] = options(command)
    listed |= {f"{name} {inner}": options(found) for inner, found in getattr(command, "commands", {}).items()}
print(json.dumps(listed))
"""


def list_commands() -> dict[str, list[str]]:
    """The options of each command, such as `ask` and `knowledge add`. In a process of its own: the program imports in ways of its own."""
    return json.loads(subprocess.run([sys.executable, "-c", LIST_COMMANDS], check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    dead = [link for link in LINK.findall(document.read_text(encoding="utf-8")) if not (document.parent / link).exists()]
    assert dead == []


def test_the_list_of_settings_is_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "write_settings_docs.py"), "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_command_that_is_shown_exists_with_its_options() -> None:
    known = list_commands()
    wrong = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        in_blocks = [line for block in SHELL.findall(text) for line in COMMAND_LINE.findall(block.replace("\\\n", ""))]
        for line in [*in_blocks, *(line for line in COMMAND_IN_TEXT.findall(text) if line.split()[0] in known)]:
            name, *words = line.split()
            if words and words[0] != "…" and any(command.startswith(f"{name} ") for command in known):
                name = f"{name} {words[0]}"
            given = {found.group() for word in words if (found := OPTION.match(word.lstrip("[")))}
            if name not in known or given - set(known[name]):
                wrong.append((document.name, line))
    assert wrong == []


def test_every_setting_that_is_named_exists() -> None:
    known = set(re.findall(r"`(DESKHAND_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    for document in DOCUMENTS:
        named = set(re.findall(r"\bDESKHAND_[A-Z0-9_]+[A-Z]", document.read_text(encoding="utf-8")))
        assert {name for name in named - known if not name.startswith(OF_THE_TESTS)} == set(), document


async def test_the_tour_of_the_readme_can_be_walked(tmp_path: Path, free_port: int) -> None:
    for tool in ("bash", "curl", "python3"):
        if shutil.which(tool) is None:
            part_missing(tool, "Install it from your distribution.")
    steps = TOUR.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    script = "\necho '---'\n".join(steps).replace("8080", str(free_port))
    program = Program(tmp_path, api_port=str(free_port))
    server = await program.start("serve")
    try:
        assert server.stdout is not None
        while b"Stop it" not in await server.stdout.readline():
            pass
        walk = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await walk.communicate()
    finally:
        server.terminate()
        await server.communicate()
    assert walk.returncode == 0, err.decode()
    _, answer, stream = out.decode().split("---\n")
    assert "password" in json.loads(answer)["message"].lower()
    assert json.loads(answer)["sources"]
    assert "event: acknowledged" in stream
    assert "event: complete" in stream
