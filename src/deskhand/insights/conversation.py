"""A conversation as those behind the desk see it, and which of their lists it stands in. Pure values.

The invariant: what is shown is derived from the transcript and the tickets; nothing here is stored by itself.
"""

from dataclasses import dataclass
from enum import StrEnum

from deskhand.handoff.policy import EscalationReason
from deskhand.handoff.ticket import Ticket, TicketState
from deskhand.ids import SessionId
from deskhand.sessions import Author, Session, SessionStatus

_OF_TICKET = {TicketState.WAITING: "waiting", TicketState.ASSIGNED: "assigned", TicketState.SNOOZED: "snoozed"}


class View(StrEnum):
    MINE = "mine"
    UNASSIGNED = "unassigned"
    ALL = "all"
    AI = "ai"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class ConversationState(StrEnum):
    AI = "ai"
    WAITING = "waiting"
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Conversation:
    """`ticket` is the newest hand-off, open or not; None if there was none. `preview` is the beginning of the newest message, `opening` of
    the customer's first. `rating` is from 1 to 5."""

    session: Session
    ticket: Ticket | None
    preview: str
    preview_author: Author | None
    opening: str
    rating: int | None

    @property
    def id(self) -> SessionId:
        return self.session.id

    @property
    def open_ticket(self) -> Ticket | None:
        return self.ticket if self.ticket is not None and self.ticket.state.is_open else None

    @property
    def state(self) -> ConversationState:
        ticket = self.ticket
        if ticket is not None and ticket.state.is_open:
            return ConversationState(_OF_TICKET[ticket.state])
        if ticket is not None and ticket.state is TicketState.RESOLVED and self.session.last_activity <= (ticket.ended_at or 0.0):
            return ConversationState.RESOLVED
        return ConversationState.ENDED if self.session.status is SessionStatus.ENDED else ConversationState.AI

    @property
    def subject(self) -> str:
        if self.ticket is None:
            return self.opening
        said = str(self.ticket.brief.get("wants", ""))
        # Where a person was asked for, the summary is the asking.
        asked = self.ticket.reason is EscalationReason.ASKED_FOR_PERSON
        first, second = (said, self.ticket.summary) if asked else (self.ticket.summary, said)
        return first or second or self.opening

    @property
    def customer_name(self) -> str | None:
        """What the company's site, or the customer, says they are called."""
        name = self.session.metadata.get("name")
        return name if isinstance(name, str) and name else None

    @property
    def waiting_since(self) -> float | None:
        """Since when the customer waits for a word of a person, in epoch seconds; None when they do not."""
        ticket = self.open_ticket
        if ticket is None:
            return None
        if ticket.answered_at is None:
            return ticket.created_at
        return self.session.last_activity if ticket.unread else None
