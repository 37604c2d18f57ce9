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

_LIVE = documented.answer(schemas.Health)
_READY = {**_LIVE, **documented.answer(schemas.Health, 503, "Not ready; `services` says which part is why.")}


@router.get("/health/live", openapi_extra=documented.PUBLIC, responses=_LIVE)
async def show_live(services: ServicesDep) -> Response:
    """Whether the process answers."""
    return _health("healthy", {"server": HEALTHY}, services)


@router.get("/health", operation_id="show_health", openapi_extra=documented.PUBLIC, responses=_READY)
@router.get("/health/ready", openapi_extra=documented.PUBLIC, responses=_READY)
async def show_ready(services: ServicesDep) -> Response:
    """Whether each part can do its work. `degraded` goes on with less; `unhealthy` is 503."""
    if services.turns.draining:
        return _health("unhealthy", {"server": "draining"}, services)
    parts = await ask_parts(services, seconds=READY_SECONDS)
    status: State = "healthy"
    if any(part.needed and part.state != HEALTHY for part in parts):
        status = "unhealthy"
    elif any(part.state not in (HEALTHY, "disabled") for part in parts):
        status = "degraded"
    return _health(status, {part.name: part.state for part in parts}, services)


def _health(status: State, states: dict[str, str], services: Services) -> Response:
    # Written here and not by the framework, which would have to be made ready for that before the first of these is answered.
    said = schemas.Health(status=status, timestamp=to_iso(services.clock.now()), version=services.settings.app_version, services=states)
    return Response(said.model_dump_json(), status_code=503 if status == "unhealthy" else 200, media_type="application/json")
