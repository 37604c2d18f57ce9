"""All SQL of tickets, notes and prepared replies. Plain functions on an open transaction or connection; whoever calls them commits.

Who changes a ticket holds its session's log, so two changes of one run one after the other.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from deskhand.handoff.deadlines import Deadline, Deadlines
from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.handoff.tables import notes, replies, tickets
from deskhand.handoff.ticket import Ticket, TicketState
from deskhand.ids import SessionId, StaffId, TicketId, TurnId, new_ticket_id
from deskhand.persistence import Prepared, Transaction, db_now

OPEN_STATES = tuple(state.value for state in TicketState if state.is_open)
_TOLD = {Deadline.ANSWER: tickets.c.answer_told_at, Deadline.RESOLVE: tickets.c.resolve_told_at}
_GRAVITY = tuple(Priority)
_OPEN = Prepared(
    sa.select(tickets)
    .where(tickets.c.session_id == sa.bindparam("session_id"), tickets.c.status.in_(OPEN_STATES))
    .order_by(tickets.c.episode.desc())
    .limit(1)
)


def open_ticket(
    transaction: Transaction,
    *,
    session_id: SessionId,
    turn_id: TurnId | None,
    reason: EscalationReason,
    priority: Priority,
    summary: str,
    brief: dict[str, Any],
    created_at: float,
) -> Ticket:
    """Open a ticket; the turn's if it has one already. Where one of the session is open, that one, with the graver priority, and with this
    reason beside its own under `also` of its brief."""
    if turn_id is not None and (present := find_ticket_of_turn(transaction.connection, turn_id)) is not None:
        return present
    if (present := find_open_ticket(transaction.connection, session_id)) is not None:
        graver = max(present.priority, priority, key=_GRAVITY.index)
        also = [*present.brief.get("also", ()), {"turn_id": turn_id, "reason": reason.value, "summary": summary}]
        joined = replace(present, priority=graver, brief={**present.brief, "also": also}, version=present.version + 1)
        return save_ticket(transaction, joined)
    earlier = transaction.execute(sa.select(sa.func.count()).select_from(tickets).where(tickets.c.session_id == session_id)).scalar_one()
    ticket = Ticket(
        id=new_ticket_id(),
        session_id=session_id,
        turn_id=turn_id,
        reason=reason,
        priority=priority,
        summary=summary,
        state=TicketState.WAITING,
        created_at=created_at,
        episode=earlier + 1,
        brief=brief,
    )
    transaction.execute(sa.insert(tickets).values(**_to_row(ticket)))
    return ticket


def save_ticket(transaction: Transaction, ticket: Ticket) -> Ticket:
    """Store a ticket as it is now."""
    transaction.execute(sa.update(tickets).where(tickets.c.id == ticket.id).values(**_to_row(ticket)))
    return ticket


def find_open_ticket(connection: sa.Connection, session_id: SessionId) -> Ticket | None:
    row = _OPEN.one_or_none(connection, {"session_id": session_id})
    return None if row is None else to_ticket(row)


def list_open_tickets(connection: sa.Connection, session_ids: Collection[SessionId]) -> list[Ticket]:
    """Those of these sessions that have one, in no order."""
    rows = connection.execute(sa.select(tickets).where(tickets.c.session_id.in_(session_ids), tickets.c.status.in_(OPEN_STATES)))
    return [to_ticket(row) for row in rows]


def find_ticket_of_turn(connection: sa.Connection, turn_id: TurnId) -> Ticket | None:
    row = connection.execute(sa.select(tickets).where(tickets.c.turn_id == turn_id)).first()
    return None if row is None else to_ticket(row)


def find_last_ticket(connection: sa.Connection, session_id: SessionId) -> Ticket | None:
    """The session's newest ticket, open or not."""
    row = connection.execute(
        sa.select(tickets).where(tickets.c.session_id == session_id).order_by(tickets.c.episode.desc()).limit(1)
    ).first()
    return None if row is None else to_ticket(row)


def list_snoozed_until(connection: sa.Connection, *, now: float, limit: int) -> list[SessionId]:
    """Sessions whose ticket was snoozed until a moment that has passed."""
    rows = connection.execute(
        sa.select(tickets.c.session_id).where(tickets.c.status == TicketState.SNOOZED, tickets.c.snoozed_until <= now).limit(limit)
    )
    return [SessionId(row.session_id) for row in rows]


def list_overdue(connection: sa.Connection, deadline: Deadline, deadlines: Deadlines, *, limit: int) -> list[Ticket]:
    """Tickets whose deadline has passed and that nobody was told of, the oldest first."""
    now = connection.execute(sa.select(db_now())).scalar_one()
    begun = {priority: now - deadlines.seconds(deadline, priority) for priority in Priority}
    late = [sa.and_(tickets.c.priority == priority, tickets.c.created_at <= moment) for priority, moment in begun.items()]
    rows = connection.execute(
        sa.select(tickets)
        .where(*_is_pending(deadline), tickets.c.created_at <= max(begun.values()), sa.or_(*late))
        .order_by(tickets.c.created_at)
        .limit(limit)
    )
    return [to_ticket(row) for row in rows]


def note_told(transaction: Transaction, ticket: Ticket, deadline: Deadline) -> bool:
    """Note that people are told now that the ticket's deadline has passed; False: they were before, or the ticket has changed."""
    same = sa.update(tickets).where(tickets.c.id == ticket.id, tickets.c.version == ticket.version, *_is_pending(deadline))
    return transaction.execute(same.values({_TOLD[deadline]: db_now()})).rowcount == 1


