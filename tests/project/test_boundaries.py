"""Where other people's packages may be imported. The floors among our own are import-linter's, in pyproject.toml."""

from collections.abc import Callable
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
EDGE = {"api", "channels", "app", "cli"}

Rule = Callable[[list[str]], bool]


def _in_edge(parts: list[str]) -> bool:
    return parts[1] in EDGE


def _in(*module: str) -> Rule:
    return lambda parts: tuple(parts[1 : 1 + len(module)]) == module


RULES: dict[str, Rule] = {
    "fastapi": _in_edge,
    "starlette": _in_edge,
    "uvicorn": _in_edge,
    "typer": _in("cli"),
    "rich": _in("cli"),
    "argon2": _in("staff"),
    "redis": _in("redis_link"),
    # To keep secrets sealed, and to read the keys that a company's site signs with.
    "cryptography": lambda parts: _in("sealing")(parts) or _in("sessions", "user_tokens")(parts),
    # To check tokens of a company's site, and of its identity provider.
    "jwt": lambda parts: _in("sessions", "user_tokens")(parts) or _in("staff", "id_token")(parts),
    "pydantic_ai": _in("models", "providers"),
    "onnxruntime": _in("knowledge"),
    "tokenizers": _in("knowledge"),
    "pypdfium2": _in("parsing"),
    "rapidocr": _in("parsing", "ocr"),
    "cv2": _in("parsing", "ocr"),
    "PIL": _in("parsing", "ocr"),
    "python_calamine": _in("parsing"),
    "olefile": _in("parsing"),
    "pysqlite3": _in("persistence"),
    "asyncpg": _in("persistence"),
    "alembic": _in("persistence"),
}


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("deskhand", include_external_packages=True, cache_dir=None)


def _importers(graph: grimp.ImportGraph, package: str) -> list[str]:
    if package not in graph.modules:
        return []
    # What is shipped for tests speaks to whatever it stands in for.
    return sorted(importer for importer in graph.find_modules_that_directly_import(package) if not importer.startswith("deskhand.testing"))


@pytest.mark.parametrize("package", sorted(RULES))
def test_an_outside_package_stays_where_it_belongs(imports: grimp.ImportGraph, package: str) -> None:
    strays = [importer for importer in _importers(imports, package) if not RULES[package](importer.split("."))]
    assert strays == []


def test_what_is_for_tests_is_imported_by_nobody(imports: grimp.ImportGraph) -> None:
    if "deskhand.testing" not in imports.modules:
        return
    inside = {"deskhand.testing", *imports.find_descendants("deskhand.testing")}
    importers = {importer for module in inside for importer in imports.find_modules_that_directly_import(module)}
    assert importers - inside == set()
