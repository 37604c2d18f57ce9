"""What is stored of hand-offs, for tests that look behind the desk."""

import sqlalchemy as sa

from deskhand.handoff.repository import to_ticket
from deskhand.handoff.tables import tickets
from deskhand.handoff.ticket import Ticket


def list_tickets(connection: sa.Connection, session_id: str) -> list[Ticket]:
    """All tickets of a session, oldest first."""
    find = sa.select(tickets).where(tickets.c.session_id == session_id).order_by(tickets.c.created_at, tickets.c.id)
    return [to_ticket(row) for row in connection.execute(find)]
