"""A database of each kind in turn, with all tables."""

import pytest


@pytest.fixture
def database_url(migrated_database_url: str) -> str:
    return migrated_database_url
