"""What every part says of itself at the start, in one entry of the log."""

import structlog

from deskhand.api.assembled import LOADING, Services
from deskhand.api.readiness import HEALTHY, START_SECONDS, ask_parts
from deskhand.persistence.database import parse_url
from deskhand.redis_link import RedisAddress
from deskhand.settings import Settings

log = structlog.get_logger(__name__)


async def log_start(services: Services) -> None:
    """Ask every part once, and log what they say. A part that is down stops nothing."""
    parts = await ask_parts(services, seconds=START_SECONDS)
    settings = services.settings
    store = services.agent.session_store
    bad = [part.name for part in parts if part.state not in (HEALTHY, "disabled") and not part.state.startswith(LOADING)]
    write = log.warning if bad else log.info
    write(
        "started",
        environment=settings.environment.value,
        version=settings.app_version,
        **{part.name: part.state for part in parts},
        database_address=parse_url(settings.database_address).render_as_string(hide_password=True),
        tools=len(services.agent.tools),
        session_store_type=type(store).__name__,
        session_store_address=_address(settings),
        session_key_prefix=settings.session_key_prefix,
        session_ttl_seconds=settings.session_ttl_seconds,
    )


def _address(settings: Settings) -> str:
    """Where the session store is, without user or password."""
    url = settings.session_redis_url or settings.redis_url
    if url is None:
        return "this process"
    return RedisAddress.parse(url.get_secret_value()).shown
