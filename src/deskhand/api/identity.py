"""Who asks: read from the request's headers, for every route and transport alike.

The invariant: a credential that is shown must be right. A wrong one is refused even where none is needed for the rest.
"""

import hmac
import re
from typing import Annotated

from fastapi import Depends
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from deskhand.api.services import Services, services_of
from deskhand.errors import Forbidden, Unauthenticated
from deskhand.ids import SessionId
from deskhand.sessions import Anonymous, Principal, Session, SessionNotFound, Staff, Visitor

_SESSION_ID = re.compile(r"sess_[0-9a-f]{12}")
_VISITOR_TOKEN = re.compile(r"vt_[A-Za-z0-9_-]{20,100}")
_ADMIN = Staff("admin")


async def identify(headers: Headers, services: Services, *, is_checked_later: bool = False) -> Principal:
    """Who asks. `is_checked_later`: the caller finds out by itself whether a visitor's session is still there.

    Raises:
        Unauthenticated: a credential was shown, and it is not right.
    """
    key = headers.get("x-api-key")
    if key is not None and not _is_admin_key(key, services):
        raise Unauthenticated("This API key is not known.", support="Send the key of DESKHAND_ADMIN_API_KEY as 'X-API-Key'.")
    authorization = headers.get("authorization")
    if authorization is None:
        return _ADMIN if key is not None else Anonymous()
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The Authorization header is not 'Bearer <token>'.")
    principal = await identify_token(token.strip(), services, is_checked_later=is_checked_later)
    return _ADMIN if key is not None else principal


async def identify_token(token: str, services: Services, *, is_checked_later: bool = False) -> Visitor | Staff:
    """Whose token this is. `is_checked_later` as in `identify`.

    Raises:
        Unauthenticated: nobody's, or of a session that is gone.
    """
    if _is_admin_key(token, services):
        return _ADMIN
    if _VISITOR_TOKEN.fullmatch(token):
        sessions = services.sessions
        visitor = await (sessions.recognise(token) if is_checked_later else sessions.authenticate(token))
        if visitor is not None:
            if services.limiter is not None:
                services.limiter.recognise(token)
            return visitor
    raise Unauthenticated("This token is not valid (any more).", support="Open a new session with 'POST /sessions' and use its token.")


async def _principal(connection: HTTPConnection) -> Principal:
    return await identify(connection.headers, services_of(connection))


PrincipalDep = Annotated[Principal, Depends(_principal)]


async def _require_known(connection: HTTPConnection) -> Visitor | Staff:
    principal = await _principal(connection)
    if isinstance(principal, Anonymous):
        raise Unauthenticated
    return principal


async def _require_staff(connection: HTTPConnection) -> Staff:
    match await _principal(connection):
        case Anonymous():
            raise Unauthenticated(support="Send the staff's key as 'X-API-Key' or 'Authorization: Bearer …'.")
        case Visitor():
            raise Forbidden("This is for staff only.")
        case Staff() as staff:
            return staff


async def _access_session(session_id: str, connection: HTTPConnection) -> Session:
    return await access(session_id, await _principal(connection), services_of(connection))


async def _authorise_session(session_id: str, connection: HTTPConnection) -> SessionId:
    # A visitor's token was found in its session's row a moment ago, so the session is there: it need not be read again.
    return await _authorise(session_id, await _principal(connection), services_of(connection))


async def authorise_writer(session_id: str, connection: HTTPConnection) -> SessionId:
    services = services_of(connection)
    return await _authorise(session_id, await identify(connection.headers, services, is_checked_later=True), services)


async def _authorise(session_id: str, principal: Principal, services: Services) -> SessionId:
    if isinstance(principal, Visitor):
        if principal.session_id != session_id:
            raise SessionNotFound
        return principal.session_id
    return (await access(session_id, principal, services)).id


async def access(session_id: str, principal: Principal, services: Services) -> Session:
    """The session, if `principal` may see it.

    Raises:
        Unauthenticated: no token was shown.
        SessionNotFound: no such session, or it is another's.
    """
    if isinstance(principal, Anonymous):
        raise Unauthenticated
    if not _SESSION_ID.fullmatch(session_id):
        raise SessionNotFound
    return await services.sessions.access_session(session_id, principal)


KnownDep = Annotated[Visitor | Staff, Depends(_require_known)]
StaffDep = Annotated[Staff, Depends(_require_staff)]
SessionDep = Annotated[Session, Depends(_access_session)]
SessionIdDep = Annotated[SessionId, Depends(_authorise_session)]
# For a route that goes on to a transaction that locks the session's row: a session that is gone is found out there.
WriterDep = Annotated[SessionId, Depends(authorise_writer)]


def _is_admin_key(given: str, services: Services) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), services.admin_key.encode())
