"""A server that the tests of one file share, on either database, and one of its own where a test needs it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from api.serving import Served, serving, settings_in
from deskhand.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, module_database_url: str) -> AsyncIterator[Served]:
    async with serving(settings_in(tmp_path_factory.mktemp("data"), database_url=module_database_url)) as running:
        yield running
