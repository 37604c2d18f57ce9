"""What is running, and what a page may know before anybody has said who they are."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Header, Response
from starlette.responses import RedirectResponse

from deskhand.api import documented, schemas
from deskhand.api.routing import Routes
from deskhand.api.services import Services, ServicesDep
from deskhand.knowledge import SUPPORTED_SUFFIXES
from deskhand.session_store import SessionStoreUnavailable
from deskhand.telemetry.metrics import CONTENT_TYPE

router = Routes(tags=["root"])
public_router = Routes(tags=["root"])
metrics_router = Routes(tags=["root"])


@router.get("/", openapi_extra=documented.PUBLIC, response_model=schemas.Root)
async def show_root(services: ServicesDep, accept: Annotated[str, Header(include_in_schema=False)] = "") -> Response | schemas.Root:
    """What is running. A browser is sent to the chat page."""
    if "text/html" in accept:
        return RedirectResponse("/chat", status_code=303)
    settings = services.settings
    return schemas.Root(
        name=settings.app_name,
        version=settings.app_version,
        environment=settings.environment.value,
        status="operational",
        docs="/docs" if settings.debug else "disabled",
        health="/health",
        metrics="/metrics" if settings.telemetry_enabled else "disabled",
        session_store=type(services.agent.session_store).__name__,
        session_stats=await _session_stats(services),
        stats={
            "uptime_seconds": round(services.clock.monotonic() - services.started_at, 1),
            "open_streams": services.streams.count,
            "running_turns": services.turns.running_count,
        },
    )


@public_router.get("/public/config", openapi_extra=documented.PUBLIC)
async def show_public_config(services: ServicesDep) -> schemas.PublicConfig:
    """What the pages need to know. Every field is named here: nothing else of the settings ever leaves."""
    settings = services.settings
    return schemas.PublicConfig(
        name=settings.app_name,
        company=settings.company_name,
        suggestions=list(settings.chat_suggestions),
        upload=schemas.UploadRules(
            accept=sorted(SUPPORTED_SUFFIXES), max_bytes=settings.upload_max_bytes, max_files=settings.upload_max_files
        ),
        message_max_characters=settings.message_max_characters,
        api_prefix=settings.api_prefix,
    )


@metrics_router.get("/metrics", openapi_extra=documented.PUBLIC, response_class=Response)
async def show_metrics(services: ServicesDep) -> Response:
    """Prometheus text."""
    return Response(services.metrics.render(), headers={"content-type": CONTENT_TYPE})


async def _session_stats(services: Services) -> dict[str, Any]:
    try:
        return asdict(await services.agent.session_store.get_stats())
    except SessionStoreUnavailable as error:
        return {"error": error.code}
