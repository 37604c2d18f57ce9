"""A ticket as a value: why and when a conversation was handed to a person. It knows nothing of how it is stored."""

from dataclasses import dataclass
from enum import StrEnum

from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.ids import SessionId, TicketId, TurnId


class TicketStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Ticket:
    id: TicketId
    session_id: SessionId
    turn_id: TurnId
    reason: EscalationReason
    priority: Priority
    summary: str
    status: TicketStatus
    created_at: float
