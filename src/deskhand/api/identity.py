"""Who asks: read from the request's headers, for every route and transport alike.

The invariants: a credential that is shown must be right; a wrong one is refused even where none is needed for the rest. And a cookie, which
browsers send by themselves, is a credential for a change only beside the header `X-Deskhand: console`, on a request of a page of ours.
"""

import hmac
import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from deskhand.api.cookies import staff_token
from deskhand.api.services import Services, services_of
from deskhand.errors import Forbidden, Unauthenticated
from deskhand.ids import SessionId, StaffId
from deskhand.roles import ALL_SCOPES, Role, Scope
from deskhand.sessions import Anonymous, Principal, Session, SessionNotFound, Staff, Visitor
from deskhand.staff import Caller

_SESSION_ID = re.compile(r"sess_[0-9a-f]{12}")
_VISITOR_TOKEN = re.compile(r"vt_[A-Za-z0-9_-]{20,100}")
_STAFF_KEY = re.compile(r"dsk_[A-Za-z0-9_-]{43}")
_STAFF_TOKEN = re.compile(r"st_[A-Za-z0-9_-]{43}")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_ADMIN = Caller(StaffId("staff_admin"), "admin", Role.ADMIN, ALL_SCOPES)


class CrossSite(Forbidden):
    """A request that changes something came from another site, or does not say that it is the console's."""

    code = "cross_site"
    support = "Send the header 'X-Deskhand: console' from a page of this server; programs send a key instead of the cookie."


async def identify(connection: HTTPConnection, services: Services, *, is_checked_later: bool = False) -> Principal:
    """Who asks. `is_checked_later`: the caller finds out by itself whether a visitor's session is still there.

    Raises:
        Unauthenticated: a credential was shown, and it is not right.
        CrossSite: a cookie was shown from another site.
    """
    caller: Caller | None = None
    key = connection.headers.get("x-api-key")
    if key is not None:
        caller = await _find_key(key, services)
        if caller is None:
            raise Unauthenticated("This API key is not known.", support="Send a key of staff as 'X-API-Key'.")
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        token = _bearer(authorization)
        shown = await _find_key(token, services)
        if shown is None:
            visitor = await _identify_visitor(token, services, is_checked_later=is_checked_later)
            if caller is None:
                return visitor
        caller = caller or shown
    elif caller is None:
        caller = await _find_signed_in(connection, services)
    if caller is None:
        return Anonymous()
    connection.scope["deskhand.caller"] = caller
    return _staff(caller)


async def identify_token(token: str, services: Services) -> Visitor | Staff:
    """Whose token this is: a visitor's, or a key of staff.

    Raises:
        Unauthenticated: nobody's, or of a session that is gone.
    """
    caller = await _find_key(token, services)
    return _staff(caller) if caller is not None else await _identify_visitor(token, services, is_checked_later=False)


async def _identify_visitor(token: str, services: Services, *, is_checked_later: bool) -> Visitor:
    if _VISITOR_TOKEN.fullmatch(token):
        sessions = services.sessions
        visitor = await (sessions.recognise(token) if is_checked_later else sessions.authenticate(token))
        if visitor is not None:
            if services.limiter is not None:
                services.limiter.recognise(token)
            return visitor
    raise Unauthenticated("This token is not valid (any more).", support="Open a new session with 'POST /sessions' and use its token.")


async def _find_key(given: str, services: Services) -> Caller | None:
    if _is_admin_key(given, services):
        return _ADMIN
    if not _STAFF_KEY.fullmatch(given):
        return None
    caller = await services.staff.keys.authenticate(given)
    _note_staff(given, services, known=caller is not None)
    return caller


async def _find_signed_in(connection: HTTPConnection, services: Services) -> Caller | None:
    token = staff_token(connection.headers.get("cookie", ""))
    if token is None:
        return None
    if connection.scope.get("method", "GET") not in _SAFE_METHODS:
        if connection.headers.get("x-deskhand") != "console":
            # The chat page in an operator's browser: its visitor is nobody yet.
            return None
        if not services.origins.is_own(connection.scope):
            raise CrossSite
    caller = await services.staff.signing_in.authenticate(token) if _STAFF_TOKEN.fullmatch(token) else None
    _note_staff(token, services, known=caller is not None)
    if caller is None:
        raise Unauthenticated("You are signed out.", support="Sign in again.")
    return caller


def _note_staff(token: str, services: Services, *, known: bool) -> None:
    if services.limiter is not None:
        if known:
            services.limiter.recognise_staff(token)
        else:
            services.limiter.forget(token)


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The Authorization header is not 'Bearer <token>'.")
    return token.strip()


