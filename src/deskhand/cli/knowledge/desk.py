"""What every command of `deskhand knowledge` needs: the knowledge base opened, a name for the history, JSON."""

import asyncio
import dataclasses
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from deskhand.cli.terminal import start_command
from deskhand.clock import SystemClock, to_iso
from deskhand.composition import open_database
from deskhand.guard.injection import orders_in
from deskhand.knowledge import KnowledgeService, Likeness, Revision, StoredDocument
from deskhand.settings import Settings

T = TypeVar("T")

_TIMES = ("created_at", "updated_at", "effective_from", "effective_until", "changed_at")


def run(work: Callable[[KnowledgeService], Awaitable[T]]) -> T:
    """Do `work` on the knowledge base of the settings. Raises what it raises, and ConfigurationError."""
    return run_with(lambda knowledge, _settings: work(knowledge))


def run_with(work: Callable[[KnowledgeService, Settings], Awaitable[T]]) -> T:
    """As `run`, for what needs the settings as well."""
    settings = start_command()

    async def opened() -> T:
        clock = SystemClock()
        database = await open_database(settings, clock)
        try:
            knowledge = KnowledgeService.create(database, settings, clock=clock, screen=orders_in)
            try:
                return await work(knowledge, settings)
            finally:
                await knowledge.close()
        finally:
            await database.close()

    return asyncio.run(opened())


def by_whom() -> str:
    """The name under which this command's changes stand in the history."""
    user = os.environ.get("USER")
    return f"command line, {user}" if user else "command line"


def as_json(value: StoredDocument | Revision | Likeness) -> dict[str, Any]:
    """A value as JSON shows it: times as RFC 3339 has them."""
    fields = dataclasses.asdict(value)
    return {name: to_iso(field) if name in _TIMES and field is not None else field for name, field in fields.items()}


def print_json(value: dict[str, Any] | Sequence[dict[str, Any]]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
