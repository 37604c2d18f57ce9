"""The processes that are measured, and what they cost: each server is a process of its own, started here and ended here.

The invariant: a server sees no setting of whoever runs the benchmark, and keeps its data in a folder that is gone afterwards.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent
_TRY_EVERY_SECONDS = 0.005
_MOST_TRIES = 6_000
_BANNER = re.compile(r"(http://\S+)/health/ready")
# The load of the benchmarks comes from one address, and the log is not what they measure.
LOADED = {"DESKHAND_RATE_LIMIT_ENABLED": "false", "DESKHAND_LOG_LEVEL": "WARNING"}
NO_TOOLS = {"DESKHAND_AGENT_TOOLS": ","}
NO_SAMPLES = {"DESKHAND_KNOWLEDGE_SAMPLES": "false"}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it answers, and its process."""

    url: str
    pid: int
    data_dir: Path | None = None

    def cpu_seconds(self) -> float:
        """CPU of the whole process so far, user and system, all its threads and the children it waited for."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system + times.children_user + times.children_system

    def rss_bytes(self) -> int:
        rss: int = psutil.Process(self.pid).memory_info().rss
        return rss


@contextmanager
def model_server(*, tokens: int = 50, first_ms: int = 0, every_ms: int = 0) -> Iterator[Server]:
    """The test model server; `url` is what `DESKHAND_MODEL_BASE_URL` is set to."""
    command = [sys.executable, "-m", "deskhand.testing.model_server", "--tokens", str(tokens)]
    with _started([*command, "--first-ms", str(first_ms), "--every-ms", str(every_ms)], env=clean_environment()) as process:
        yield Server(url=_line(process).strip(), pid=process.pid)


@contextmanager
def floor_server(model: Server) -> Iterator[Server]:
    """The bare proxy of `bench/floor.py`."""
    with tempfile.TemporaryDirectory(prefix="deskhand-bench-") as folder:
        command = [sys.executable, "-m", "bench.floor", "--model", model.url, "--database", f"{folder}/floor.db"]
        with _started(command, env=clean_environment()) as process:
            yield Server(url=_line(process).strip(), pid=process.pid)


@contextmanager
def deskhand_server(settings: Mapping[str, str], *, data_dir: Path | None = None, port: int = 0) -> Iterator[Server]:
    """`deskhand serve` in an empty folder (or on `data_dir`), on a free port (or on `port`), once it says where it answers."""
    with tempfile.TemporaryDirectory(prefix="deskhand-bench-") as folder:
        data = data_dir or Path(folder) / "data"
        environment = {**clean_environment(), "DESKHAND_DATA_DIR": str(data), **settings}
        command = [sys.executable, "-m", "deskhand", "serve", "--port", str(port)]
        with _started(command, env=environment, cwd=folder) as process:
            while (found := _BANNER.search(_line(process))) is None:
                pass
            yield Server(url=found[1], pid=process.pid, data_dir=data)


def settings_of_model(model: Server) -> dict[str, str]:
    return {"DESKHAND_MODEL": "openai:test", "DESKHAND_MODEL_BASE_URL": model.url, "DESKHAND_MODEL_API_KEY": "sk-bench"}


def wait_until_ready(server: Server) -> None:
    """Wait until the server says that it can serve."""
    _wait_for(server, lambda _state: True)


def wait_until_warm(server: Server) -> None:
    """Wait until nothing is loaded in the background any more, which would be counted as the cost of whatever is measured."""
    _wait_for(server, lambda state: state["status"] == "healthy")


def _wait_for(server: Server, is_met: Callable[[Any], bool]) -> None:
    last: object = None
    for _ in range(_MOST_TRIES):
        try:
            with urllib.request.urlopen(f"{server.url}/health/ready", timeout=5) as response:
                last = json.load(response)
            if is_met(last):
                return
        except OSError as error:
            last = error
        time.sleep(_TRY_EVERY_SECONDS)
    raise TimeoutError(f"{server.url} did not become ready: {last!r}")


def clean_environment() -> dict[str, str]:
    """The environment without Deskhand's settings, and without what keeps Python from using compiled files: an installation has them."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DESKHAND_") and name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def _started(command: list[str], *, env: dict[str, str], cwd: str | None = None) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(command, env=env, cwd=cwd or REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"The server ended at once: {process.args!r}")
    return line
