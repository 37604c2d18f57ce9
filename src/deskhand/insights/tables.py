"""What customers think of it, the words that conversations are found by, what their answers cost, and what is on its way to the consoles of
other instances.

The invariant: words and counts are made from the transcript and can be made again; they are gone with their session.
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

# PostgreSQL's order by a language is not that of beginnings: `zeppelin` would not be between `zep` and whatever begins so.
_WORD = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")

said_words = sa.Table(
    "said_word",
    metadata,
    sa.Column("word", _WORD, primary_key=True),
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

answer_counts = sa.Table(
    "answer_count",
    metadata,
    # The day of UTC, counted from the epoch.
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("unanswered", sa.Integer, nullable=False),
    sa.Index("ix_answer_count_session_id", "session_id"),
)

# Up to which event the answers of a session have been counted.
counted_until = sa.Table(
    "counted_until",
    metadata,
    sa.Column("session_id", sa.ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

# For a minute, where instances have no Redis to tell each other.
passed_notices = sa.Table(
    "passed_notice",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # Of a session that may be gone: that may be the news.
    sa.Column("session_id", sa.String(32), nullable=False),
    # The instance that told its own consoles.
    sa.Column("sender", sa.String(32), nullable=False),
    # NULL: it has changed, and nobody need look.
    sa.Column("kind", sa.String(32)),
    # Whom it is for; NULL for everybody.
    sa.Column("staff_id", sa.String(32)),
    sa.Column("deadline", sa.String(16)),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_passed_notice_created_at", "created_at"),
)
