"""Everything that Deskhand is made of, opened in order and closed in reverse. A part of the composition root, which the commands share with
the application: it knows nothing of HTTP's framework, which no command should have to load.

What was opened before a failure is closed again.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, TypeVar

import structlog

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.drafting import Drafter, drafting_options
from deskhand.agent.options import AgentOptions
from deskhand.api.assembled import Services
from deskhand.api.client import Origins, Peers
from deskhand.api.fetching import Fetching
from deskhand.api.model_check import ModelCheck
from deskhand.api.rate_limit import RateLimiter
from deskhand.api.readiness import HEALTHY
from deskhand.api.streams import Streams
from deskhand.clock import Clock, SystemClock
from deskhand.errors import DeskhandError
from deskhand.foundations import create_staff, open_database
from deskhand.guard import warming
from deskhand.guard.injection import orders_in
from deskhand.handoff.replies import Replies
from deskhand.insights import DeskReader, Inbox, Opinions
from deskhand.jobs import JobQueue, JobRules, JobWorker
from deskhand.knowledge import KnowledgeService
from deskhand.memory import MemoryService
from deskhand.models.factory import create_configured_model
from deskhand.models.port import ChatModel
from deskhand.persistence import Database
from deskhand.realtime import Bus, Notices
from deskhand.session_store import InMemorySessionStore
from deskhand.sessions import SessionService, UserTokenVerifier
from deskhand.settings import Environment, Settings
from deskhand.shared_parts import SharedParts
from deskhand.staff.secret_file import ADMIN_KEY_FILE, read_or_make
from deskhand.telemetry import Metrics, Supervisor, give_back_memory, redactor
from deskhand.turns import TurnRules, TurnService

log = structlog.get_logger(__name__)

_DRAFT_SECONDS = 600
_MOST_DRAFTS = 100


class _Closes(Protocol):
    async def close(self) -> None: ...


_Part = TypeVar("_Part", bound=_Closes)


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    clock: Clock | None = None,
    model: ChatModel | None = None,
    limiter: RateLimiter | None = None,
    peers: Peers | None = None,
    shared: SharedParts | None = None,
) -> AsyncIterator[Services]:
    """Open all parts, for a command or for the application; what is given takes the place of what the settings would give.

    Raises:
        ConfigurationError: a setting, the database or its tables are not as they must be; says what to do.
    """
    metrics = metrics or Metrics()
    clock = clock or SystemClock()
    supervisor = Supervisor(metrics)
    async with AsyncExitStack() as opened:
        started_at = clock.monotonic()
        database = _closed_by(opened, await open_database(settings, clock))
        shared = _closed_by(opened, shared or SharedParts(settings, clock))
        cache = _closed_by(opened, shared.create_cache())
        knowledge = _closed_by(
            opened,
            KnowledgeService.create(database, settings, clock=clock, screen=orders_in, cache=shared.find_shared_cache(cache)),
        )
        # Closed before what its tasks work with.
        _closed_by(opened, supervisor)
        await knowledge.set_up()
        chat_model = _closed_by(opened, model or create_configured_model(settings, compare=knowledge.lines.compare, metrics=metrics))
        fetching = _closed_by(opened, Fetching(settings, clock))
        sessions = SessionService(database, clock)
        memory = MemoryService(database)
        store = await shared.open_session_store()
        options = AgentOptions.from_settings(settings)
        agent = CustomerSupportAgent(
            model=chat_model, session_store=store, sessions=sessions, knowledge=knowledge, memory=memory, options=options, metrics=metrics
        )
        opened.push_async_callback(agent.cleanup)
        bus = shared.create_bus() if database.dialect == "postgresql" else None
        if bus is not None:
            _closed_by(opened, bus)
        notices = Notices(bus)
        inbox = Inbox(database, notices, clock=clock)
        turns = _closed_by(opened, _create_turns(settings, database, agent=agent, bus=bus, inbox=inbox, clock=clock, metrics=metrics))
        job_worker = _create_job_worker(settings, database, knowledge=knowledge, fetching=fetching, metrics=metrics, supervisor=supervisor)
        opened.push_async_callback(job_worker.drain)
        admin_key = _admin_key(settings)
        if limiter is not None:
            _closed_by(opened, limiter)
            if admin_key is not None:
                limiter.exempt(admin_key)
        yield Services(
            settings=settings,
            clock=clock,
            metrics=metrics,
            supervisor=supervisor,
            database=database,
            cache=cache,
            model=chat_model,
            model_check=ModelCheck(chat_model, clock=clock),
            knowledge=knowledge,
            fetching=fetching,
            sessions=sessions,
            user_tokens=_create_user_tokens(settings),
            agent=agent,
            turns=turns,
            presence=shared.create_presence(),
            notices=notices,
            desk=DeskReader(database),
            inbox=inbox,
            drafter=create_drafter(settings, model=chat_model, knowledge=knowledge, sessions=sessions, clock=clock, memory=memory),
            opinions=Opinions(database),
            replies=Replies(database),
            jobs=JobQueue(database, JobRules.from_settings(settings), queued=job_worker.look),
            job_worker=job_worker,
            streams=Streams(clock, metrics, supervisor),
            origins=Origins(settings.cors_origins, peers=peers or Peers(settings.trusted_proxies)),
            limiter=limiter,
            staff=_closed_by(opened, create_staff(settings, database, clock)),
            admin_key=admin_key,
            started_at=started_at,
        )


async def warm_up(services: Services) -> None:
    """Load what the first question needs and, in development, fill an empty knowledge base with the samples. Searches wait for it."""
    settings = services.settings
    await asyncio.to_thread(warming.warm_up)
    try:
        await services.knowledge.warm_up(samples=settings.is_development and settings.knowledge_samples, tell=services.warmup.tell)
    except DeskhandError as error:
        services.warmup.knowledge = error.code.replace("_", " ")
        log.exception("knowledge_unavailable", remedy=error.remedy)
    else:
        services.warmup.knowledge = HEALTHY
        log.info("knowledge_ready", documents=await services.knowledge.count_documents())
    # Loading the model and embedding the samples took some 15 MiB that nothing else will ask for.
    give_back_memory()


def create_drafter(
    settings: Settings, *, model: ChatModel, knowledge: KnowledgeService, sessions: SessionService, memory: MemoryService, clock: Clock
) -> Drafter:
    store = InMemorySessionStore(default_ttl=_DRAFT_SECONDS, max_sessions=_MOST_DRAFTS, clock=clock)
    options = drafting_options(AgentOptions.from_settings(settings))
    agent = CustomerSupportAgent(model=model, session_store=store, sessions=sessions, knowledge=knowledge, memory=memory, options=options)
    return Drafter(agent, sessions, seconds=settings.turn_timeout_seconds)


def _closed_by(opened: AsyncExitStack, part: _Part) -> _Part:
    """`part`, which is closed when `opened` is: before whatever was handed to it earlier."""
    opened.push_async_callback(part.close)
    return part


def _create_turns(
    settings: Settings, database: Database, *, agent: CustomerSupportAgent, bus: Bus | None, inbox: Inbox, clock: Clock, metrics: Metrics
) -> TurnService:
    return TurnService(
        database=database,
        agent=agent,
        rules=TurnRules.from_settings(settings),
        clock=clock,
        metrics=metrics,
        concurrency=settings.turn_concurrency,
        drain_seconds=settings.drain_seconds,
        bus=bus,
        tell=inbox.changed,
    )


def _create_job_worker(
    settings: Settings, database: Database, *, knowledge: KnowledgeService, fetching: Fetching, metrics: Metrics, supervisor: Supervisor
) -> JobWorker:
    return JobWorker(
        name=f"jobs_{secrets.token_hex(8)}",
        database=database,
        knowledge=knowledge,
        find_fetcher=fetching.fetcher,
        rules=JobRules.from_settings(settings),
        metrics=metrics,
        supervisor=supervisor,
        concurrency=settings.jobs_concurrency,
    )


def _create_user_tokens(settings: Settings) -> UserTokenVerifier | None:
    secret = settings.widget_secret
    return UserTokenVerifier(secret.get_secret_value(), audience=settings.widget_audience) if secret is not None else None


def _admin_key(settings: Settings) -> str | None:
    """The key of the settings; else the one made at an earlier start, or now, and kept where only this user can read it. None in
    production: nobody there asked for one."""
    if settings.admin_api_key is not None:
        return settings.admin_api_key.get_secret_value()
    if settings.environment is Environment.PRODUCTION:
        return None
    key = read_or_make(settings.data_dir / ADMIN_KEY_FILE, lambda: f"dk_{secrets.token_urlsafe(32)}").decode("ascii")
    redactor.learn([key])
    return key
