"""The transcript as rows. It is the only truth: what a reader, the agent or a counter shows is derived from these tables."""

import sqlalchemy as sa

from deskhand.persistence import metadata, partial_index

# No turn is `awaiting`; the index `one_active` of every database names it, and serves only a query that names the same states.
ACTIVE_STATES = ("running", "streaming", "awaiting")

sessions = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("thread_id", sa.String(32), nullable=False),
    sa.Column("user_id", sa.String(200)),
    # Whether staff (the company's own site) said who the user is. A visitor may claim any name.
    sa.Column("user_is_verified", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("metadata", sa.JSON, nullable=False),
    # The number of the newest event. Bumped in the transaction that stores the event, so the numbers have no gap.
    sa.Column("last_seq", sa.BigInteger, nullable=False),
    # Only grows. Whoever starts, ends or takes over a turn raises it, which shuts out every writer that held it before.
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("last_activity", sa.Double, nullable=False),
    sa.Index("ix_session_created_at", "created_at"),
    sa.Index("ix_session_user_id", "user_id"),
    sa.Index("ix_session_last_activity", "last_activity"),
    # The lists of the desk: those the AI has, newest first, without those in which nothing was said.
    sa.Index("ix_session_status", "status", "last_activity", "last_seq"),
)

messages = sa.Table(
    "message",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    # The number of the event that made it visible: the one order of a session.
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("client_message_id", sa.String(128)),
    sa.Column("body_hash", sa.String(64)),
    sa.Column("turn_id", sa.String(32)),
    # For an answer: sources, tools used, confidence, timings. For a customer's message: its attachments.
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.UniqueConstraint("session_id", "seq"),
    sa.UniqueConstraint("session_id", "client_message_id"),
    sa.Index("ix_message_turn_id", "turn_id"),
)

turns = sa.Table(
    "turn",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    # Epoch seconds of the database's clock; null while nobody holds the turn.
    sa.Column("lease_until", sa.Double),
    # The end of the time that the whole turn has, all attempts together; set at the first claim.
    sa.Column("deadline", sa.Double),
    sa.Column("worker", sa.String(64)),
    # The number of the turn's newest `started` event: the place in the session that its deltas stand behind.
    sa.Column("started_seq", sa.BigInteger),
    sa.Column("partial", sa.Text, nullable=False),
    sa.Column("cancel_reason", sa.String(64)),
    sa.Column("error_code", sa.String(64)),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
    sa.UniqueConstraint("session_id", "seq"),
    partial_index("one_active", "session_id", unique=True, where="state IN ('running', 'streaming', 'awaiting')"),
    # What the search for work reads: only turns that have not ended.
    partial_index("ix_turn_open", "session_id", "seq", where="ended_at IS NULL"),
)

events = sa.Table(
    "event",
    metadata,
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("turn_id", sa.String(32)),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)

tool_calls = sa.Table(
    "tool_call",
    metadata,
    # SHA-256 of turn, step, index and name: the same in every attempt, so that a later attempt finds what an earlier one did.
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    sa.Column("turn_id", sa.String(32), nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("idx", sa.Integer, nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("args_hash", sa.String(64), nullable=False),
    sa.Column("idempotent", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("result", sa.JSON),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
    sa.Index("ix_tool_call_turn_id", "turn_id"),
    sa.Index("ix_tool_call_session_id", "session_id"),
)

# Tokens of customers that were shown, by the SHA-256 of their ids: each counts once. A row goes when its token would have expired.
used_tokens = sa.Table(
    "used_token",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Index("ix_used_token_expires_at", "expires_at"),
)

attachments = sa.Table(
    "attachment",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    sa.Column("filename", sa.String(255), nullable=False),
    sa.Column("content_type", sa.String(127), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_attachment_session_id", "session_id"),
)
