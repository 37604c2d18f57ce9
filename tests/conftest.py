"""What every test may ask for: real parts, and a guard that keeps the network out."""

from pathlib import Path

import pytest

pytest_plugins = [
    "parts.missing",
    "parts.network",
    "parts.ports",
    "parts.postgres",
    "parts.valkey",
    "parts.valkey_groups",
    "parts.chromium",
    "parts.databases",
]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where those that want quiet run, a file that has none is not imported: each worker would import all of them first."""
    if config.getoption("markexpr") != "serial" or not collection_path.match("test_*.py"):
        return None
    return "pytest.mark.serial" not in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where those that want quiet run, the longest go first, so that none of them is begun when all others have ended.

    How long a test may take says roughly how long it does.
    """
    if config.getoption("markexpr") == "serial":
        items.sort(key=_bound_seconds, reverse=True)


def _bound_seconds(item: pytest.Item) -> float:
    bound = item.get_closest_marker("timeout")
    return float(bound.args[0]) if bound is not None else 0.0
