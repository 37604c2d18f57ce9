"""The desk: what people who answer customers see and do. What they do with one conversation is one transaction each, in `turns.desk`.

The invariant: whoever acts on an old picture changes nothing; they get 409 with the present state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Query, Request, Response

from deskhand.api import desk_schemas, documented
from deskhand.api.auditing import Work, recorded
from deskhand.api.body import read_json
from deskhand.api.desk_stream import stream_desk
from deskhand.api.desk_team import deadlines_of
from deskhand.api.identity import OperatorDep, check_scope, identify
from deskhand.api.messages import MESSAGE_BODY, read_message
from deskhand.api.routing import Routes
from deskhand.api.schemas import MessageView
from deskhand.api.services import Services, ServicesDep
from deskhand.api.withdrawal import hide_withdrawn
from deskhand.clock import to_iso
from deskhand.errors import Unauthenticated
from deskhand.handoff.policy import Priority
from deskhand.ids import SessionId, StaffId, TurnId
from deskhand.insights import Conversation, Wanted
from deskhand.persistence import Transaction
from deskhand.roles import Scope
from deskhand.sessions import Staff
from deskhand.turns.desk import Desk, Operator, Said
from deskhand.turns.render import show_event
from deskhand.words import words

T = TypeVar("T")

router = Routes(prefix="/desk", tags=["desk"])

SessionName = Annotated[str, Path(pattern=r"^sess_[0-9a-f]{12}$")]
_MOST_MESSAGES = 200
_ACT_ERRORS = documented.errors(401, 403, 404, 409, 413, 415, 422, 503)
_MOST_WORDS = 8


_SEEING = "conversation.read"
_SINGULAR = {"notes": "note", "messages": "message", "tags": "tag"}


def acting(schema: type[Any], *, required: bool = False) -> dict[str, Any]:
    """How a route of the desk describes itself that reads a body."""
    return {**documented.STAFF, **documented.body(schema, required=required)}


@router.get("/conversations", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 422, 503))
async def list_conversations(
    staff: OperatorDep, services: ServicesDep, query: Annotated[desk_schemas.ListConversations, Query()]
) -> desk_schemas.ConversationList:
    """A list of conversations, those in which something happened last first, and how many stand in each list."""
    wanted = Wanted(
        view=query.view,
        staff_id=staff.id,
        words=tuple(dict.fromkeys(words(query.q)))[:_MOST_WORDS],
        priority=query.priority,
        assignee_id=StaffId(query.assignee) if query.assignee is not None else None,
    )
    listed = await services.desk.list_page(wanted, after=desk_schemas.from_cursor(query.cursor), limit=query.limit)
    return desk_schemas.ConversationList(
        items=[_view(found, services) for found in listed.items],
        next_cursor=desk_schemas.to_cursor(listed.next_place),
        counts=desk_schemas.CountsView(**listed.counts.of(staff.id)),
    )


@router.get("/conversations/{session_id}", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 404, 422, 503))
async def open_conversation(_staff: OperatorDep, session_id: SessionName, services: ServicesDep) -> desk_schemas.OpenConversation:
    """One conversation with all that helps to answer: the brief, the newest 200 messages, notes, facts, what there was before."""
    known_id = SessionId(session_id)
    opened = await services.desk.open(known_id, messages=_MOST_MESSAGES)
    told = await services.opinions.list_of_session(known_id)
    messages = [MessageView.of(message, feedback=told.thumbs.get(message.id)) for message in opened.page.messages]
    await hide_withdrawn(messages, known_id, services)
    found = opened.conversation
    brief = found.ticket.brief if found.ticket is not None else {}
    return desk_schemas.OpenConversation(
        **desk_schemas.conversation_fields(found, deadlines=deadlines_of(services)),
        brief=desk_schemas.BriefView(**{name: brief.get(name) or empty for name, empty in _NO_BRIEF.items()}),
        messages=messages,
        notices=[show_event(event) for event in opened.page.notices],
        has_more=opened.page.has_more,
        notes=[
            desk_schemas.NoteView(note_id=row.id, author=row.author_name, text=row.text, at=to_iso(row.created_at)) for row in opened.notes
        ],
        facts=[fact.text for fact in opened.facts],
        earlier=[
            desk_schemas.EarlierView(session_id=one.id, subject=one.subject, ended_at=to_iso(one.session.last_activity), rating=one.rating)
            for one in opened.earlier
        ],
        events_after=str(found.session.last_seq),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, and who wants to do something with it."""

    staff: Staff
    session_id: str
    services: Services
    # As the audit log names what they do.
    action: str

    @property
    def operator(self) -> Operator:
        return Operator(self.staff.id, self.staff.name)

    def recorded(self, work: Work[T]) -> Work[T]:
        """`work`, which then stands in the audit log."""
        if self.action == _SEEING:
            return work
        return recorded(work, self.staff, self.session_id, action=self.action, services=self.services)

    async def act(self, work: Callable[[Desk, Transaction, dict[TurnId, str]], object]) -> desk_schemas.ConversationView:
        """Do it, and show the conversation as it is then."""
        await self.services.turns.act(self.session_id, self.recorded(work))
        return await self.show()

    async def show(self) -> desk_schemas.ConversationView:
        return _view(await self.services.desk.get(self.session_id), self.services)


