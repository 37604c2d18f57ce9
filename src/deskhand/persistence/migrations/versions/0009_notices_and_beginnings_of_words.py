"""Notices for the consoles of other instances, and words that are found by their beginning in any language's order"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passed_notice",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("sender", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=True),
        sa.Column("staff_id", sa.String(length=32), nullable=True),
        sa.Column("deadline", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passed_notice")),
    )
    op.create_index("ix_passed_notice_created_at", "passed_notice", ["created_at"], unique=False)
    if op.get_context().dialect.name == "postgresql":
        # The table stays as it is, its indexes are made anew; who takes words down, or searches, waits for that.
        op.alter_column("said_word", "word", existing_type=sa.String(length=64), type_=sa.String(length=64, collation="C"))
