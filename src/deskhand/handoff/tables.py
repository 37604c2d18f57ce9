"""The record of each escalation. One turn opens at most one ticket."""

import sqlalchemy as sa

from deskhand.persistence import metadata

tickets = sa.Table(
    "ticket",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    # Unique: a turn that is finished twice, by a retry, opens its ticket once.
    sa.Column("turn_id", sa.String(32), nullable=False, unique=True),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("priority", sa.String(16), nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_ticket_session_id", "session_id"),
    sa.Index("ix_ticket_status", "status", "created_at"),
)
