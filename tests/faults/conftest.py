"""The whole product with a model server behind it that fails on demand."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from faults.desk import Desk, open_desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One desk for the tests of a file. Its model may fail as often as it likes before it is left alone."""
    async with open_desk(tmp_path_factory.mktemp("data"), model_breaker_failures=1_000_000) as opened:
        yield opened
