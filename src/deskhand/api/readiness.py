"""Asking each part whether it can do its work: at start-up, and whenever `/health/ready` is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa

from deskhand.api.assembled import Services
from deskhand.errors import DeskhandError
from deskhand.models.port import ModelError
from deskhand.persistence import DatabaseNotSetUp, DatabaseTooNew
from deskhand.persistence.migrations import check_schema

HEALTHY = "healthy"
_LIMIT_SECONDS = 2.0
_NEWER = "migrated by a newer version"
# So long a job may wait to be begun before somebody should look.
_LONGEST_WAIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Part:
    """`state` is "healthy", "disabled", "loading" with what and how far that is, or what is wrong, in a word or two.

    Without a `needed` part nothing works.
    """

    name: str
    state: str
    needed: bool = False


async def ask_parts(services: Services) -> list[Part]:
    """Ask all parts at once; none is waited for longer than 2 s."""
    return list(
        await asyncio.gather(
            _ask("database", lambda: _database(services), needed=True),
            _ask("tables", lambda: _tables(services), needed=True, enough=_NEWER),
            _ask("cache", lambda: _cache(services)),
            _ask("session_store", lambda: _session_store(services)),
            *([] if services.turns.hears_others is None else [_ask("realtime", lambda: _realtime(services))]),
            _ask("model", lambda: _model(services)),
            _ask("knowledge", lambda: _knowledge(services)),
            _ask("jobs", lambda: _jobs(services)),
        )
    )


async def _ask(name: str, question: Callable[[], Awaitable[str]], *, needed: bool = False, enough: str = HEALTHY) -> Part:
    """A part in the state `enough` may be less than healthy, and nothing stops for it."""
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            state = await question()
            return Part(name, state, needed and state != enough)
    except TimeoutError:
        return Part(name, "no answer", needed)
    except DeskhandError as error:
        return Part(name, error.code.replace("_", " "), needed)


async def _database(services: Services) -> str:
    await services.database.read(lambda connection: connection.execute(sa.select(sa.literal(1))).scalar_one())
    return HEALTHY


async def _tables(services: Services) -> str:
    try:
        await check_schema(services.database)
    except DatabaseNotSetUp:
        return "missing: run 'deskhand migrate'"
    except DatabaseTooNew:
        # What a migration adds is in nobody's way: this version goes on until it is replaced (docs/postgresql.md).
        return _NEWER
    return HEALTHY


async def _cache(services: Services) -> str:
    return HEALTHY if await services.cache.ping() else "not reachable"


async def _session_store(services: Services) -> str:
    return HEALTHY if await services.agent.session_store.ping() else "not reachable"


async def _realtime(services: Services) -> str:
    return HEALTHY if services.turns.hears_others else "not reachable"


async def _model(services: Services) -> str:
    try:
        await services.model_check.ask()
    except ModelError as error:
        return error.code.replace("_", " ")
    return HEALTHY


async def _knowledge(services: Services) -> str:
    return services.warmup.knowledge


async def _jobs(services: Services) -> str:
    figures = await services.jobs.figures()
    if figures.oldest_seconds > _LONGEST_WAIT_SECONDS:
        return f"{figures.waiting} waiting, the first for {figures.oldest_seconds / 60:.0f} min"
    return HEALTHY
