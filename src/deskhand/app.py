"""The application, and the one lifespan that starts and stops what it is made of (`composition`) in order.

Start: database, cache, telemetry, agent (which brings its session store and its tools), start-up checks, sample knowledge. Stop in reverse,
with running turns drained first. What was opened before a failure is closed again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from deskhand.api import errors, openapi
from deskhand.api.assembled import Services
from deskhand.api.client import Peers
from deskhand.api.desk_team import look_after_desk
from deskhand.api.middleware import EXPOSED_HEADERS, BodyLimits, GuardMiddleware, RequestMiddleware
from deskhand.api.rate_limit import RateLimiter
from deskhand.api.routes import add_routes
from deskhand.api.startup import log_start
from deskhand.api.typing_notices import pass_on_typing
from deskhand.api.websocket import WebSocketEndpoint
from deskhand.clock import Clock, SystemClock
from deskhand.composition import open_services, warm_up
from deskhand.errors import ConfigurationError
from deskhand.insights import SearchIndex
from deskhand.models.port import ChatModel
from deskhand.settings import Settings, load_settings
from deskhand.shared_parts import SharedParts
from deskhand.telemetry import Metrics

log = structlog.get_logger(__name__)

_FORM_SLACK_BYTES = 100_000
_HOUR_SECONDS = 3_600


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
            await _start(services)
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
        # The metrics are ours: the framework would ask at each request, for 10 µs, whether somebody has set up others.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    _add_middleware(app, settings, limiter=limiter, metrics=metrics, peers=peers)
    errors.install(app)
    add_routes(app, settings)
    openapi.install(app, settings)
    return app


async def _start(services: Services) -> None:
    """Take up work. What the first question needs is loaded meanwhile.

    Raises:
        ConfigurationError: nobody can sign in.
    """
    alone = services.database.serve_alone()
    await services.turns.start(alone=alone)
    await services.job_worker.start(alone=alone)
    services.streams.start()
    services.staff.on_revoked(services.streams.recheck)
    await let_somebody_in(services)
    await log_start(services)
    _ = services.supervisor.start(lambda: warm_up(services), name="warm-up")
    for name, run in {
        "history": lambda: forget_old_versions(services),
        "inbox": services.inbox.run,
        "search-index": SearchIndex(services.database).run,
        "answer-counts": services.desk.answer_counts.run,
        "desk": lambda: look_after_desk(services),
        "typing": lambda: pass_on_typing(services),
    }.items():
        _ = services.supervisor.start(run, name=name, restart=True)


def _add_middleware(app: FastAPI, settings: Settings, *, limiter: RateLimiter | None, metrics: Metrics, peers: Peers) -> None:
    body_limits = BodyLimits(
        json=settings.request_max_bytes,
        form=settings.upload_max_bytes * settings.upload_max_files + settings.request_max_bytes + _FORM_SLACK_BYTES,
        form_prefixes=(f"{settings.api_prefix}/chat/", f"{settings.api_prefix}/knowledge/"),
    )
    # The last one added is the first to see a request.
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


async def let_somebody_in(services: Services) -> None:
    """In development, make the first account; in production, insist that somebody can work here.

    Raises:
        ConfigurationError: nobody can, and no program either.
    """
    if services.settings.is_development:
        services.first_admin.password = await services.staff.make_first_admin()
    elif services.admin_key is None and not await services.staff.accounts.anybody():
        raise ConfigurationError(
            "Nobody can sign in yet: there is no account, and DESKHAND_ADMIN_API_KEY is not set.",
            support="Run 'deskhand staff create --admin you@example.com' with the same settings, then start again.",
        )


async def forget_old_versions(services: Services) -> None:
    """Drop what documents said before they were changed, once it is older than it may be kept."""
    while True:
        await asyncio.sleep(_HOUR_SECONDS)
        await services.knowledge.library.forget_old()


def _create_limiter(settings: Settings, clock: Clock, shared: SharedParts) -> RateLimiter | None:
    if not settings.rate_limit_enabled:
        return None
    return RateLimiter(
        shared.create_counters(), requests=settings.rate_limit_requests, period_seconds=settings.rate_limit_period_seconds, clock=clock
    )
