"""The bodies of the routes of jobs and schedules."""

from pydantic import Field

from deskhand.api.document_schemas import FailureView, TierName, Url
from deskhand.api.schemas import Parameters, Request, Schema, show_moment
from deskhand.clock import to_iso
from deskhand.jobs import Job, JobKind, JobState, Schedule

_JOB_ID = r"^job_[0-9a-f]{24}$"
_SCHEDULE_ID = r"^sched_[0-9a-f]{24}$"


class ListJobs(Parameters):
    """The query of the list of jobs."""

    state: JobState | None = None
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=10_000_000)


class JobReportView(Schema):
    """Beside the counts, what a completed job has to say."""

    failed: list[FailureView] = Field(description="What could not be put in, and why; at most 1,000.")
    warnings: int = Field(description="How much of it is said elsewhere too, or differently: see the documents.")
    suspicions: int = Field(description="How much of it reads like orders to the agent: see the log.")
    incomplete: bool = Field(description="Nothing was removed, because it could not be known what all belongs there.")


class JobView(Schema):
    """A job as it stands. `done` and `total` count documents; `total` is null while nobody knows how many there are."""

    job_id: str = Field(pattern=_JOB_ID)
    kind: JobKind
    state: JobState
    label: str = Field(description="What it was asked to put in.")
    url: str | None
    tier: TierName
    requested_by: str
    schedule_id: str | None
    done: int = Field(ge=0)
    total: int | None
    current: str = Field(description="The document that is looked at.")
    indexed: int = Field(ge=0)
    unchanged: int = Field(ge=0, description="Known once it is completed.")
    removed: int = Field(ge=0)
    failed: int = Field(ge=0, description="How many could not be put in.")
    cancel_requested: bool
    attempt: int = Field(ge=0, description="How often it was begun since it last got any further.")
    error: str | None = Field(description="Why the job failed: a code.")
    error_message: str | None
    created_at: str
    started_at: str | None
    updated_at: str
    ended_at: str | None
    report: JobReportView | None = Field(description="Once it is completed; not in the list of jobs.")

    @classmethod
    def of(cls, job: Job) -> "JobView":
        return cls(
            job_id=job.id,
            kind=job.kind,
            state=job.state,
            label=job.order.label,
            url=job.order.url,
            tier=job.order.tier.value,
            requested_by=job.order.requested_by,
            schedule_id=job.order.schedule_id,
            done=job.done,
            total=job.total,
            current=job.current,
            indexed=job.indexed,
            unchanged=job.unchanged,
            removed=job.removed,
            failed=job.failed,
            cancel_requested=job.cancel_requested,
            attempt=job.attempt,
            error=job.error_code,
            error_message=job.error_message,
            created_at=to_iso(job.created_at),
            started_at=show_moment(job.started_at),
            updated_at=to_iso(job.updated_at),
            ended_at=show_moment(job.ended_at),
            report=None if job.report is None else JobReportView.model_validate(job.report),
        )


class ScheduleSource(Request):
    """An address to be fetched now, and again and again."""

    fetch: Url
    every_hours: float = Field(24, ge=1, le=8_760, description="How often, give or take a tenth.")
    tier: TierName = "public"
    sync: bool = Field(True, description="Whether documents that are no longer there are removed.")


class ScheduleView(Schema):
    schedule_id: str = Field(pattern=_SCHEDULE_ID)
    fetch: str
    every_hours: float
    tier: TierName
    sync: bool
    requested_by: str
    next_run_at: str
    last_job_id: str | None
    created_at: str

    @classmethod
    def of(cls, schedule: Schedule) -> "ScheduleView":
        return cls(
            schedule_id=schedule.id,
            fetch=schedule.url,
            every_hours=schedule.every_hours,
            tier=schedule.tier.value,
            sync=schedule.sync,
            requested_by=schedule.requested_by,
            next_run_at=to_iso(schedule.next_run_at),
            last_job_id=schedule.last_job_id,
            created_at=to_iso(schedule.created_at),
        )


class ScheduleDeleted(Schema):
    message: str
    schedule_id: str
