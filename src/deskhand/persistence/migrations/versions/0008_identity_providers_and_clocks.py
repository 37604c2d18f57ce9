"""Accounts at an identity provider, and clocks of the desk"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_UNANSWERED = sa.text("ended_at IS NULL AND answered_at IS NULL AND answer_told_at IS NULL")
_UNRESOLVED = sa.text("ended_at IS NULL AND resolve_told_at IS NULL")


def upgrade() -> None:
    op.add_column("staff_account", sa.Column("oidc_identity", sa.String(length=64), nullable=True))
    op.create_index("ix_staff_account_oidc_identity", "staff_account", ["oidc_identity"], unique=True)
    op.add_column("ticket", sa.Column("answer_told_at", sa.Double(), nullable=True))
    op.add_column("ticket", sa.Column("resolve_told_at", sa.Double(), nullable=True))
    op.create_index("ix_ticket_unanswered", "ticket", ["created_at"], unique=False, sqlite_where=_UNANSWERED, postgresql_where=_UNANSWERED)
    op.create_index("ix_ticket_unresolved", "ticket", ["created_at"], unique=False, sqlite_where=_UNRESOLVED, postgresql_where=_UNRESOLVED)
