"""The composition root: the only place that picks implementations, and the one lifespan that starts and stops them in order.

Start: database, cache, telemetry, agent (which brings its session store and its tools), start-up checks, sample knowledge. Stop in reverse,
with running turns drained first. What was opened before a failure is closed again.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.options import AgentOptions
from deskhand.api import errors, openapi
from deskhand.api.client import Origins, Peers
from deskhand.api.fetching import Fetching
from deskhand.api.middleware import EXPOSED_HEADERS, BodyLimits, GuardMiddleware, RequestMiddleware
from deskhand.api.model_check import ModelCheck
from deskhand.api.rate_limit import RateLimiter
from deskhand.api.readiness import HEALTHY
from deskhand.api.routes import add_routes
from deskhand.api.services import Services, Warmup
from deskhand.api.startup import check_parts
from deskhand.api.streams import Streams
from deskhand.api.websocket import WebSocketEndpoint
from deskhand.clock import Clock, SystemClock
from deskhand.errors import DeskhandError
from deskhand.guard import warming
from deskhand.guard.injection import orders_in
from deskhand.jobs import JobQueue, JobRules, JobWorker
from deskhand.knowledge import KnowledgeService
from deskhand.memory import MemoryService
from deskhand.models.factory import create_configured_model
from deskhand.models.port import ChatModel
from deskhand.persistence import Database, PostgresqlOptions
from deskhand.persistence.migrations import check_schema, migrate
from deskhand.realtime import Notices
from deskhand.sessions import SessionService
from deskhand.settings import Environment, Settings, load_settings
from deskhand.shared_parts import SharedParts
from deskhand.telemetry import Metrics, Supervisor, give_back_memory, redactor
from deskhand.turns import TurnRules, TurnService

log = structlog.get_logger(__name__)

_FORM_SLACK_BYTES = 100_000
_HOUR_SECONDS = 3_600
_ADMIN_KEY_FILE = "admin_key"
_MIGRATED_AT_START = (Environment.DEVELOPMENT, Environment.TESTING)


def create_app(settings: Settings | None = None, *, model: ChatModel | None = None, clock: Clock | None = None) -> FastAPI:
    """The application. Nothing is opened before its lifespan begins. `model` and `clock` replace the configured ones, for tests."""
    settings = settings or load_settings()
    clock = clock or SystemClock()
    metrics = Metrics()
    shared = SharedParts(settings, clock)
    limiter = _create_limiter(settings, clock, shared)
    peers = Peers(settings.trusted_proxies)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(
            settings, metrics=metrics, clock=clock, model=model, limiter=limiter, peers=peers, shared=shared
        ) as services:
            app.state.services = services
            alone = services.database.serve_alone()
            await services.turns.start(alone=alone)
            await services.job_worker.start(alone=alone)
            services.streams.start()
            await check_parts(services)
            _ = services.supervisor.start(lambda: warm_up(services), name="warm-up")
            _ = services.supervisor.start(lambda: forget_old_versions(services), name="history", restart=True)
            yield
            await services.drain()

    app = FastAPI(
        title=settings.app_name,
        version=settings.app_version,
        description="Deskhand answers customers from a company's documents, with sources, and hands over to people.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url="/docs" if settings.debug else None,
        redoc_url="/redoc" if settings.debug else None,
        openapi_url="/openapi.json" if settings.debug else None,
        generate_unique_id_function=lambda route: route.name,
    )
    # The last one added is the first to see a request.
    body_limits = BodyLimits(
        json=settings.request_max_bytes,
        form=settings.upload_max_bytes * settings.upload_max_files + settings.request_max_bytes + _FORM_SLACK_BYTES,
        form_prefixes=(f"{settings.api_prefix}/chat/", f"{settings.api_prefix}/knowledge/"),
    )
    app.add_middleware(GuardMiddleware, limiter=limiter, body_limits=body_limits, metrics=metrics, debug=settings.debug)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_credentials=settings.cors_allow_credentials,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID", "X-API-Key", "Last-Event-ID", "Prefer", "Accept", "If-Match"],
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(RequestMiddleware, metrics=metrics, peers=peers, websockets={"/ws": WebSocketEndpoint()})
    errors.install(app)
    add_routes(app, settings)
    openapi.install(app, settings)
    return app


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
    """Everything that Deskhand is made of, opened in order and closed in reverse. Serves commands as well as the application.

    Raises:
        ConfigurationError: a setting, the database or its tables are not as they must be; says what to do.
    """
    metrics = metrics or Metrics()
    clock = clock or SystemClock()
    supervisor = Supervisor(metrics)
    async with AsyncExitStack() as opened:
        started_at = clock.monotonic()
        database = await open_database(settings, clock)
        opened.push_async_callback(database.close)
        shared = shared or SharedParts(settings, clock)
        opened.push_async_callback(shared.close)
        cache = shared.create_cache()
        opened.push_async_callback(cache.close)
        opened.push_async_callback(supervisor.close)
        knowledge = KnowledgeService.create(database, settings, clock=clock, screen=orders_in, cache=shared.find_shared_cache(cache))
        opened.push_async_callback(knowledge.close)
        await knowledge.set_up()
        chat_model = model or create_configured_model(settings, compare=knowledge.lines.compare)
        opened.push_async_callback(chat_model.close)
        fetching = Fetching(settings, clock)
        opened.push_async_callback(fetching.close)
        sessions = SessionService(database)
        agent = CustomerSupportAgent(
            model=chat_model,
            session_store=await shared.open_session_store(),
            sessions=sessions,
            knowledge=knowledge,
            memory=MemoryService(database),
            options=AgentOptions.from_settings(settings),
            metrics=metrics,
        )
        opened.push_async_callback(agent.cleanup)
        bus = shared.create_bus() if database.dialect == "postgresql" else None
        if bus is not None:
            opened.push_async_callback(bus.close)
        turns = TurnService(
            database=database,
            agent=agent,
            rules=TurnRules(
                timeout_seconds=settings.turn_timeout_seconds,
                lease_seconds=settings.turn_lease_seconds,
                max_attempts=settings.turn_max_attempts,
                queue_limit=settings.queue_limit,
            ),
            clock=clock,
            metrics=metrics,
            concurrency=settings.turn_concurrency,
            drain_seconds=settings.drain_seconds,
            bus=bus,
        )
        opened.push_async_callback(turns.close)
        job_rules = JobRules(
            lease_seconds=settings.jobs_lease_seconds, max_bytes=settings.jobs_max_bytes, keep_days=settings.jobs_keep_days
        )
        job_worker = JobWorker(
            name=f"jobs_{secrets.token_hex(8)}",
            database=database,
            knowledge=knowledge,
            find_fetcher=fetching.fetcher,
            rules=job_rules,
            metrics=metrics,
            supervisor=supervisor,
            concurrency=settings.jobs_concurrency,
        )
        opened.push_async_callback(job_worker.drain)
        admin_key = _admin_key(settings)
        if limiter is not None:
            limiter.exempt(admin_key)
            opened.push_async_callback(limiter.close)
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
            agent=agent,
            turns=turns,
            presence=shared.create_presence(),
            notices=Notices(bus),
            jobs=JobQueue(database, job_rules, queued=job_worker.look),
            job_worker=job_worker,
            streams=Streams(clock, metrics, supervisor),
            origins=Origins(settings.cors_origins, peers=peers or Peers(settings.trusted_proxies)),
            limiter=limiter,
            admin_key=admin_key,
            started_at=started_at,
            warmup=Warmup(),
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


async def forget_old_versions(services: Services) -> None:
    """Drop what documents said before they were changed, once it is older than it may be kept."""
    while True:
        await asyncio.sleep(_HOUR_SECONDS)
        await services.knowledge.library.forget_old()


async def open_database(settings: Settings, clock: Clock) -> Database:
    """The database of the settings, at this version's schema. In development it is migrated, elsewhere it must have been.

    Raises:
        ConfigurationError: it cannot be used as it is; says what to do.
    """
    options = PostgresqlOptions(
        pool_size=settings.database_pool_size,
        pool_overflow=settings.database_pool_overflow,
        pool_wait_seconds=settings.database_pool_wait_seconds,
        recycle_seconds=settings.database_recycle_seconds,
        statement_seconds=settings.database_statement_seconds,
        lock_seconds=settings.database_lock_seconds,
        idle_in_transaction_seconds=settings.database_idle_seconds,
        application_name=settings.database_application_name,
        prepared_statements=settings.database_prepared_statements,
    )
    database = await Database.open(settings.database_address, clock=clock, options=options)
    try:
        if settings.environment in _MIGRATED_AT_START:
            if await migrate(database):
                log.info("database_migrated")
        else:
            await check_schema(database)
    except DeskhandError:
        await database.close()
        raise
    return database


def _create_limiter(settings: Settings, clock: Clock, shared: SharedParts) -> RateLimiter | None:
    if not settings.rate_limit_enabled:
        return None
    return RateLimiter(
        shared.create_counters(), requests=settings.rate_limit_requests, period_seconds=settings.rate_limit_period_seconds, clock=clock
    )


def _admin_key(settings: Settings) -> str:
    """The key of the settings; else the one made at an earlier start, or now, and kept where only this user can read it."""
    if settings.admin_api_key is not None:
        return settings.admin_api_key.get_secret_value()
    path = settings.data_dir / _ADMIN_KEY_FILE
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = f"dk_{secrets.token_urlsafe(32)}"
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(f"{key}\n", encoding="ascii")
    redactor.learn([key])
    return key
