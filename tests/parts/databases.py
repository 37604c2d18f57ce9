"""One test, both databases."""

from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind in turn: a file that does not exist yet, or a PostgreSQL database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deskhand.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
