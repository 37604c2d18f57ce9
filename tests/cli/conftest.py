"""The program in an empty folder, and with some knowledge."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import deskhand
from cli.program import Program
from deskhand.testing.model_server import ModelServer

ARTICLES = {
    "tea.md": "# Tea\n\nWe ship tea on Mondays and Thursdays. An order over 40 euros is shipped for free.\n",
    "returns.html": "<html><title>Returns</title><body><h1>Returns</h1><p>Send tea back within 30 days.</p></body></html>",
    "faq.jsonl": '{"_id": "dog", "title": "The dog", "text": "The dog in our shop is called Rex."}\n',
}


@pytest.fixture
def program(tmp_path: Path, free_port: int) -> Program:
    folder = tmp_path / "work"
    folder.mkdir()
    return Program(folder, api_port=str(free_port), knowledge_samples="false")


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    """A folder with three documents."""
    folder = tmp_path / "handbook"
    folder.mkdir()
    for name, text in ARTICLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
async def model_server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture(scope="session")
def without_model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which Deskhand is found, but not its embedding model."""
    folder = tmp_path_factory.mktemp("incomplete")
    shutil.copytree(Path(deskhand.__file__).parent, folder / "deskhand", ignore=shutil.ignore_patterns("minilm", "pages", "__pycache__"))
    return {"PYTHONPATH": str(folder)}
