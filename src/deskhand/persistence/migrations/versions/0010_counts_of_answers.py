"""Counts of answers, which are made from the transcript once somebody serves it"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_count",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_answer_count_session_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("day", "session_id", name=op.f("pk_answer_count")),
    )
    op.create_index("ix_answer_count_session_id", "answer_count", ["session_id"])
    op.create_table(
        "counted_until",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_counted_until_session_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_counted_until")),
    )
    op.create_index("ix_ticket_created_at", "ticket", ["created_at"])
