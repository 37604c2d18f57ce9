"""All SQL of jobs. Every change by a worker compares the fence, so one that was overtaken changes nothing."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from deskhand.ids import JobId, ScheduleId, new_job_id
from deskhand.jobs.errors import FenceLost
from deskhand.jobs.model import Item, Job, JobKind, JobState, Order, QueueFigures
from deskhand.jobs.tables import items, jobs
from deskhand.knowledge import Tier
from deskhand.persistence import Transaction, db_now, erasing

_NOW: sa.ColumnElement[float] = db_now()
_OPEN = jobs.c.ended_at.is_(None)
_WAITING = sa.and_(jobs.c.state == JobState.QUEUED, jobs.c.not_before <= _NOW)
_LEFT = sa.and_(jobs.c.state == JobState.RUNNING, jobs.c.lease_until < _NOW)
# Jobs that nobody works on, and that may be begun.
CLAIMABLE = sa.and_(_OPEN, sa.or_(_WAITING, _LEFT))


def insert_job(tx: Transaction, order: Order, *, state: JobState) -> JobId:
    job_id = new_job_id()
    tx.execute(
        sa.insert(jobs).values(
            id=job_id,
            kind=JobKind.DOCUMENTS if order.url is None else JobKind.ADDRESS,
            state=state,
            label=order.label,
            requested_by=order.requested_by,
            url=order.url,
            tier=order.tier,
            scope=order.scope,
            sync=order.sync,
            effective_from=order.effective_from,
            effective_until=order.effective_until,
            schedule_id=order.schedule_id,
            not_before=_NOW,
            cancel_requested=False,
            current="",
            created_at=_NOW,
            updated_at=_NOW,
            **dict.fromkeys(
                ("attempt", "fence", "item_count", "item_bytes", "done", "indexed", "unchanged", "removed", "failed", "chunks"), 0
            ),
        )
    )
    return job_id


def insert_item(tx: Transaction, job_id: JobId, *, position: int, item: Item) -> None:
    """Keep a file that was handed in. Raises FenceLost: the job is gone."""
    size = len(item.data or b"")
    updated = tx.execute(
        sa.update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == JobState.RECEIVING)
        .values(item_count=position + 1, item_bytes=jobs.c.item_bytes + size, updated_at=_NOW)
    )
    if updated.rowcount != 1:
        raise FenceLost
    tx.execute(
        sa.insert(items).values(
            job_id=job_id,
            position=position,
            origin=item.origin,
            source=item.source,
            filename=item.filename,
            content_type=item.content_type,
            title=item.title,
            url=item.url,
            data=item.data,
            problem=item.problem,
        )
    )


def find_item(connection: sa.Connection, job_id: JobId, position: int) -> Item | None:
    row = connection.execute(sa.select(items).where(items.c.job_id == job_id, items.c.position == position)).one_or_none()
    if row is None:
        return None
    return Item(row.origin, row.source, row.filename, row.data, row.content_type, row.title, row.url, row.problem)


def queue_job(tx: Transaction, job_id: JobId) -> None:
    """All that belongs to the job is there. Raises FenceLost: the job is gone."""
    updated = tx.execute(
        sa.update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == JobState.RECEIVING)
        .values(state=JobState.QUEUED, not_before=_NOW, updated_at=_NOW)
    )
    if updated.rowcount != 1:
        raise FenceLost


def delete_job(tx: Transaction, job_id: JobId) -> None:
    with erasing(tx):
        tx.execute(sa.delete(items).where(items.c.job_id == job_id))
    tx.execute(sa.delete(jobs).where(jobs.c.id == job_id))


def waiting_bytes(connection: sa.Connection) -> int:
    """What all open jobs hold."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(jobs.c.item_bytes), 0)).where(_OPEN)).scalar_one())


def find_job(connection: sa.Connection, job_id: str) -> Job | None:
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one_or_none()
    return None if row is None else to_job(row)


def list_jobs(connection: sa.Connection, *, state: JobState | None, limit: int, offset: int) -> tuple[list[Job], int]:
    """Newest first, without their reports; and how many there are in all."""
    chosen = sa.true() if state is None else jobs.c.state == state
    total: int = connection.execute(sa.select(sa.func.count()).select_from(jobs).where(chosen)).scalar_one()
    columns = [column for column in jobs.c if column.name != "report"]
    query = sa.select(*columns, sa.null().label("report")).where(chosen).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
    return [to_job(row) for row in connection.execute(query.limit(limit).offset(offset))], total


def read_figures(connection: sa.Connection) -> QueueFigures:
    running = sa.case((sa.and_(jobs.c.state == JobState.RUNNING, jobs.c.lease_until >= _NOW), 1), else_=0)
    due_for = sa.case((_WAITING, _NOW - jobs.c.not_before), (_LEFT, _NOW - jobs.c.lease_until), else_=0.0)
    row = connection.execute(
        sa.select(
            sa.func.count().label("open"),
            sa.func.coalesce(sa.func.sum(running), 0).label("running"),
            sa.func.coalesce(sa.func.sum(jobs.c.item_bytes), 0).label("bytes"),
            sa.func.coalesce(sa.func.max(due_for), 0.0).label("oldest"),
        ).where(_OPEN)
    ).one()
    return QueueFigures(row.open - row.running, int(row.running), int(row.bytes), float(row.oldest))


