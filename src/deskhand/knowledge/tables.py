"""Documents and their chunks as rows.

Invariant: every write transaction raises `knowledge_state.version` first and stamps what it writes or removes with that number. The
row is a lock until the commit, so versions become visible in order, and whoever read up to a version misses nothing below it.
"""

import sqlalchemy as sa

from deskhand.persistence import metadata

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

documents = sa.Table(
    "knowledge_document",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("url", sa.Text),
    sa.Column("content_type", sa.String(100), nullable=False),
    sa.Column("tier", sa.String(16), nullable=False),
    sa.Column("session_id", sa.String(32)),
    sa.Column("scope", sa.Text),
    sa.Column("metadata", sa.JSON, nullable=False),
    # Of the bytes and of all that is shown with them: an equal hash means that nothing would change.
    sa.Column("content_hash", sa.String(64), nullable=False),
    # How it was chunked, analysed and embedded. Another recipe means that it has to be indexed again.
    sa.Column("recipe", sa.String(100), nullable=False),
    sa.Column("characters", sa.Integer, nullable=False),
    sa.Column("chunk_count", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    # Counts the changes of this document from 1: what an editor read must be what the change is made to.
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    sa.Column("disabled", sa.Boolean, nullable=False, server_default=sa.false()),
    # In force from the first (NULL: always was) until before the second (NULL: for ever). Epoch seconds.
    sa.Column("effective_from", sa.Double),
    sa.Column("effective_until", sa.Double),
    # Names of the columns that staff set by hand: a later ingest of the same document leaves them as they are.
    sa.Column("edited", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Index("ix_knowledge_document_version", "version"),
    sa.Index("ix_knowledge_document_scope", "scope"),
    sa.Index("ix_knowledge_document_session_id", "session_id"),
)

chunks = sa.Table(
    "knowledge_chunk",
    metadata,
    # Never used twice, so an index that lags behind cannot take a new chunk for an old one.
    sa.Column("id", _KEY, primary_key=True, autoincrement=True),
    sa.Column("document_id", sa.ForeignKey("knowledge_document.id", ondelete="CASCADE"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("section", sa.Text),
    sa.Column("page", sa.Integer),
    # float32, little-endian, of unit length.
    sa.Column("vector", sa.LargeBinary, nullable=False),
    # What `analysis.pack` gives: the terms' hashes and how often each occurs.
    sa.Column("terms", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("document_id", "position"),
    sqlite_autoincrement=True,
)

removals = sa.Table(
    "knowledge_removal",
    metadata,
    sa.Column("id", _KEY, primary_key=True, autoincrement=True),
    sa.Column("document_id", sa.String(40), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Index("ix_knowledge_removal_version", "version"),
)

# By what other chunks that say the same, or the opposite, are found: see `likeness`.
marks = sa.Table(
    "knowledge_mark",
    metadata,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("chunk_id", sa.ForeignKey("knowledge_chunk.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Index("ix_knowledge_mark_chunk_id", "chunk_id"),
    sqlite_with_rowid=False,
)

# What became of each document, change by change. Outlives the document, but nothing of a deleted one's contents stays here.
revisions = sa.Table(
    "knowledge_revision",
    metadata,
    sa.Column("id", _KEY, primary_key=True, autoincrement=True),
    sa.Column("document_id", sa.String(40), nullable=False),
    # The document's `revision` that this change led to.
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Double, nullable=False),
    # Each field that changed, with what it was and what it became.
    sa.Column("changes", sa.JSON, nullable=False),
    # The text before the change, where the change was one of the text. NULL once it is older than it may be kept.
    sa.Column("earlier_text", sa.Text),
    sa.Index("ix_knowledge_revision_document_id", "document_id", "id"),
    sa.Index("ix_knowledge_revision_changed_at", "changed_at"),
)

state = sa.Table(
    "knowledge_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
