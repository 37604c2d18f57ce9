"""A company whose server the tests of one file share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from api.serving import serving, settings_in
from staff.people import Company, company_at


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    async with serving(settings_in(tmp_path_factory.mktemp("data"))) as served, company_at(served) as company:
        yield company
