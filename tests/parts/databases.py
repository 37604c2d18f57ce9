"""One test, both databases."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deskhand.persistence import Database
from deskhand.persistence.migrations import migrate
from parts.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind in turn: a file that does not exist yet, or a PostgreSQL database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deskhand.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As `database_url`, for all tests of a file together."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'deskhand.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As `database_url`, but with all tables: a copy of a database that was migrated once, which takes a tenth of the time."""
    if request.param == "sqlite":
        made: Path = request.getfixturevalue("migrated_sqlite")
        yield f"sqlite:///{shutil.copy(made, tmp_path / 'deskhand.db')}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database(template=request.getfixturevalue("migrated_postgres"))
    yield url
    server.drop_database(url)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "deskhand.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> str:
    """The name of the database."""
    url = postgres_server.create_database()
    _migrate(url)
    return url.rpartition("/")[2]


def _migrate(url: str) -> None:
    async def work() -> None:
        database = await Database.open(url)
        await migrate(database)
        await database.close()

    # Not `asyncio.run`, which leaves the thread without the loop that it had.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work())
    finally:
        loop.close()
