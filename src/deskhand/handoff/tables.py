"""The record of each hand-off, of what is noted beside it, and of what people say again and again."""

import sqlalchemy as sa

from deskhand.persistence import metadata, partial_index

tickets = sa.Table(
    "ticket",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    # Unique: a turn that is finished twice, by a retry, opens its ticket once.
    sa.Column("turn_id", sa.String(32), unique=True),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("priority", sa.String(16), nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False, server_default="1"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("assignee_id", sa.String(32)),
    sa.Column("assignee_name", sa.String(200)),
    sa.Column("skill", sa.String(64)),
    sa.Column("brief", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("tags", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("unread", sa.Integer, nullable=False, server_default="0"),
    sa.Column("snoozed_until", sa.Double),
    sa.Column("answered_at", sa.Double),
    sa.Column("ended_at", sa.Double),
    # When people were told that the customer has waited too long for a first answer, or for the end of the case.
    sa.Column("answer_told_at", sa.Double),
    sa.Column("resolve_told_at", sa.Double),
    sa.Index("ix_ticket_session_id", "session_id"),
    sa.Index("ix_ticket_status", "status", "created_at"),
    sa.Index("ix_ticket_assignee_id", "assignee_id", "status"),
    sa.Index("ix_ticket_ended_at", "ended_at"),
    sa.Index("ix_ticket_created_at", "created_at"),
    # The clocks that run: what was told, or has ended, is not looked at again.
    partial_index("ix_ticket_unanswered", "created_at", where="ended_at IS NULL AND answered_at IS NULL AND answer_told_at IS NULL"),
    partial_index("ix_ticket_unresolved", "created_at", where="ended_at IS NULL AND resolve_told_at IS NULL"),
)

# What those behind the desk tell each other; no customer sees it.
notes = sa.Table(
    "note",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    sa.Column("author_id", sa.String(32), nullable=False),
    sa.Column("author_name", sa.String(200), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_note_session_id", "session_id", "created_at"),
)

replies = sa.Table(
    "reply",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("shortcut", sa.String(64), nullable=False, unique=True),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)
