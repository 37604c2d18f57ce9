"""Who may open a WebSocket: the origin, the token, the session. All of it is decided before any data is sent."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.types import Receive, Scope

from deskhand.api import frames
from deskhand.api.assembled import Services
from deskhand.api.identity import authorise, identify_token
from deskhand.errors import DeskhandError, Forbidden, Unauthenticated
from deskhand.ids import SessionId, StaffId
from deskhand.sessions import SessionNotFound, Staff

TOKEN_PREFIX = "token."  # noqa: S105 - the name of a subprotocol, not a secret
AUTHENTICATE_SECONDS = 10.0

NO_SESSION_ID = 4001
NOT_ALLOWED = 4003
NO_SUCH_SESSION = 4004
GOING_AWAY = 1012
TRY_LATER = 1013


class Disconnected(Exception):
    """The connection is gone: the client left, or the server had to close it for a frame that breaks the protocol."""


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """The connection is closed before any data, with this code."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who came in. `staff_id`: the key, where it was one of staff."""

    session_id: SessionId
    token: str
    staff_id: StaffId | None


async def admit(scope: Scope, receive: Receive, services: Services) -> Admitted:
    """Who may come in, and to which session.

    Raises:
        Refusal: not they.
        Disconnected: they left before they said who they are.
    """
    session_id = _query_value(scope, "session_id")
    if not session_id:
        raise Refusal(NO_SESSION_ID, "no session_id")
    if not services.origins.allow(scope):
        raise Refusal(NOT_ALLOWED, "this origin is not allowed; see DESKHAND_CORS_ORIGINS")
    if services.turns.draining:
        raise Refusal(GOING_AWAY, "draining")
    if services.limiter is not None:
        verdict = await services.limiter.hit(token=None, address=scope["deskhand.client"])
        if verdict is not None and verdict.retry_after_seconds is not None:
            raise Refusal(TRY_LATER, f"too many connections; retry after {verdict.retry_after_seconds:.0f} s")
    token = next((name.removeprefix(TOKEN_PREFIX) for name in scope.get("subprotocols", []) if name.startswith(TOKEN_PREFIX)), None)
    if token is None:
        token = await _token_of_first_frame(receive)
    with refusing():
        principal = await identify_token(token, services)
        authorised = await authorise(session_id, principal, services)
    return Admitted(authorised, token, staff_id=principal.id if isinstance(principal, Staff) else None)


@contextmanager
def refusing() -> Iterator[None]:
    """Raises Refusal for what is wrong with a client, or with the server, before any data was sent."""
    try:
        yield
    except (Forbidden, Unauthenticated) as error:
        raise Refusal(NOT_ALLOWED, "this token is not valid") from error
    except SessionNotFound as error:
        raise Refusal(NO_SUCH_SESSION, "no such session") from error
    except DeskhandError as error:
        raise Refusal(TRY_LATER, error.code) from error


async def _token_of_first_frame(receive: Receive) -> str:
    try:
        async with asyncio.timeout(AUTHENTICATE_SECONDS):
            message = await receive()
    except TimeoutError as error:
        raise Refusal(NOT_ALLOWED, "no token within 10 s") from error
    if message["type"] == "websocket.disconnect":
        raise Disconnected
    raw = message.get("text")
    try:
        frame = frames.decode(raw if raw is not None else message.get("bytes") or b"")
    except DeskhandError as error:
        raise Refusal(NOT_ALLOWED, "the first frame is not 'authenticate'") from error
    if not isinstance(frame, frames.Authenticate):
        raise Refusal(NOT_ALLOWED, "the first frame is not 'authenticate'")
    return frame.token


def _query_value(scope: Scope, name: str) -> str:
    values = parse_qs(scope["query_string"].decode("latin-1")).get(name, [])
    return values[0] if values else ""
