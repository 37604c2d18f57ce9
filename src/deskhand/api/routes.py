"""All routes of the application but the WebSocket, in one place."""

from fastapi import FastAPI

from deskhand.api.routers import (
    chat,
    desk,
    desk_team,
    health,
    identification,
    jobs,
    knowledge,
    opinions,
    pages,
    root,
    sessions,
    single_sign_on,
    staff,
)
from deskhand.api.routing import Routes
from deskhand.settings import Settings


def add_routes(app: FastAPI, settings: Settings) -> None:
    routers: list[tuple[Routes, str]] = [
        (chat.router, settings.api_prefix),
        (sessions.router, settings.api_prefix),
        (identification.router, settings.api_prefix),
        (desk.router, settings.api_prefix),
        (desk_team.router, settings.api_prefix),
        (opinions.router, settings.api_prefix),
        (knowledge.router, settings.api_prefix),
        (jobs.router, settings.api_prefix),
        (staff.router, settings.api_prefix),
        (single_sign_on.router, settings.api_prefix),
        (root.public_router, settings.api_prefix),
        (health.router, ""),
        (root.router, ""),
        (pages.router, ""),
    ]
    if settings.telemetry_enabled:
        routers.append((root.metrics_router, ""))
    for router, prefix in routers:
        app.router.routes.extend(router.lazily(prefix))
