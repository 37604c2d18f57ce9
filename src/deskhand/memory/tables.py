"""Facts about signed customers. The invariant: every query names the `user_id`, so a fact never reaches another customer."""

import sqlalchemy as sa

from deskhand.persistence import metadata

facts = sa.Table(
    "fact",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.String(200), nullable=False),
    # Where it was learned: a conversation that is deleted takes its facts along.
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE")),
    # Chosen by whoever remembers; the same key stores one fact, however often the call is made again.
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.UniqueConstraint("user_id", "key"),
    sa.Index("ix_fact_user_id", "user_id", "created_at"),
    sa.Index("ix_fact_session_id", "session_id"),
)
