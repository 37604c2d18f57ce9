"""A knowledge base on each database in turn, with the real model."""

from collections.abc import AsyncIterator

import pytest

from deskhand.knowledge import Embedder, KnowledgeOptions, KnowledgeService
from deskhand.knowledge.embedding import BUNDLED
from deskhand.knowledge.fetch import SourceFetcher
from deskhand.persistence import Database
from knowledge.fetching import Pauses, local_fetcher
from parts.missing import part_missing
from parts.sites import Names, Site
from parts.vectors import RememberingEmbedder


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    if not (BUNDLED / "model.onnx").is_file():
        part_missing("the embedding model", "Run 'make model'.")
    return RememberingEmbedder(threads=2)


@pytest.fixture
def database_url(migrated_database_url: str) -> str:
    return migrated_database_url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def knowledge(database: Database, embedder: Embedder) -> AsyncIterator[KnowledgeService]:
    service = KnowledgeService(database, embedder, KnowledgeOptions(threads=2))
    yield service
    await service.close()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site of this machine."""
    async with Site() as found:
        yield found


@pytest.fixture
async def fetcher(pauses: Pauses, names: Names) -> AsyncIterator[SourceFetcher]:
    """May fetch from this machine, and waits for nothing."""
    async with local_fetcher(names, pauses) as found:
        yield found
