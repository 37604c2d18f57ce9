"""A ticket as a value: one hand-off of a conversation to people, from its beginning to its end, and what may be done with it. Pure.

The invariant: every change raises `version`, and only an open ticket changes. An open ticket is `waiting` for somebody, `assigned` to
somebody, or `snoozed` until a moment; it ends `resolved` by a person, `returned` to the AI, or `closed` because the session ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from deskhand.errors import Conflict
from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.ids import SessionId, StaffId, TicketId, TurnId


class TicketState(StrEnum):
    # As the first version stored it: servers of both may run side by side.
    WAITING = "open"
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    RETURNED = "returned"
    CLOSED = "closed"

    @property
    def is_open(self) -> bool:
        return self in (TicketState.WAITING, TicketState.ASSIGNED, TicketState.SNOOZED)


class ConversationChanged(Conflict):
    """Somebody else changed this conversation in the meantime."""

    code = "conversation_changed"
    support = "Look at the conversation as it is now, then try again."


class NotHandedOver(Conflict):
    """The AI answers in this conversation; nobody has taken it over."""

    code = "not_handed_over"
    support = "Take the conversation over first."


class TakenByAnother(Conflict):
    """A colleague has this conversation."""

    code = "taken_by_another"
    support = "Ask them to transfer it, or take it over from them."


@dataclass(frozen=True, slots=True)
class Ticket:
    """`turn_id` is the turn that ended in the hand-off, None where a person took over by themselves. `brief` is for whoever takes it up.

    `episode` counts the session's hand-offs from 1. `unread` counts the customer's messages that nobody behind the desk has seen. Times in
    epoch seconds of the database's clock; `answered_at` is that of the first reply of a person.
    """

    id: TicketId
    session_id: SessionId
    turn_id: TurnId | None
    reason: EscalationReason
    priority: Priority
    summary: str
    state: TicketState
    created_at: float
    episode: int = 1
    version: int = 1
    assignee_id: StaffId | None = None
    assignee_name: str | None = None
    skill: str | None = None
    brief: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    unread: int = 0
    snoozed_until: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None

    def assigned_to(self, staff_id: StaffId, name: str) -> "Ticket":
        if self.state is TicketState.ASSIGNED and self.assignee_id == staff_id:
            return self
        return self._changed(state=TicketState.ASSIGNED, assignee_id=staff_id, assignee_name=name, snoozed_until=None, skill=None)

    def released(self, *, skill: str | None = None) -> "Ticket":
        """Given back to those who wait for somebody; `skill` says for whom."""
        if self.state is TicketState.WAITING and self.skill == skill:
            return self
        return self._changed(state=TicketState.WAITING, assignee_id=None, assignee_name=None, snoozed_until=None, skill=skill)

    def snoozed(self, until: float) -> "Ticket":
        return self._changed(state=TicketState.SNOOZED, snoozed_until=until)

    def woken(self) -> "Ticket":
        """As it was before it was snoozed."""
        if self.state is not TicketState.SNOOZED:
            return self
        state = TicketState.WAITING if self.assignee_id is None else TicketState.ASSIGNED
        return self._changed(state=state, snoozed_until=None)

    def ended(self, state: TicketState, *, now: float) -> "Ticket":
        return self._changed(state=state, ended_at=now, snoozed_until=None, unread=0)

    def heard(self) -> "Ticket":
        """The customer said something more."""
        return replace(self.woken(), unread=self.unread + 1)

    def read(self) -> "Ticket":
        return replace(self, unread=0) if self.unread else self

    def answered(self, *, now: float) -> "Ticket":
        """A person replied."""
        return replace(self, unread=0, answered_at=self.answered_at if self.answered_at is not None else now)

    def labelled(self, *, priority: Priority | None = None, tags: tuple[str, ...] | None = None) -> "Ticket":
        changed = replace(self, priority=priority or self.priority, tags=self.tags if tags is None else tags)
        return self if changed == self else changed._changed()

    def _changed(self, **changes: Any) -> "Ticket":
        return replace(self, version=self.version + 1, **changes)
