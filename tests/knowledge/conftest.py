"""A knowledge base on each database in turn, with the real model."""

from collections.abc import AsyncIterator

import pytest

from deskhand.knowledge import Embedder, KnowledgeOptions, KnowledgeService
from deskhand.knowledge.embedding import BUNDLED
from deskhand.persistence import Database, metadata
from parts.missing import part_missing


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    if not (BUNDLED / "model.onnx").is_file():
        part_missing("the embedding model", "Run 'make model'.")
    return Embedder(threads=2)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    await opened.write(lambda transaction: metadata.create_all(transaction.connection))
    yield opened
    await opened.close()


@pytest.fixture
async def knowledge(database: Database, embedder: Embedder) -> AsyncIterator[KnowledgeService]:
    service = KnowledgeService(database, embedder, KnowledgeOptions(threads=2))
    yield service
    await service.close()
