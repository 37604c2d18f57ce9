"""The wheel alone is a whole Deskhand: installed into an empty environment, started in an empty folder, it answers with a source."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from parts.child import ServerProcess
from parts.missing import part_missing

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "src" / "deskhand" / "api" / "pages"
MODEL = ROOT / "src" / "deskhand" / "knowledge" / "minilm"
MOST_BYTES = 100_000_000

# Made once, so tested by one worker.
pytestmark = [pytest.mark.serial, pytest.mark.timeout(400), pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for what, folder, word in (("the pages", PAGES, "pages"), ("the embedding model", MODEL, "model")):
        if not folder.is_dir():
            part_missing(what, f"Run `make {word}`.")
    into = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)], cwd=ROOT, check=True, capture_output=True)
    return next(into.glob("deskhand-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment that holds the wheel and its locked dependencies."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv is None:
        part_missing("uv", "Run `make venv`.")
    folder = tmp_path_factory.mktemp("installed") / "venv"
    python = str(folder / "bin" / "python")
    for arguments in (
        ["venv", "--python", sys.executable, str(folder)],
        ["pip", "install", "--python", python, "--require-hashes", "-r", str(ROOT / "requirements" / "run.txt")],
        ["pip", "install", "--python", python, "--no-deps", "--offline", str(wheel)],
        ["pip", "check", "--python", python],
    ):
        done = subprocess.run([uv, *arguments], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder / "bin"


def _environment(home: Path, **settings: str) -> dict[str, str]:
    """Nothing of the machine's: no settings, no source folder, no proxy."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", **settings}


def _ask(url: str, body: dict[str, Any] | None = None, *, token: str | None = None) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, headers=headers, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _is_healthy(address: str) -> bool:
    try:
        return _ask(f"{address}/health")[0] == 200
    except OSError:
        return False


def test_the_wheel_carries_pages_and_model_but_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    carried = {name.partition("/")[0] for name in names}
    assert carried == {"deskhand", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"}
    assert {"deskhand/knowledge/minilm/model.onnx.data", "deskhand/knowledge/minilm/LICENSE", "deskhand/py.typed"} <= set(names)
    assert any(name.startswith("deskhand/api/pages/") and name.endswith(".html") for name in names)
    assert any(name.startswith("deskhand/testing/") for name in names)
    assert not [name for name in names if "/test_" in name or name.endswith((".pyc", ".db"))]
    assert wheel.stat().st_size < MOST_BYTES


def test_the_installed_command_says_its_version(installed: Path, wheel: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "deskhand", "--version"], cwd=tmp_path, env=_environment(tmp_path), check=True, capture_output=True, text=True
    )
    assert wheel.name.split("-")[1] in done.stdout


def test_the_wheel_alone_serves_an_answer_with_its_source(installed: Path, tmp_path: Path, free_port: int) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    address = f"http://127.0.0.1:{free_port}"
    environment = _environment(tmp_path, DESKHAND_API_PORT=str(free_port))
    with closing(ServerProcess([str(installed / "deskhand"), "serve"], folder=folder, environment=environment)) as server:
        server.wait_until(lambda: _is_healthy(address), seconds=60)
        status, page = _ask(f"{address}/chat")
        assert status == 200
        assert b"<html" in page.lower()
        status, opened = _ask(f"{address}/api/sessions", {})
        assert status == 201, opened
        session = json.loads(opened)
        question = {"message": "How do I reset my password?"}
        status, answered = _ask(f"{address}/api/chat/sessions/{session['session_id']}/messages", question, token=session["token"])
        assert status == 200, answered
        answer = json.loads(answered)
        assert "password" in answer["message"].lower()
        assert answer["sources"][0]["rank"] == 1
