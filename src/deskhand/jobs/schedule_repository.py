"""All SQL of schedules."""

from typing import Any

import sqlalchemy as sa

from deskhand.ids import JobId, ScheduleId, new_schedule_id
from deskhand.jobs import repository
from deskhand.jobs.model import JobState, Order, Schedule
from deskhand.jobs.tables import jobs, schedules
from deskhand.knowledge import Tier
from deskhand.persistence import Transaction, db_now, serialise

_NOW: sa.ColumnElement[float] = db_now()
_HOUR_SECONDS = 3_600.0
_LOCK = 0x5363686564756C65
_DUE = schedules.c.next_run_at <= _NOW
# Every process asks it every second.
_WORK = sa.select(sa.exists().where(_DUE).label("due"), sa.exists().where(repository.CLAIMABLE).label("claimable"))


def put_schedule(tx: Transaction, order: Order, *, every_hours: float) -> ScheduleId:
    """Fetch `order` again every so many hours, the first time at once. One that is there for the same scope is changed."""
    # Somebody else may schedule the same scope at this moment, which looking for it does not find.
    serialise(tx, _LOCK)
    values: dict[str, Any] = {
        "url": order.url,
        "tier": order.tier,
        "sync": order.sync,
        "every_hours": every_hours,
        "requested_by": order.requested_by,
        "next_run_at": _NOW,
    }
    row = tx.execute(sa.update(schedules).where(schedules.c.scope == order.scope).values(**values).returning(schedules.c.id)).one_or_none()
    if row is not None:
        return ScheduleId(row.id)
    schedule_id = new_schedule_id()
    tx.execute(sa.insert(schedules).values(id=schedule_id, scope=order.scope, created_at=_NOW, **values))
    return schedule_id


def find_schedule(connection: sa.Connection, schedule_id: str) -> Schedule | None:
    row = connection.execute(sa.select(schedules).where(schedules.c.id == schedule_id)).one_or_none()
    return None if row is None else _to_schedule(row)


def list_schedules(connection: sa.Connection) -> list[Schedule]:
    """By address."""
    return [_to_schedule(row) for row in connection.execute(sa.select(schedules).order_by(schedules.c.url, schedules.c.id))]


def delete_schedule(tx: Transaction, schedule_id: str) -> bool:
    return tx.execute(sa.delete(schedules).where(schedules.c.id == schedule_id)).rowcount == 1


def find_work(connection: sa.Connection) -> tuple[bool, bool]:
    """Whether a schedule is due, and whether there is a job to claim."""
    row = connection.execute(_WORK).one()
    return bool(row.due), bool(row.claimable)


def queue_due(tx: Transaction, *, spread: float) -> JobId | None:
    """Queue a job for the schedule that is due longest, and set when it is due next; `None` if none is due.

    `spread` is between 0.9 and 1.1, so that what was scheduled together does not stay together. While a job of the schedule is open, no
    second one is queued.
    """
    row = tx.execute(
        sa.select(schedules).where(_DUE).order_by(schedules.c.next_run_at).limit(1).with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    following = {"next_run_at": _NOW + row.every_hours * _HOUR_SECONDS * spread}
    is_open = tx.execute(sa.select(jobs.c.id).where(jobs.c.schedule_id == row.id, jobs.c.ended_at.is_(None)).limit(1)).first()
    if is_open is None:
        following["last_job_id"] = repository.insert_job(tx, order_of(_to_schedule(row)), state=JobState.QUEUED)
    tx.execute(sa.update(schedules).where(schedules.c.id == row.id).values(**following))
    return JobId(row.last_job_id if is_open is not None else following["last_job_id"])


def order_of(schedule: Schedule) -> Order:
    return Order(
        label=schedule.url,
        requested_by=schedule.requested_by,
        tier=schedule.tier,
        url=schedule.url,
        scope=schedule.scope,
        sync=schedule.sync,
        schedule_id=schedule.id,
    )


def _to_schedule(row: Any) -> Schedule:
    return Schedule(
        id=ScheduleId(row.id),
        url=row.url,
        scope=row.scope,
        tier=Tier(row.tier),
        sync=row.sync,
        every_hours=row.every_hours,
        requested_by=row.requested_by,
        next_run_at=row.next_run_at,
        last_job_id=None if row.last_job_id is None else JobId(row.last_job_id),
        created_at=row.created_at,
    )
