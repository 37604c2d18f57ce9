"""What a person behind the desk should look at, and how it follows from what happened in a session. Pure.

The invariant: whether it is news is read from the ticket as it stands, so that what was settled meanwhile rings nowhere.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from deskhand.handoff.deadlines import Deadline
from deskhand.handoff.ticket import Ticket, TicketState
from deskhand.ids import SessionId, StaffId

_ESCALATION, _ACKNOWLEDGED, _TYPING = "escalation", "acknowledged", "typing"


class NoticeKind(StrEnum):
    NEW = "new"
    ASSIGNED_TO_YOU = "assigned_to_you"
    CUSTOMER_REPLIED = "customer_replied"
    SLA = "sla"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should look at. `staff_id` is who; None means everybody. `deadline` is the one that has passed."""

    kind: NoticeKind
    session_id: SessionId
    staff_id: StaffId | None = None
    deadline: Deadline | None = None


class Heard(msgspec.Struct, frozen=True):
    """What passes between processes: what happened in a session, by the types of its events or by `told`."""

    session_id: str
    happened: list[str] = []
    told: NoticeKind | None = None
    staff_id: str | None = None
    deadline: Deadline | None = None

    @classmethod
    def of(cls, notice: Notice) -> "Heard":
        return cls(notice.session_id, told=notice.kind, staff_id=notice.staff_id, deadline=notice.deadline)

    @property
    def is_typing(self) -> bool:
        return self.happened == [_TYPING]

    @property
    def may_be_news(self) -> bool:
        """Whether somebody may have to look, depending on the ticket."""
        return self.told is None and (_ESCALATION in self.happened or _ACKNOWLEDGED in self.happened)


def typed_in(session_id: SessionId) -> Heard:
    """The customer is typing."""
    return Heard(session_id, [_TYPING])


def notice_of(heard: Heard, ticket: Ticket | None) -> Notice | None:
    """What a person should look at because of this; `ticket` is the session's open one."""
    session_id = SessionId(heard.session_id)
    if heard.told is not None:
        return Notice(heard.told, session_id, StaffId(heard.staff_id) if heard.staff_id is not None else None, heard.deadline)
    if ticket is None:
        return None
    if _ESCALATION in heard.happened and ticket.state is TicketState.WAITING:
        return Notice(NoticeKind.NEW, session_id)
    if _ACKNOWLEDGED in heard.happened and ticket.assignee_id is not None:
        return Notice(NoticeKind.CUSTOMER_REPLIED, session_id, ticket.assignee_id)
    return None