def _staff(caller: Caller) -> Staff:
    return Staff(caller.name, id=caller.id, role=caller.role, scopes=caller.scopes)


async def _principal(connection: HTTPConnection) -> Principal:
    return await identify(connection, services_of(connection))


PrincipalDep = Annotated[Principal, Depends(_principal)]


def staff_id_of(connection: HTTPConnection) -> str | None:
    """The account or key that `identify` found, where it was one."""
    caller: Caller | None = connection.scope.get("deskhand.caller")
    return None if caller is None else caller.id


async def _require_known(connection: HTTPConnection) -> Visitor | Staff:
    principal = await _principal(connection)
    if isinstance(principal, Anonymous):
        raise Unauthenticated
    return principal


async def require_staff(connection: HTTPConnection) -> Staff:
    """Whoever works here and asks. Raises Unauthenticated, CrossSite, Forbidden."""
    match await _principal(connection):
        case Anonymous():
            if staff_token(connection.headers.get("cookie", "")) is not None:
                raise CrossSite
            raise Unauthenticated(support="Sign in, or send a key of staff as 'X-API-Key' or 'Authorization: Bearer …'.")
        case Visitor():
            raise Forbidden("This is for staff only.")
        case Staff() as staff:
            return staff


def _requiring(scope: Scope) -> Callable[[HTTPConnection], Awaitable[Staff]]:
    async def require(connection: HTTPConnection) -> Staff:
        staff = await require_staff(connection)
        check_scope(staff, scope)
        return staff

    return require


def check_scope(staff: Staff, scope: Scope) -> None:
    """Raises Forbidden: they work here, and this is not theirs to do."""
    if not staff.may(scope):
        raise Forbidden(f"This needs the right '{scope.value}'.", details={"scope": scope.value})


async def _require_caller(connection: HTTPConnection) -> Caller:
    _ = await require_staff(connection)
    caller: Caller = connection.scope["deskhand.caller"]
    return caller


async def _access_session(session_id: str, connection: HTTPConnection) -> Session:
    return await access(session_id, await _principal(connection), services_of(connection))


async def _authorise_session(session_id: str, connection: HTTPConnection) -> SessionId:
    # A visitor's token was found in its session's row a moment ago, so the session is there: it need not be read again.
    return await authorise(session_id, await _principal(connection), services_of(connection))


async def authorise_writer(session_id: str, connection: HTTPConnection) -> SessionId:
    services = services_of(connection)
    principal = await identify(connection, services, is_checked_later=True)
    if isinstance(principal, Staff):
        # Operators speak under their own names, at the desk.
        check_scope(principal, Scope.SESSIONS)
    return await authorise(session_id, principal, services)


async def authorise(session_id: str, principal: Principal, services: Services) -> SessionId:
    """As `access`, for whoever does not need the session itself: one read fewer, as a visitor's token was found in its row just now."""
    if isinstance(principal, Visitor):
        if principal.session_id != session_id:
            raise SessionNotFound
        return principal.session_id
    return (await access(session_id, principal, services)).id


async def access(session_id: str, principal: Principal, services: Services) -> Session:
    """The session, if `principal` may see it.

    Raises:
        Unauthenticated: no token was shown.
        Forbidden: a key of staff that is for something else.
        SessionNotFound: no such session, or it is another's.
    """
    if isinstance(principal, Anonymous):
        raise Unauthenticated
    if isinstance(principal, Staff) and not principal.may(Scope.SESSIONS):
        check_scope(principal, Scope.DESK)
    if not _SESSION_ID.fullmatch(session_id):
        raise SessionNotFound
    return await services.sessions.access_session(session_id, principal)


KnownDep = Annotated[Visitor | Staff, Depends(_require_known)]
CallerDep = Annotated[Caller, Depends(_require_caller)]
OperatorDep = Annotated[Staff, Depends(_requiring(Scope.DESK))]
AdminDep = Annotated[Staff, Depends(_requiring(Scope.STAFF))]
KnowledgeReaderDep = Annotated[Staff, Depends(_requiring(Scope.KNOWLEDGE_READ))]
KnowledgeEditorDep = Annotated[Staff, Depends(_requiring(Scope.KNOWLEDGE))]
SessionDep = Annotated[Session, Depends(_access_session)]
SessionIdDep = Annotated[SessionId, Depends(_authorise_session)]
# For a route that goes on to a transaction that locks the session's row: a session that is gone is found out there.
WriterDep = Annotated[SessionId, Depends(authorise_writer)]


def _is_admin_key(given: str, services: Services) -> bool:
    if services.admin_key is None:
        return False
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), services.admin_key.encode())
