"""Is it up, is it able. Live asks no part; ready asks each, with a time limit of its own."""

from typing import Literal

from fastapi import Response

from deskhand.api import documented, schemas
from deskhand.api.readiness import HEALTHY, READY_SECONDS, ask_parts
from deskhand.api.routing import Routes
from deskhand.api.services import Services, ServicesDep
from deskhand.clock import to_iso

router = Routes(tags=["health"])

State = Literal["healthy", "degraded", "unhealthy"]

_NOT_READY: dict[int | str, dict[str, object]] = {
    503: {"model": schemas.Health, "description": "Not ready; `services` says which part is why."}
}


@router.get("/health/live", openapi_extra=documented.PUBLIC)
async def show_live(services: ServicesDep) -> schemas.Health:
    """Whether the process answers."""
    return _health("healthy", {"server": HEALTHY}, services)


@router.get("/health", operation_id="show_health", openapi_extra=documented.PUBLIC, responses=_NOT_READY)
@router.get("/health/ready", openapi_extra=documented.PUBLIC, responses=_NOT_READY)
async def show_ready(services: ServicesDep, response: Response) -> schemas.Health:
    """Whether each part can do its work. `degraded` goes on with less; `unhealthy` is 503."""
    if services.turns.draining:
        response.status_code = 503
        return _health("unhealthy", {"server": "draining"}, services)
    parts = await ask_parts(services, seconds=READY_SECONDS)
    status: State = "healthy"
    if any(part.needed and part.state != HEALTHY for part in parts):
        status = "unhealthy"
        response.status_code = 503
    elif any(part.state not in (HEALTHY, "disabled") for part in parts):
        status = "degraded"
    return _health(status, {part.name: part.state for part in parts}, services)


def _health(status: State, states: dict[str, str], services: Services) -> schemas.Health:
    return schemas.Health(status=status, timestamp=to_iso(services.clock.now()), version=services.settings.app_version, services=states)
