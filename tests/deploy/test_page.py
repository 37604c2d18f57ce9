"""docs/deploy.md, walked: what it tells an operator to type is typed, and what it starts is asked whether it is well."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from deploy.files import DEPLOY, ROOT
from parts.child import ServerProcess
from parts.missing import part_missing
from parts.ports import find_free_port

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
UNITS = DEPLOY / "systemd"
PROGRAM = (sys.executable, "-m", "deskhand")


def block_with(words: str) -> str:
    (found,) = (block for block in BLOCKS if words in block)
    return found


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_shell_understands_every_block(number: int) -> None:
    done = subprocess.run(["sh", "-n"], input=BLOCKS[number], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_file_that_it_names_is_there() -> None:
    named = {name for block in BLOCKS for name in re.findall(r"\b(?:deploy|requirements)/[\w./@*-]*\w", block)}
    # What the page has made, or says to make.
    made = {"deploy/.env"}
    assert [name for name in sorted(named - made) if not list(ROOT.glob(name))] == []


def test_a_name_is_given_to_nginx(tmp_path: Path) -> None:
    (command,) = (line for line in block_with("certbot").splitlines() if line.startswith("sed "))
    shutil.copy(DEPLOY / "nginx" / "deskhand.conf", tmp_path)
    subprocess.run(["sh", "-c", command.replace("/etc/nginx/conf.d", str(tmp_path))], check=True)
    changed = (tmp_path / "deskhand.conf").read_text(encoding="utf-8").splitlines()
    assert {"    listen 80;", "    server_name desk.example.com;"} <= set(changed)
    assert not {"    listen 8080;", "    server_name _;"} & set(changed)


class Machine:
    """A folder in which the page's secrets and settings lie, and in which its units are run, by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "etc" / "secrets"
        script = self.here(block_with("> secret_key"))
        subprocess.run(["sh", "-eu", "-c", f"password=none\n{script}"], cwd=ROOT, check=True)

    def here(self, text: str) -> str:
        return text.replace("/etc/deskhand", str(self.folder / "etc")).replace("/var/lib/deskhand", str(self.folder / "state"))

    def read_unit(self, name: str, *, instance: str = "") -> tuple[tuple[str, ...], dict[str, str]]:
        """The arguments with which a unit starts the program, and its environment."""
        text = self.here((UNITS / f"{name}.service").read_text(encoding="utf-8"))
        for source in re.findall(r"^LoadCredential=\w+:(.+)$", text, re.MULTILINE):
            assert Path(source).is_file(), "the page makes every secret that a unit loads"
        for mark, value in {"%S/deskhand": str(self.folder / "state"), "%d": str(self.secrets), "%i": instance}.items():
            text = text.replace(mark, value)
        environment = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
        folder = Path(environment["DESKHAND_DATA_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        (started,) = re.findall(r"^ExecStart=/opt/deskhand/bin/deskhand (.+)$", text, re.MULTILINE)
        return tuple(started.split()), {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **environment}

    def command(self, *arguments: str) -> str:
        """What `deskhand` says, the script that stands beside the units."""
        text = self.here((UNITS / "deskhand").read_text(encoding="utf-8")).replace("/opt/deskhand/bin/deskhand", " ".join(PROGRAM))
        for of_the_user in ("--reuid=deskhand --regid=deskhand --init-groups ", "-o deskhand -g deskhand "):
            assert of_the_user in text
            text = text.replace(of_the_user, "")
        command = ["sh", "-c", text, "deskhand", *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return subprocess.run(command, env=environment, cwd=self.folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_its_secrets_and_units_lead_to_an_instance_that_is_ready(machine: Machine, redis_url: str) -> None:
    (machine.secrets / "database_url").write_text(f"sqlite:///{machine.folder}/desk.db\n", encoding="utf-8")
    (machine.secrets / "redis_url").write_text(f"{redis_url}\n", encoding="utf-8")
    arguments, environment = machine.read_unit("deskhand-migrate")
    subprocess.run([*PROGRAM, *arguments], env=environment, cwd=machine.folder, check=True, capture_output=True)
    port = find_free_port()
    arguments, environment = machine.read_unit("deskhand@", instance=str(port))
    folder = Path(environment["DESKHAND_DATA_DIR"])
    server = ServerProcess((*PROGRAM, *arguments), folder=folder, environment=environment)
    try:
        server.wait_until(lambda: _says_ready(port), seconds=120)
    finally:
        server.stop()
    assert not {path.name for path in folder.iterdir()} & {"admin_key", "staff_secret"}, "it has the page's keys, and makes up none"


def _says_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return answer.status == 200
    except (URLError, TimeoutError):
        return False


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="only Linux has the setpriv with which root becomes somebody else")
def test_a_command_has_the_settings_and_the_secrets_of_the_services(machine: Machine) -> None:
    (machine.secrets / "database_url").write_text(f"sqlite:///{machine.folder}/desk.db\n", encoding="utf-8")
    with (machine.folder / "etc" / "deskhand.env").open("a", encoding="utf-8") as settings:
        settings.write("DESKHAND_CHAT_SUGGESTIONS=Is there tea?|What is 1=1 & $2?\nDESKHAND_COMPANY_NAME='Tea & Co'")
    assert "brought to revision" in machine.command("migrate")
    shown = dict(line.split("\t")[0:4:3] for line in machine.command("doctor", "--settings").splitlines())
    assert shown["DESKHAND_ENVIRONMENT"] == "production"
    assert shown["DESKHAND_COMPANY_NAME"] == "Tea & Co"
    assert shown["DESKHAND_CHAT_SUGGESTIONS"] == "Is there tea?|What is 1=1 & $2?"
    assert shown["DESKHAND_SECRET_KEY"] != "unset"
    assert shown["DESKHAND_MODEL_API_KEY"] == "unset"


@contextmanager
def instance(*statuses: int) -> Iterator[int]:
    """The port of what answers as the statuses say, the last of them for ever."""
    left = list(statuses)

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is said of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_instances_are_restarted_until_one_is_not_ready(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        part_missing("curl", "Install it from your distribution.")
    for name, does in {"systemctl": f'echo "$@" >> {tmp_path}/told', "sleep": "true"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    text = (UNITS / "deskhand-restart").read_text(encoding="utf-8")
    assert "-ge 120" in text
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with instance(503, 503, 200) as first, instance(503) as second:
        command = ["sh", "-c", text.replace("-ge 120", "-ge 5"), "deskhand-restart", str(first), str(second), "1"]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == f"deskhand@{first} is ready.\n"
    assert f"journalctl -u deskhand@{second}" in done.stderr
    assert (tmp_path / "told").read_text(encoding="utf-8") == f"restart deskhand@{first}\nrestart deskhand@{second}\n"
