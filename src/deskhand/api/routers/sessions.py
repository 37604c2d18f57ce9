"""Sessions: open, read, list, change, delete."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Path, Query, Request, Response

from deskhand.api import documented, schemas
from deskhand.api.auditing import AuditedRoute, recording
from deskhand.api.body import read_json, validate
from deskhand.api.identity import AdminDep, KnownDep, OperatorDep, PrincipalDep, SessionDep, SessionIdDep, check_scope
from deskhand.api.routing import Routes
from deskhand.api.services import ServicesDep
from deskhand.api.sse import EventStream
from deskhand.api.streaming import follow
from deskhand.clock import to_iso
from deskhand.errors import Forbidden, Malformed
from deskhand.roles import Scope
from deskhand.sessions import SessionStatus, Staff, Visitor

router = Routes(tags=["sessions"], route_class=AuditedRoute)

# Whatever is in it, nothing of it runs on this site.
_SAVED = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@router.post(
    "/sessions",
    status_code=201,
    openapi_extra={**documented.PUBLIC, **documented.body(schemas.CreateSession, required=False)},
    responses=documented.errors(401, 413, 415, 422),
)
async def open_session(request: Request, principal: PrincipalDep, services: ServicesDep) -> schemas.NewSession:
    """Open a session. The visitor's token is in this answer only.

    Called with the staff's key, the session is that of the customer `user_id`; called without, `user_id` is only what somebody says.
    """
    wanted = await read_json(request, schemas.CreateSession, optional=True)
    opened = await services.sessions.open_session(
        user_id=wanted.user_id,
        metadata=wanted.effective_metadata,
        user_is_verified=isinstance(principal, Staff) and principal.may(Scope.SESSIONS),
    )
    return schemas.NewSession.opened(opened)


@router.get("/sessions", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 422))
async def list_sessions(
    _staff: OperatorDep, services: ServicesDep, response: Response, query: Annotated[schemas.ListSessions, Query()]
) -> list[schemas.SessionView]:
    """All sessions, newest first; how many there are in all is in `X-Total-Count`."""
    found, total = await services.sessions.list_sessions(user_id=query.user_id, status=query.status, limit=query.limit, offset=query.offset)
    response.headers["X-Total-Count"] = str(total)
    return [schemas.SessionView.of(session) for session in found]


@router.post("/sessions/cleanup", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 422))
async def clean_up_sessions(
    _staff: AdminDep, request: Request, services: ServicesDep, query: Annotated[schemas.Cleanup, Query()]
) -> schemas.SessionsCleaned:
    """Delete the sessions that are not active and have been idle for longer than `days`."""
    deleted, cutoff = await services.turns.cleanup_sessions(days=query.days, along=recording(request))
    noun = "session" if deleted == 1 else "sessions"
    return schemas.SessionsCleaned(message=f"{deleted} {noun} deleted.", sessions_deleted=deleted, cutoff_date=to_iso(cutoff))


@router.get("/sessions/{session_id}", openapi_extra=documented.VISITOR, responses=documented.errors(401, 404))
async def get_session(session: SessionDep) -> schemas.SessionView:
    return schemas.SessionView.of(session)


@router.patch(
    "/sessions/{session_id}/status",
    openapi_extra={**documented.VISITOR, **documented.body(schemas.ChangeStatus)},
    responses=documented.errors(401, 403, 404, 413, 415, 422),
)
async def change_status(
    *,
    session: SessionDep,
    caller: KnownDep,
    request: Request,
    services: ServicesDep,
    status: Annotated[str | None, Query(include_in_schema=False)] = None,
) -> schemas.SessionView:
    """Say who answers: the AI (`active`), a person (`escalated`), nobody (`ended`). The body counts; `?status=` is accepted too."""
    if status is not None and not await request.body():
        wanted = validate({"status": status}, schemas.ChangeStatus)
    else:
        wanted = await read_json(request, schemas.ChangeStatus)
        if status is not None and status != wanted.status:
            raise Malformed("The body and ?status= say different things.", support="Send the status once.")
    if isinstance(caller, Visitor) and wanted.status == "active" and session.status is not SessionStatus.ACTIVE:
        raise Forbidden("Only staff can hand a conversation back to the AI.")
    changed = await services.turns.change_status(session.id, SessionStatus(wanted.status), along=recording(request))
    return schemas.SessionView.of(changed)


@router.delete("/sessions/{session_id}", openapi_extra=documented.VISITOR, responses=documented.errors(401, 403, 404))
async def delete_session(*, authorised: SessionIdDep, caller: KnownDep, request: Request, services: ServicesDep) -> schemas.SessionDeleted:
    """Delete the session with its messages, files, memories and the agent's state for it. Of staff, administrators may."""
    if isinstance(caller, Staff):
        check_scope(caller, Scope.STAFF)
    await services.turns.delete_session(authorised, along=recording(request))
    return schemas.SessionDeleted(message="The session and everything in it were deleted.", session_id=authorised)


@router.get(
    "/sessions/{session_id}/attachments/{attachment_id}",
    openapi_extra=documented.VISITOR,
    response_class=Response,
    responses={
        200: {
            "description": "The file, to be saved and not to be shown.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        **documented.errors(401, 404, 422),
    },
)
async def download_file(
    authorised: SessionIdDep, attachment_id: Annotated[str, Path(pattern=schemas.FILE_ID)], services: ServicesDep
) -> Response:
    """A file that the customer, or a person behind the desk, attached to a message."""
    filename, data = await services.sessions.read_file(authorised, attachment_id)
    return Response(data, media_type="application/octet-stream", headers={**_SAVED, "Content-Disposition": _disposition(filename)})


@router.get(
    "/sessions/{session_id}/events",
    openapi_extra=documented.VISITOR,
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events; the `data` of each is one `SessionEvent`.",
            "content": documented.EVENTS,
        },
        **documented.errors(401, 404, 422, 503),
    },
)
async def stream_session_events(stream: Annotated[EventStream, Depends(follow)]) -> Response:
    """The events of the session: after `Last-Event-ID` (or `?after=`; "0" is the beginning), else from now on. Does not end by itself."""
    return stream


def _disposition(filename: str) -> str:
    """The name as RFC 6266 has it; no browser shows what comes under it."""
    return f"attachment; filename*=UTF-8''{quote(filename.encode('utf-8', 'replace'), safe='')}"
