"""The desk: who is there, who gets a conversation, and what helps to answer it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Path, Query, Request, Response

from deskhand.api import desk_schemas, documented
from deskhand.api.auditing import AuditedRoute, recording
from deskhand.api.body import read_json
from deskhand.api.desk_team import NobodyFree, find_free, giving, list_team
from deskhand.api.identity import OperatorDep
from deskhand.api.routers.desk import Case, CaseDep, acting
from deskhand.api.routing import Routes
from deskhand.api.schemas import SourceView
from deskhand.api.services import ServicesDep
from deskhand.api.typing_notices import tell_operator_types
from deskhand.handoff.replies import Reply
from deskhand.ids import ReplyId, SessionId, TurnId
from deskhand.insights import NoticeKind
from deskhand.persistence import Transaction
from deskhand.sessions import SessionNotFound
from deskhand.staff.errors import AccountNotFound
from deskhand.turns.desk import Desk, Operator

router = Routes(prefix="/desk", tags=["desk"], route_class=AuditedRoute)

ReplyName = Annotated[str, Path(pattern=r"^reply_[0-9a-f]{16}$")]
_ERRORS = documented.errors(401, 403, 404, 409, 413, 415, 422, 503)


@router.get("/staff", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 503))
async def list_desk_staff(_staff: OperatorDep, services: ServicesDep) -> list[desk_schemas.SeatView]:
    """Who works at the desk, by name, and who is there now."""
    return [desk_schemas.SeatView.of(seat.colleague, seat.presence) for seat in await list_team(services)]


@router.get("/overview", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 422, 503))
async def get_overview(
    _staff: OperatorDep, services: ServicesDep, days: Annotated[int, Query(ge=1, le=90)] = 7
) -> desk_schemas.OverviewView:
    """Numbers: how it is now, and what came of the last days, today included."""
    found = await services.desk.overview(days=days)
    online = sum(seat.colleague.is_online for seat in await list_team(services))
    return desk_schemas.OverviewView.of(found, await services.desk.count(), online=online)


@router.post("/conversations/{session_id}/assign", openapi_extra=acting(desk_schemas.Assign, required=True), responses=_ERRORS)
async def assign_conversation(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Give the conversation to a colleague."""
    wanted = await read_json(request, desk_schemas.Assign)
    await _assign(case, await _colleague(case, wanted.staff_id), version=wanted.version)
    return await case.show()


@router.post("/conversations/{session_id}/transfer", openapi_extra=acting(desk_schemas.Transfer), responses=_ERRORS)
async def transfer_conversation(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Give the conversation away: to a colleague, to whoever is free and has the skill, else to whoever is free. If nobody with the skill
    is, it waits for one."""
    wanted = await read_json(request, desk_schemas.Transfer, optional=True)
    version = wanted.version
    if wanted.staff_id is not None:
        await _assign(case, await _colleague(case, wanted.staff_id), version=version)
    elif wanted.skill is not None:
        skill = wanted.skill
        await case.act(lambda desk, tx, _partials: desk.release(tx, case.session_id, version=version, skill=skill))
    else:
        await _assign_to_free(case, version=version)
    if wanted.note is not None:
        note = wanted.note
        await case.act(lambda desk, tx, _partials: desk.note(tx, case.session_id, by=case.operator, text=note))
    return await case.show()


@router.post(
    "/conversations/{session_id}/typing", status_code=204, response_class=Response, openapi_extra=documented.STAFF, responses=_ERRORS
)
async def tell_typing(case: CaseDep) -> Response:
    """Show the customer that somebody is typing, for a few seconds."""
    _ = await case.services.desk.get(case.session_id)
    tell_operator_types(case.session_id, case.services)
    return Response(status_code=204)


@router.post("/conversations/{session_id}/draft", openapi_extra=documented.STAFF, responses=_ERRORS)
async def draft_answer(case: CaseDep) -> desk_schemas.DraftView:
    """Let the AI propose an answer to what the customer asked last. Nothing is stored, and the customer sees nothing of it."""
    session = await case.services.sessions.find_session(case.session_id)
    if session is None:
        raise SessionNotFound
    drafted = await case.services.drafter.draft(session)
    return desk_schemas.DraftView(
        text=drafted.text,
        sources=[
            SourceView(content=used.content, metadata=used.metadata, relevance_score=used.relevance, rank=used.rank)
            for used in drafted.sources
        ],
        confidence=drafted.confidence,
    )


@router.get("/replies", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 503))
async def list_replies(_staff: OperatorDep, services: ServicesDep) -> list[desk_schemas.ReplyView]:
    """Prepared replies, by shortcut."""
    return [desk_schemas.ReplyView.of(reply) for reply in await services.replies.list()]


@router.post("/replies", status_code=201, openapi_extra=acting(desk_schemas.WriteReply, required=True), responses=_ERRORS)
async def add_reply(_staff: OperatorDep, request: Request, services: ServicesDep) -> desk_schemas.ReplyView:
    """Prepare a reply for everybody at the desk."""
    wanted = await read_json(request, desk_schemas.WriteReply)
    along = recording(request)
    return desk_schemas.ReplyView.of(
        await services.replies.add(shortcut=wanted.shortcut, title=wanted.title, text=wanted.text, along=along)
    )


@router.put("/replies/{reply_id}", openapi_extra=acting(desk_schemas.WriteReply, required=True), responses=_ERRORS)
async def replace_reply(*, _staff: OperatorDep, reply_id: ReplyName, request: Request, services: ServicesDep) -> desk_schemas.ReplyView:
    """Change a prepared reply."""
    wanted = await read_json(request, desk_schemas.WriteReply)
    changed = Reply(ReplyId(reply_id), wanted.shortcut, wanted.title, wanted.text)
    return desk_schemas.ReplyView.of(await services.replies.replace(changed, along=recording(request)))


@router.delete("/replies/{reply_id}", status_code=204, response_class=Response, openapi_extra=documented.STAFF, responses=_ERRORS)
async def delete_reply(_staff: OperatorDep, request: Request, reply_id: ReplyName, services: ServicesDep) -> Response:
    """Take a prepared reply away."""
    await services.replies.delete(reply_id, along=recording(request))
    return Response(status_code=204)


async def _assign(case: Case, to: Operator, *, version: int | None) -> None:
    session_id = case.session_id
    await _give(case, lambda desk, tx, partials: desk.assign(tx, session_id, to=to, version=version, partials=partials), to=to)


async def _assign_to_free(case: Case, *, version: int | None) -> None:
    """Raises NobodyFree."""
    while True:
        free = await find_free(case.services, skill=None, but=case.operator.id)
        # Who was free may have been given another meanwhile: then somebody else is asked.
        with suppress(NobodyFree):
            await _give(case, giving(case.session_id, to=free, version=version), to=free)
            return


async def _give(case: Case, give: Callable[[Desk, Transaction, dict[TurnId, str]], object], *, to: Operator) -> None:
    """Give it to somebody, and tell them."""
    _ = await case.act(give)
    case.services.inbox.notify(NoticeKind.ASSIGNED_TO_YOU, SessionId(case.session_id), staff_id=to.id)


async def _colleague(case: Case, staff_id: str) -> Operator:
    """Raises AccountNotFound: nobody of that id works here (any more)."""
    account = await case.services.staff.accounts.get(staff_id)
    if account.is_disabled:
        raise AccountNotFound
    return Operator(account.id, account.name)
