"""Whole stories through the product: as it is out of the box, and with a model that a test writes."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from api.serving import Served, serving, settings_in
from deskhand.models.factory import create_configured_model
from deskhand.settings import Environment
from faults.desk import Desk, open_desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def out_of_the_box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The embedded default with the sample documents."""
    settings = settings_in(tmp_path_factory.mktemp("data"), environment=Environment.DEVELOPMENT, evidence_gate="block")
    async with serving(settings, model=create_configured_model(settings)) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path_factory.mktemp("data")) as opened:
        yield opened