def claim_job(tx: Transaction, *, worker: str, lease_seconds: float) -> Job | None:
    """The oldest job that nobody works on, from here on `worker`'s; `None` if there is none."""
    row = tx.execute(
        sa.select(jobs).where(CLAIMABLE).order_by(jobs.c.created_at, jobs.c.id).limit(1).with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    tx.execute(
        sa.update(jobs)
        .where(jobs.c.id == row.id)
        .values(
            state=JobState.RUNNING,
            attempt=row.attempt + 1,
            fence=row.fence + 1,
            worker=worker,
            lease_until=_NOW + lease_seconds,
            started_at=sa.func.coalesce(jobs.c.started_at, _NOW),
            updated_at=_NOW,
        )
    )
    return find_job(tx.connection, row.id)


def advance_job(tx: Transaction, job: Job, *, indexed: int, chunks: int, removed: int) -> None:
    """Count what this transaction stores and removes for the job. Raises FenceLost: it is no longer ours to do."""
    updated = tx.execute(
        sa.update(jobs)
        .where(*_held(job))
        .values(
            indexed=jobs.c.indexed + indexed, chunks=jobs.c.chunks + chunks, removed=jobs.c.removed + removed, attempt=1, updated_at=_NOW
        )
    )
    if updated.rowcount != 1:
        raise FenceLost


def beat(tx: Transaction, job: Job, *, lease_seconds: float, done: int, total: int | None, failed: int, current: str) -> bool:
    """Extend the lease and tell how far the job is; returns whether somebody asked to stop it. Raises FenceLost."""
    row = tx.execute(
        sa.update(jobs)
        .where(*_held(job))
        .values(lease_until=_NOW + lease_seconds, done=done, total=total, failed=failed, current=current, updated_at=_NOW)
        .returning(jobs.c.cancel_requested)
    ).one_or_none()
    if row is None:
        raise FenceLost
    return bool(row.cancel_requested)


def end_job(tx: Transaction, job: Job, *, state: JobState, values: Mapping[str, Any]) -> None:
    """Move a job that we hold to a final state, and delete what it holds. Raises FenceLost."""
    updated = tx.execute(
        sa.update(jobs)
        .where(*_held(job))
        .values(**values, state=state, ended_at=_NOW, updated_at=_NOW, lease_until=None, item_bytes=0, current="")
    )
    if updated.rowcount != 1:
        raise FenceLost
    _delete_items(tx, job.id)


def release_job(tx: Transaction, job: Job, *, in_seconds: float) -> None:
    """Give a job back that was not at fault, to be begun again. Nothing happens if it is not ours."""
    tx.execute(
        sa.update(jobs)
        .where(*_held(job))
        .values(state=JobState.QUEUED, attempt=jobs.c.attempt - 1, not_before=_NOW + in_seconds, lease_until=None, updated_at=_NOW)
    )


def expire_leases_of_others(tx: Transaction, *, worker: str) -> None:
    """End the leases of all other workers. Only for who knows that no other worker is alive."""
    tx.execute(sa.update(jobs).where(_OPEN, jobs.c.state == JobState.RUNNING, jobs.c.worker != worker).values(lease_until=_NOW - 1.0))


def cancel_job(tx: Transaction, job_id: str) -> bool:
    """Stop a job: at once if nobody works on it, else with its next beat. False: it has ended, or there is none."""
    requested = tx.execute(sa.update(jobs).where(jobs.c.id == job_id, _OPEN).values(cancel_requested=True, updated_at=_NOW)).rowcount
    stopped = tx.execute(
        sa.update(jobs)
        .where(jobs.c.id == job_id, _OPEN, sa.or_(jobs.c.state != JobState.RUNNING, jobs.c.lease_until < _NOW))
        .values(state=JobState.CANCELLED, ended_at=_NOW, lease_until=None, item_bytes=0, fence=jobs.c.fence + 1)
    ).rowcount
    if stopped:
        _delete_items(tx, JobId(job_id))
    return bool(requested)


def find_left_over(connection: sa.Connection, *, keep_seconds: float, receiving_seconds: float) -> list[JobId]:
    """Jobs that ended longer ago than they are kept, and those whose files stopped coming."""
    stale = sa.and_(jobs.c.state == JobState.RECEIVING, jobs.c.updated_at < _NOW - receiving_seconds)
    query = sa.select(jobs.c.id).where(sa.or_(jobs.c.ended_at < _NOW - keep_seconds, stale)).limit(200)
    return [JobId(row.id) for row in connection.execute(query)]


def to_job(row: Any) -> Job:
    order = Order(
        label=row.label,
        requested_by=row.requested_by,
        tier=Tier(row.tier),
        url=row.url,
        scope=row.scope,
        sync=row.sync,
        effective_from=row.effective_from,
        effective_until=row.effective_until,
        schedule_id=None if row.schedule_id is None else ScheduleId(row.schedule_id),
    )
    return Job(
        id=JobId(row.id),
        kind=JobKind(row.kind),
        state=JobState(row.state),
        order=order,
        attempt=row.attempt,
        fence=row.fence,
        worker=row.worker,
        cancel_requested=row.cancel_requested,
        item_count=row.item_count,
        done=row.done,
        total=row.total,
        current=row.current,
        indexed=row.indexed,
        unchanged=row.unchanged,
        removed=row.removed,
        failed=row.failed,
        chunks=row.chunks,
        report=row.report,
        error_code=row.error_code,
        error_message=row.error_message,
        created_at=row.created_at,
        started_at=row.started_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
    )


def _held(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return jobs.c.id == job.id, jobs.c.fence == job.fence, jobs.c.state == JobState.RUNNING


def _delete_items(tx: Transaction, job_id: JobId) -> None:
    # Whoever took a document out must not find it here.
    with erasing(tx):
        tx.execute(sa.delete(items).where(items.c.job_id == job_id))
