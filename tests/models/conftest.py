"""A model server and a model that speaks to it."""

from collections.abc import AsyncIterator

import pytest

from deskhand.models.openai_chat import OpenAIChatModel
from deskhand.testing.model_server import ModelServer
from models.asking import connect


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        yield running


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[OpenAIChatModel]:
    connected = connect(server.base_url)
    yield connected
    await connected.close()