def _is_pending(deadline: Deadline) -> list[sa.ColumnElement[bool]]:
    """Whether the deadline is still to be kept, or to be told of; as the partial indexes have it, and not put aside."""
    pending = [tickets.c.ended_at.is_(None), _TOLD[deadline].is_(None), tickets.c.status != TicketState.SNOOZED]
    return [*pending, tickets.c.answered_at.is_(None)] if deadline is Deadline.ANSWER else pending


def count_ended(connection: sa.Connection, session_id: SessionId, *, state: TicketState, since: float) -> int:
    """How many of the session's tickets came to this end since a moment."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(tickets)
        .where(tickets.c.session_id == session_id, tickets.c.status == state, tickets.c.ended_at >= since)
    ).scalar_one()


def count_assigned(connection: sa.Connection, staff_ids: Sequence[StaffId]) -> dict[StaffId, int]:
    """How many open conversations each of them has; those who have none are missing."""
    rows = connection.execute(
        sa.select(tickets.c.assignee_id, sa.func.count().label("assigned"))
        .where(tickets.c.assignee_id.in_(list(staff_ids)), tickets.c.status == TicketState.ASSIGNED)
        .group_by(tickets.c.assignee_id)
    )
    return {StaffId(row.assignee_id): row.assigned for row in rows}


def find_last_given(connection: sa.Connection, staff_ids: Sequence[StaffId]) -> dict[StaffId, float]:
    """When the newest conversation that each of them has or had began; those who never had one are missing."""
    rows = connection.execute(
        sa.select(tickets.c.assignee_id, sa.func.max(tickets.c.created_at).label("at"))
        .where(tickets.c.assignee_id.in_(list(staff_ids)))
        .group_by(tickets.c.assignee_id)
    )
    return {StaffId(row.assignee_id): row.at for row in rows}


def find_last_assignee(connection: sa.Connection, session_id: SessionId) -> StaffId | None:
    """Who had the conversation when its last hand-off ended; None where nobody had, or there was none."""
    ended = sa.select(tickets.c.assignee_id).where(tickets.c.session_id == session_id, tickets.c.ended_at.is_not(None))
    found = connection.execute(ended.order_by(tickets.c.episode.desc()).limit(1)).scalar_one_or_none()
    return StaffId(found) if found is not None else None


def list_waiting(connection: sa.Connection, *, limit: int) -> list[Ticket]:
    """Tickets that wait for somebody: the gravest first, then the oldest."""
    gravity = sa.case({priority.value: rank for rank, priority in enumerate(_GRAVITY)}, value=tickets.c.priority)
    rows = connection.execute(
        sa.select(tickets).where(tickets.c.status == TicketState.WAITING).order_by(gravity.desc(), tickets.c.created_at).limit(limit)
    )
    return [to_ticket(row) for row in rows]


def list_replies(connection: sa.Connection) -> list[Any]:
    """The rows (id, shortcut, title, text, created_at), by shortcut."""
    return list(connection.execute(sa.select(replies).order_by(replies.c.shortcut)))


def find_reply_by_shortcut(connection: sa.Connection, shortcut: str) -> Any:
    return connection.execute(sa.select(replies).where(replies.c.shortcut == shortcut)).one_or_none()


def insert_reply(transaction: Transaction, **values: Any) -> None:
    transaction.execute(sa.insert(replies).values(**values, created_at=db_now()))


def update_reply(transaction: Transaction, reply_id: str, **values: Any) -> bool:
    """False: there is no such reply."""
    return transaction.execute(sa.update(replies).where(replies.c.id == reply_id).values(**values)).rowcount == 1


def delete_reply(transaction: Transaction, reply_id: str) -> bool:
    """False: there is no such reply."""
    return transaction.execute(sa.delete(replies).where(replies.c.id == reply_id)).rowcount == 1


def insert_note(transaction: Transaction, **values: Any) -> None:
    transaction.execute(sa.insert(notes).values(**values))


def list_notes(connection: sa.Connection, session_id: SessionId) -> list[Any]:
    """The rows (id, author_id, author_name, text, created_at), oldest first."""
    return list(connection.execute(sa.select(notes).where(notes.c.session_id == session_id).order_by(notes.c.created_at, notes.c.id)))


def to_ticket(row: Any) -> Ticket:
    return Ticket(
        id=TicketId(row.id),
        session_id=SessionId(row.session_id),
        turn_id=TurnId(row.turn_id) if row.turn_id is not None else None,
        reason=EscalationReason(row.reason),
        priority=Priority(row.priority),
        summary=row.summary,
        state=TicketState(row.status),
        created_at=row.created_at,
        episode=row.episode,
        version=row.version,
        assignee_id=StaffId(row.assignee_id) if row.assignee_id is not None else None,
        assignee_name=row.assignee_name,
        skill=row.skill,
        brief=row.brief,
        tags=tuple(row.tags),
        unread=row.unread,
        snoozed_until=row.snoozed_until,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
    )


def _to_row(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "session_id": ticket.session_id,
        "turn_id": ticket.turn_id,
        "reason": ticket.reason.value,
        "priority": ticket.priority.value,
        "summary": ticket.summary,
        "status": ticket.state.value,
        "created_at": ticket.created_at,
        "episode": ticket.episode,
        "version": ticket.version,
        "assignee_id": ticket.assignee_id,
        "assignee_name": ticket.assignee_name,
        "skill": ticket.skill,
        "brief": dict(ticket.brief),
        "tags": list(ticket.tags),
        "unread": ticket.unread,
        "snoozed_until": ticket.snoozed_until,
        "answered_at": ticket.answered_at,
        "ended_at": ticket.ended_at,
    }
