"""Jobs, what was handed in with them, and schedules, as rows.

Invariant: what a job holds of files (`job_item`) is there before the job is `queued`, and is deleted in the transaction that ends the job.
"""

import sqlalchemy as sa

from deskhand.persistence import metadata, partial_index

jobs = sa.Table(
    "job",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    # What is fetched; NULL for documents that were handed in.
    sa.Column("url", sa.Text),
    sa.Column("tier", sa.String(16), nullable=False),
    # Where the documents come from, if they come from somewhere that can be read again.
    sa.Column("scope", sa.Text),
    # Whether what is no longer there is removed.
    sa.Column("sync", sa.Boolean, nullable=False),
    sa.Column("effective_from", sa.Double),
    sa.Column("effective_until", sa.Double),
    sa.Column("schedule_id", sa.String(32)),
    # Who works on it. The fence counts its beginnings; `attempt` those since it last got any further.
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(64)),
    sa.Column("lease_until", sa.Double),
    sa.Column("not_before", sa.Double, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    # How far it is. `indexed`, `chunks` and `removed` are counted in the transactions that index and remove.
    sa.Column("item_count", sa.Integer, nullable=False),
    sa.Column("item_bytes", sa.BigInteger, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer),
    sa.Column("current", sa.Text, nullable=False),
    sa.Column("indexed", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
    sa.Column("removed", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False),
    # What became of it: what failed, how many warnings, or why there is no report.
    sa.Column("report", sa.JSON),
    sa.Column("error_code", sa.String(64)),
    sa.Column("error_message", sa.Text),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
    partial_index("ix_job_open", "created_at", where="ended_at IS NULL"),
    sa.Index("ix_job_created_at", "created_at"),
)

items = sa.Table(
    "job_item",
    metadata,
    sa.Column("job_id", sa.ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text),
    sa.Column("title", sa.Text),
    sa.Column("url", sa.Text),
    # NULL for what could not even be opened when it was handed in; `problem` says why.
    sa.Column("data", sa.LargeBinary),
    sa.Column("problem", sa.Text),
)

schedules = sa.Table(
    "job_schedule",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False, unique=True),
    sa.Column("tier", sa.String(16), nullable=False),
    sa.Column("sync", sa.Boolean, nullable=False),
    sa.Column("every_hours", sa.Double, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("next_run_at", sa.Double, nullable=False),
    sa.Column("last_job_id", sa.String(32)),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_job_schedule_next_run_at", "next_run_at"),
)
