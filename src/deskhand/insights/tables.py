"""What customers think of it, and the words that conversations are found by.

The invariant: the words are made from the transcript and can be made again; they are gone with their session.
"""

import sqlalchemy as sa

from deskhand.persistence import metadata

ratings = sa.Table(
    "rating",
    metadata,
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_rating_created_at", "created_at"),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("message_id", sa.ForeignKey("message.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("session_id", sa.String(32), nullable=False),
    sa.Column("value", sa.String(8), nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_feedback_session_id", "session_id"),
    sa.Index("ix_feedback_created_at", "created_at"),
)

said_words = sa.Table(
    "said_word",
    metadata,
    sa.Column("word", sa.String(64), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    sa.Index("ix_said_word_session_id", "session_id", "word"),
)

# Up to which event the words of a session have been taken down.
said_until = sa.Table(
    "said_until",
    metadata,
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)