async def _case(*, staff: OperatorDep, session_id: SessionName, services: ServicesDep, request: Request) -> Case:
    # The last part of the path says what is done: `…/{session_id}/claim`.
    done = request.url.path.rpartition("/")[2]
    return Case(staff, session_id, services, action=f"conversation.{_SINGULAR.get(done, done)}")


CaseDep = Annotated[Case, Depends(_case)]


@router.post("/conversations/{session_id}/claim", openapi_extra=acting(desk_schemas.Claim), responses=_ACT_ERRORS)
async def claim_conversation(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Take the conversation: from those who wait, from the AI, or with `force` from a colleague."""
    wanted = await read_json(request, desk_schemas.Claim, optional=True)
    return await case.act(
        lambda desk, tx, partials: desk.claim(
            tx, case.session_id, by=case.operator, version=wanted.version, force=wanted.force, partials=partials
        )
    )


@router.post("/conversations/{session_id}/release", openapi_extra=acting(desk_schemas.Act), responses=_ACT_ERRORS)
async def release_conversation(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Let somebody else take it."""
    wanted = await read_json(request, desk_schemas.Act, optional=True)
    return await case.act(lambda desk, tx, _partials: desk.release(tx, case.session_id, version=wanted.version))


@router.post("/conversations/{session_id}/return", openapi_extra=acting(desk_schemas.Return), responses=_ACT_ERRORS)
async def return_conversation(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Give the conversation back to the AI."""
    wanted = await read_json(request, desk_schemas.Return, optional=True)

    def give_back(desk: Desk, tx: Transaction, _partials: dict[TurnId, str]) -> None:
        desk.give_back(tx, case.session_id, version=wanted.version)
        if wanted.note is not None:
            desk.note(tx, case.session_id, by=case.operator, text=wanted.note)

    return await case.act(give_back)


@router.post("/conversations/{session_id}/snooze", openapi_extra=acting(desk_schemas.Snooze, required=True), responses=_ACT_ERRORS)
async def snooze_conversation(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Put it aside until a moment, or until the customer says something."""
    wanted = await read_json(request, desk_schemas.Snooze)
    until = desk_schemas.to_epoch(wanted.until)
    return await case.act(lambda desk, tx, _partials: desk.snooze(tx, case.session_id, until=until, version=wanted.version))


@router.post("/conversations/{session_id}/resolve", openapi_extra=acting(desk_schemas.Resolve), responses=_ACT_ERRORS)
async def resolve_conversation(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Close the case. What the customer writes next is answered by the AI, unless the session is ended as well."""
    wanted = await read_json(request, desk_schemas.Resolve, optional=True)
    return await case.act(
        lambda desk, tx, _partials: desk.resolve(tx, case.session_id, end_session=wanted.end_session, version=wanted.version)
    )


@router.post("/conversations/{session_id}/reopen", openapi_extra=acting(desk_schemas.Act), responses=_ACT_ERRORS)
async def reopen_conversation(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Take up a conversation again that was resolved or given back, as a new episode. One that people have stays as it is."""
    wanted = await read_json(request, desk_schemas.Act, optional=True)
    return await case.act(
        lambda desk, tx, partials: desk.claim(tx, case.session_id, by=case.operator, version=wanted.version, partials=partials)
    )


@router.post("/conversations/{session_id}/priority", openapi_extra=acting(desk_schemas.SetPriority, required=True), responses=_ACT_ERRORS)
async def set_priority(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Say how urgent it is."""
    wanted = await read_json(request, desk_schemas.SetPriority)
    priority = Priority(wanted.priority)
    return await case.act(lambda desk, tx, _partials: desk.label(tx, case.session_id, priority=priority, version=wanted.version))


@router.post("/conversations/{session_id}/tags", openapi_extra=acting(desk_schemas.SetTags, required=True), responses=_ACT_ERRORS)
async def set_tags(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Say what it is about, in place of what was said before."""
    wanted = await read_json(request, desk_schemas.SetTags)
    tags = tuple(dict.fromkeys(wanted.tags))
    return await case.act(lambda desk, tx, _partials: desk.label(tx, case.session_id, tags=tags, version=wanted.version))


@router.post("/conversations/{session_id}/read", openapi_extra=documented.STAFF, responses=_ACT_ERRORS)
async def mark_conversation_read(case: CaseDep) -> desk_schemas.ConversationView:
    """Note that somebody has seen what the customer said."""
    return await case.act(lambda desk, tx, _partials: desk.mark_read(tx, case.session_id))


@router.post("/conversations/{session_id}/notes", openapi_extra=acting(desk_schemas.WriteNote, required=True), responses=_ACT_ERRORS)
async def write_note(case: CaseDep, request: Request) -> desk_schemas.ConversationView:
    """Keep a note that no customer sees."""
    wanted = await read_json(request, desk_schemas.WriteNote)
    return await case.act(lambda desk, tx, _partials: desk.note(tx, case.session_id, by=case.operator, text=wanted.text))


@router.post(
    "/conversations/{session_id}/messages",
    status_code=201,
    openapi_extra={**documented.STAFF, **MESSAGE_BODY},
    responses=_ACT_ERRORS,
)
async def say_as_operator(case: CaseDep, request: Request) -> desk_schemas.SaidView:
    """Speak to the customer, with files if need be. Whoever answers a conversation that nobody has, has it from then on."""
    wanted = await read_message(request, SessionId(case.session_id), case.services)

    def say(desk: Desk, tx: Transaction, _partials: dict[TurnId, str]) -> Said:
        return desk.say(
            tx,
            case.session_id,
            by=case.operator,
            content=wanted.message,
            client_message_id=wanted.client_message_id,
            attachment_ids=wanted.attachments,
        )

    said = await case.services.turns.act(case.session_id, case.recorded(say))
    return desk_schemas.SaidView(message_id=said.message_id, seq=said.seq, duplicate=said.duplicate)


@router.get(
    "/events",
    openapi_extra=documented.STAFF,
    response_class=Response,
    responses={
        200: {
            "description": "`snapshot`, then `conversation`, `removed`, `counts`, `presence`, `notice` and `typing` as they happen.",
            "content": documented.EVENTS,
        },
        **documented.errors(401, 403, 503),
    },
)
async def stream_desk_events(staff: OperatorDep, request: Request, services: ServicesDep) -> Response:
    """The lists as they change. After a `snapshot`, read the list again: something may have been missed."""

    async def check() -> None:
        principal = await identify(request, services)
        if not isinstance(principal, Staff):
            raise Unauthenticated
        check_scope(principal, Scope.DESK)

    return stream_desk(staff, services, check=check)


_NO_BRIEF: dict[str, Any] = {"wants": "", "tried": [], "sources": [], "open_actions": []}


def _view(found: Conversation, services: Services) -> desk_schemas.ConversationView:
    return desk_schemas.ConversationView.of(found, deadlines=deadlines_of(services))
