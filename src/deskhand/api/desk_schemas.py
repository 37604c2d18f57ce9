"""The bodies of the desk's routes: its lists, one conversation, and what may be done with it."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, StringConstraints

from deskhand.api.schemas import (
    SAYS_SOMETHING,
    MessageView,
    Name,
    Notices,
    Parameters,
    Request,
    Said,
    Schema,
    SourceView,
    Whole,
    show_moment,
)
from deskhand.clock import to_iso
from deskhand.errors import Malformed
from deskhand.handoff.assignment import Colleague
from deskhand.handoff.deadlines import Deadline, Deadlines
from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.handoff.replies import Reply
from deskhand.insights import Conversation, ConversationState, Counts, Day, Overview, Place, Totals, View

StaffName = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,32}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]
Comment = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00]*$")]
Moment = Annotated[str, StringConstraints(max_length=40, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]


class ListConversations(Parameters):
    """The query of a list of conversations."""

    view: View = View.ALL
    q: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = Field(
        "", description="Words that were said, a customer's name, or an id. With `view=all` it is looked for everywhere."
    )
    priority: Priority | None = None
    assignee: StaffName | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before.")


class Act(Request):
    """`version` is the one that was seen: if somebody else changed the conversation since, nothing is done."""

    version: Whole | None = Field(None, ge=1)


class Claim(Act):
    force: bool = Field(False, description="Take it from a colleague, too.")


class Assign(Act):
    staff_id: StaffName


class Transfer(Act):
    """To a person, or to whoever has the skill; with neither, to whoever is free."""

    staff_id: StaffName | None = None
    skill: Label | None = None
    note: Said | None = None


class Return(Act):
    note: Said | None = None


class Snooze(Act):
    until: Moment


class Resolve(Act):
    end_session: bool = False


class SetPriority(Act):
    priority: Annotated[Literal["low", "normal", "high", "urgent"], Field()]


class SetTags(Act):
    tags: list[Label] = Field(max_length=20)


class WriteNote(Request):
    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=SAYS_SOMETHING)]


class CustomerView(Schema):
    user_id: str | None
    name: str | None
    verified: bool


class AssigneeView(Schema):
    staff_id: str
    name: str


class ConversationView(Schema):
    """A line of the inbox. `version` is that of the episode, null where there was none. `sla_due_at` is when a person should have answered
    for the first time, `resolve_due_at` when the case should be resolved; null where that deadline does not run."""

    session_id: str
    ticket_id: str | None
    state: ConversationState
    episode: int
    version: int | None
    reason: EscalationReason | None
    priority: Priority
    subject: str
    preview: str
    preview_author: Literal["customer", "assistant", "operator", "system"] | None
    customer: CustomerView
    assignee: AssigneeView | None
    skill: str | None
    unread: int
    waiting_since: str | None
    last_activity: str
    snoozed_until: str | None
    sla_due_at: str | None
    resolve_due_at: str | None
    tags: list[str]
    rating: int | None

    @classmethod
    def of(cls, found: Conversation, *, deadlines: Deadlines) -> "ConversationView":
        return cls(**conversation_fields(found, deadlines=deadlines))


class CountsView(Schema):
    mine: int
    unassigned: int
    all: int
    ai: int
    snoozed: int
    resolved: int


class ConversationList(Schema):
    """`counts` are those of the lists, whatever was looked for; `ai` and `resolved` are counted up to 1,000."""

    items: list[ConversationView]
    next_cursor: str | None
    counts: CountsView


class BriefView(Schema):
    wants: str
    tried: list[str]
    sources: list[str]
    open_actions: list[str]


class NoteView(Schema):
    note_id: str
    author: str
    text: str
    at: str


class EarlierView(Schema):
    session_id: str
    subject: str
    ended_at: str
    rating: int | None


class OpenConversation(ConversationView):
    """One conversation. `messages` are the newest, oldest first; `has_more`: there are older ones, which the transcript has with `before`,
    the `event_id` of the first of these. `events_after` is the event to follow it from."""

    brief: BriefView
    messages: list[MessageView]
    notices: Notices
    has_more: bool
    notes: list[NoteView]
    facts: list[str]
    earlier: list[EarlierView]
    events_after: str


class SaidView(Schema):
    message_id: str
    seq: int
    duplicate: bool


class SeatView(Schema):
    """Somebody who works at the desk. `open`: conversations they have; `capacity`: how many they take."""

    staff_id: str
    name: str
    presence: Literal["online", "away", "offline"]
    open: int
    capacity: int
    skills: list[str]

    @classmethod
    def of(cls, colleague: Colleague, presence: str) -> "SeatView":
        return cls.model_validate(
            {
                "staff_id": colleague.id,
                "name": colleague.name,
                "presence": presence,
                "open": colleague.open,
                "capacity": colleague.capacity,
                "skills": list(colleague.skills),
            }
        )


class DraftView(Schema):
    text: str
    sources: list[SourceView]
    confidence: float


class WriteReply(Request):
    shortcut: Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]
    title: Name
    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=SAYS_SOMETHING)]


class ReplyView(Schema):
    reply_id: str
    shortcut: str
    title: str
    text: str

    @classmethod
    def of(cls, reply: Reply) -> "ReplyView":
        return cls(reply_id=reply.id, shortcut=reply.shortcut, title=reply.title, text=reply.text)


class NowView(Schema):
    ai: int
    waiting: int
    assigned: int
    snoozed: int
    online: int


class ReasonView(Schema):
    reason: EscalationReason
    count: int


class UnansweredView(Schema):
    question: str
    count: int
    last_at: str
    session_id: str


class OverviewView(Schema):
    """`now.ai` is counted up to 1,000. Days are days of UTC, the oldest first."""

    now: NowView
    totals: Totals
    by_day: list[Day]
    reasons: list[ReasonView]
    unanswered: list[UnansweredView]

    @classmethod
    def of(cls, found: Overview, counts: Counts, *, online: int) -> "OverviewView":
        assigned = sum(counts.assigned.values())
        return cls(
            now=NowView(ai=counts.ai, waiting=counts.unassigned, assigned=assigned, snoozed=counts.snoozed, online=online),
            totals=found.totals,
            by_day=found.by_day,
            reasons=[ReasonView(reason=EscalationReason(reason), count=count) for reason, count in found.reasons],
            unanswered=[
                UnansweredView(question=one.question, count=one.count, last_at=to_iso(one.last_at), session_id=one.session_id)
                for one in found.unanswered
            ],
        )


class RatingView(Schema):
    """`score` is from 1 to 5; null while the customer has not rated the conversation."""

    score: int | None
    comment: str


class Rate(Request):
    score: Whole = Field(ge=1, le=5)
    comment: Comment = ""


class GiveFeedback(Request):
    value: Literal["up", "down"] | None = Field(description="Null takes it back.")
    comment: Comment = ""


class FeedbackView(Schema):
    message_id: str
    value: Literal["up", "down"] | None
    comment: str


def conversation_fields(found: Conversation, *, deadlines: Deadlines) -> dict[str, Any]:
    """The fields of a line, for a view that has more."""
    ticket, session = found.ticket, found.session
    is_open = found.open_ticket is not None
    return {
        "session_id": session.id,
        "ticket_id": ticket.id if ticket else None,
        "state": found.state,
        "episode": ticket.episode if ticket else 0,
        "version": ticket.version if ticket else None,
        "reason": ticket.reason if ticket else None,
        "priority": ticket.priority if ticket else Priority.NORMAL,
        "subject": found.subject,
        "preview": found.preview,
        "preview_author": found.preview_author.value if found.preview_author else None,
        "customer": CustomerView(user_id=session.user_id, name=found.customer_name, verified=session.user_is_verified),
        "assignee": AssigneeView(staff_id=ticket.assignee_id, name=ticket.assignee_name or "")
        if ticket and ticket.assignee_id is not None
        else None,
        "skill": ticket.skill if ticket and is_open else None,
        "unread": ticket.unread if ticket else 0,
        "waiting_since": show_moment(found.waiting_since),
        "last_activity": to_iso(session.last_activity),
        "snoozed_until": show_moment(ticket.snoozed_until if ticket else None),
        "sla_due_at": show_moment(deadlines.due_at(ticket, Deadline.ANSWER)),
        "resolve_due_at": show_moment(deadlines.due_at(ticket, Deadline.RESOLVE)),
        "tags": list(ticket.tags) if ticket else [],
        "rating": found.rating,
    }


def to_epoch(moment: str) -> float:
    """Raises Malformed: there is no such moment."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (ValueError, OverflowError) as error:
        raise Malformed("until: there is no such moment.", support="Send a date and a time such as 2031-05-09T14:00:00Z.") from error


def to_cursor(place: Place | None) -> str | None:
    if place is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode((place.at, place.session_id))).decode().rstrip("=")


def from_cursor(cursor: str | None) -> Place | None:
    """Raises Malformed: this is no `next_cursor`."""
    if cursor is None:
        return None
    try:
        at, session_id = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=tuple[float, str])
    except (binascii.Error, UnicodeError, ValueError, msgspec.DecodeError) as error:
        raise Malformed("cursor: it is none that this list gave.", support="Send `next_cursor` of the page before, as it is.") from error
    return Place(at, session_id)


# The bodies that routes read through `api.body`.
BODIES: tuple[type[Schema], ...] = (
    Act,
    Claim,
    Assign,
    Transfer,
    Return,
    Snooze,
    Resolve,
    SetPriority,
    SetTags,
    WriteNote,
    WriteReply,
    Rate,
    GiveFeedback,
)
