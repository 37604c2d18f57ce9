"""Jobs as plain values that know nothing of storage. Times are epoch seconds of the database's clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from deskhand.ids import JobId, ScheduleId
from deskhand.knowledge import Tier
from deskhand.settings import Settings


class JobKind(StrEnum):
    """Documents that were handed in, or what is at an address."""

    DOCUMENTS = "documents"
    ADDRESS = "address"


class JobState(StrEnum):
    """A job is `RECEIVING` while its files are stored; the last three are for ever."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Order:
    """What a job is to do. With a `url` it fetches that; without, it reads what is handed in with it.

    `scope` names where the documents come from, so that `sync` can remove what is no longer there; documents without one were uploaded.
    """

    label: str
    requested_by: str
    tier: Tier = Tier.PUBLIC
    url: str | None = None
    scope: str | None = None
    sync: bool = False
    effective_from: float | None = None
    effective_until: float | None = None
    schedule_id: ScheduleId | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A file that was handed in: its bytes, or the `problem` with it."""

    origin: str
    source: str
    filename: str
    data: bytes | None
    content_type: str | None = None
    title: str | None = None
    url: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. `total` is `None` while nobody knows how many documents there are.

    `report` says, once the job is `COMPLETED`, what failed and why, and counts warnings; `error_message` is a sentence once it is `FAILED`.
    """

    id: JobId
    kind: JobKind
    state: JobState
    order: Order
    attempt: int
    fence: int
    worker: str | None
    cancel_requested: bool
    item_count: int
    done: int
    total: int | None
    current: str
    indexed: int
    unchanged: int
    removed: int
    failed: int
    chunks: int
    report: Mapping[str, Any] | None
    error_code: str | None
    error_message: str | None
    created_at: float
    started_at: float | None
    updated_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """An address that is fetched again every `every_hours`, give or take a tenth."""

    id: ScheduleId
    url: str
    scope: str
    tier: Tier
    sync: bool
    every_hours: float
    requested_by: str
    next_run_at: float
    last_job_id: JobId | None
    created_at: float


@dataclass(frozen=True, slots=True)
class JobRules:
    """`lease_seconds` is how long a job belongs to a process that gives no sign of life; `max_attempts` how often it is begun without
    getting any further; `max_bytes` how much may wait to be read; `keep_days` how long jobs that ended are shown.
    """

    lease_seconds: float = 30.0
    max_attempts: int = 3
    max_bytes: int = 1_000_000_000
    keep_days: int = 30

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(lease_seconds=settings.jobs_lease_seconds, max_bytes=settings.jobs_max_bytes, keep_days=settings.jobs_keep_days)


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """`waiting` counts jobs nobody works on, `oldest_seconds` is how long the first of them has been due, `bytes` what open ones hold."""

    waiting: int
    running: int
    bytes: int
    oldest_seconds: float
