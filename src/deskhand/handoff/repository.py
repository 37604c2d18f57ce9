"""All SQL of tickets. Plain functions on an open transaction or connection; whoever calls them commits."""

from typing import Any

import sqlalchemy as sa

from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.handoff.tables import tickets
from deskhand.handoff.ticket import Ticket, TicketStatus
from deskhand.ids import SessionId, TicketId, TurnId, new_ticket_id
from deskhand.persistence import Transaction


def insert_ticket(
    transaction: Transaction,
    *,
    session_id: SessionId,
    turn_id: TurnId,
    reason: EscalationReason,
    priority: Priority,
    summary: str,
    created_at: float,
) -> Ticket:
    """Open the turn's ticket, or return the one it has already."""
    present = find_ticket_of_turn(transaction.connection, turn_id)
    if present is not None:
        return present
    ticket = Ticket(
        id=new_ticket_id(),
        session_id=session_id,
        turn_id=turn_id,
        reason=reason,
        priority=priority,
        summary=summary,
        status=TicketStatus.OPEN,
        created_at=created_at,
    )
    transaction.execute(
        sa.insert(tickets).values(
            id=ticket.id,
            session_id=session_id,
            turn_id=turn_id,
            reason=reason.value,
            priority=priority.value,
            summary=summary,
            status=ticket.status.value,
            created_at=created_at,
        )
    )
    return ticket


def find_ticket_of_turn(connection: sa.Connection, turn_id: TurnId) -> Ticket | None:
    row = connection.execute(sa.select(tickets).where(tickets.c.turn_id == turn_id)).first()
    return None if row is None else _ticket(row)


def list_tickets(connection: sa.Connection, session_id: SessionId) -> list[Ticket]:
    """All tickets of a session, oldest first."""
    rows = connection.execute(sa.select(tickets).where(tickets.c.session_id == session_id).order_by(tickets.c.created_at, tickets.c.id))
    return [_ticket(row) for row in rows]


def close_tickets(transaction: Transaction, session_id: SessionId) -> int:
    """Close what is open for the session; returns how many there were."""
    result = transaction.execute(
        sa.update(tickets)
        .where(tickets.c.session_id == session_id, tickets.c.status == TicketStatus.OPEN.value)
        .values(status=TicketStatus.CLOSED.value)
    )
    return result.rowcount


def _ticket(row: Any) -> Ticket:
    return Ticket(
        id=TicketId(row.id),
        session_id=SessionId(row.session_id),
        turn_id=TurnId(row.turn_id),
        reason=EscalationReason(row.reason),
        priority=Priority(row.priority),
        summary=row.summary,
        status=TicketStatus(row.status),
        created_at=row.created_at,
    )
