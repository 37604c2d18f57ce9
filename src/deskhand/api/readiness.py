"""Asking each part whether it can do its work: at start-up, and whenever `/health/ready` is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from deskhand.api.assembled import Services
from deskhand.errors import DeskhandError
from deskhand.models.port import ModelError
from deskhand.persistence import DatabaseNotSetUp, DatabaseTooNew
from deskhand.persistence.migrations import check_schema

HEALTHY = "healthy"
# Whoever asks, as a load balancer, waits for a second; a part that is used for the first time may take longer.
READY_SECONDS = 0.8
START_SECONDS = 2.0
_NEWER = "migrated by a newer version"
# So long a job may wait to be begun before somebody should look.
_LONGEST_WAIT_SECONDS = 600.0

Question = Callable[[Services], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Part:
    """`state` is "healthy", "disabled", "loading" with what and how far that is, or what is wrong, in a word or two.

    Without a `needed` part nothing works.
    """

    name: str
    state: str
    needed: bool = False


async def ask_parts(services: Services, *, seconds: float) -> list[Part]:
    """Ask all parts at once; none is waited for longer than `seconds`."""

    async def ask(name: str, question: Question, *, needed: bool = False, enough: str = HEALTHY) -> Part:
        """A part in the state `enough` may be less than healthy, and nothing stops for it."""
        state = await services.questions.ask(name, partial(_state, question, services), supervisor=services.supervisor, seconds=seconds)
        return Part(name, state or "no answer", needed and state != enough)

    return list(
        await asyncio.gather(
            ask("database", _database, needed=True),
            ask("tables", _tables, needed=True, enough=_NEWER),
            ask("cache", _cache),
            ask("session_store", _session_store),
            *([] if services.turns.hears_others is None else [ask("realtime", _realtime)]),
            ask("model", _model),
            ask("knowledge", _knowledge),
            ask("jobs", _jobs),
        )
    )


async def _state(question: Question, services: Services) -> str:
    try:
        return await question(services)
    except DeskhandError as error:
        return error.code.replace("_", " ")


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
