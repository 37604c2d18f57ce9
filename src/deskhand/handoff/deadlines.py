"""By when a person should have answered a customer who was handed over, and have ended their case. Pure.

The invariant: a deadline is counted from the hand-off, whoever has the conversation; while it is put aside there is none.
"""

from dataclasses import dataclass
from enum import StrEnum

from deskhand.handoff.policy import Priority
from deskhand.handoff.ticket import Ticket, TicketState

# How much sooner, or later, than in a usual case.
HASTE = {Priority.LOW: 4.0, Priority.NORMAL: 1.0, Priority.HIGH: 0.5, Priority.URGENT: 0.2}


class Deadline(StrEnum):
    # Until a person's first words.
    ANSWER = "answer"
    # Until the case is resolved or given back.
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds that people have in a case of normal priority."""

    answer_seconds: float
    resolve_seconds: float

    def seconds(self, deadline: Deadline, priority: Priority) -> float:
        usual = self.answer_seconds if deadline is Deadline.ANSWER else self.resolve_seconds
        return usual * HASTE[priority]

    def due_at(self, ticket: Ticket | None, deadline: Deadline) -> float | None:
        """When it passes, in epoch seconds; None where there is none."""
        if ticket is None or not ticket.state.is_open or ticket.state is TicketState.SNOOZED:
            return None
        if deadline is Deadline.ANSWER and ticket.answered_at is not None:
            return None
        return ticket.created_at + self.seconds(deadline, ticket.priority)
