"""A knowledge base that lives"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knowledge_revision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("document_id", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("earlier_text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_revision")),
    )
    with op.batch_alter_table("knowledge_revision", schema=None) as batch_op:
        batch_op.create_index("ix_knowledge_revision_changed_at", ["changed_at"], unique=False)
        batch_op.create_index("ix_knowledge_revision_document_id", ["document_id", "id"], unique=False)

    with op.batch_alter_table("knowledge_document", schema=None) as batch_op:
        batch_op.add_column(sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("disabled", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("effective_from", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("effective_until", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("edited", sa.JSON(), server_default="[]", nullable=False))

    op.create_table(
        "knowledge_mark",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chunk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["chunk_id"], ["knowledge_chunk.id"], name=op.f("fk_knowledge_mark_chunk_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "chunk_id", name=op.f("pk_knowledge_mark")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("knowledge_mark", schema=None) as batch_op:
        batch_op.create_index("ix_knowledge_mark_chunk_id", ["chunk_id"], unique=False)
