"""What every command of `deskhand knowledge` needs: the knowledge base opened, and its values as JSON."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from deskhand.cli.terminal import start_command
from deskhand.clock import SystemClock, to_iso
from deskhand.foundations import open_database
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


def as_json(value: StoredDocument | Revision | Likeness) -> dict[str, Any]:
    """A value as JSON shows it: times as RFC 3339 has them."""
    fields = dataclasses.asdict(value)
    return {name: to_iso(field) if name in _TIMES and field is not None else field for name, field in fields.items()}
