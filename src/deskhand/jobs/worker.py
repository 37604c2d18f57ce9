"""Working on jobs: claim, do, tell how far it is, end. And putting those in the queue that are due.

Invariant: nothing is stored for a job but under its fence, so it does not matter what a worker believes that was frozen or cut off.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import structlog

from deskhand.errors import DeskhandError
from deskhand.ids import JobId
from deskhand.jobs import repository, schedule_repository
from deskhand.jobs.errors import FenceLost
from deskhand.jobs.ingesting import Course, JobIngest
from deskhand.jobs.model import Job, JobRules, JobState, QueueFigures
from deskhand.knowledge import IngestReport, KnowledgeService
from deskhand.persistence import Database, DatabaseFull, DatabaseUnavailable, Transaction
from deskhand.telemetry import Metrics, Supervisor

if TYPE_CHECKING:
    from deskhand.knowledge.fetch import SourceFetcher

_LOOK_SECONDS = 1.0
_BEAT_SECONDS = 0.5
_COUNT_SECONDS = 10.0
_TIDY_SECONDS = 3_600.0
_RECEIVING_SECONDS = 3_600.0
_AWAY_SECONDS = 5.0
_DAY_SECONDS = 86_400.0
_MOST_FAILURES = 1_000
# Of the time between two runs of a schedule.
_SPREAD = 0.1

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Running:
    job: Job
    course: Course = field(default_factory=Course)


class JobWorker:
    def __init__(
        self,
        *,
        name: str,
        database: Database,
        knowledge: KnowledgeService,
        find_fetcher: "Callable[[], SourceFetcher]",
        rules: JobRules,
        metrics: Metrics,
        supervisor: Supervisor,
        concurrency: int,
    ) -> None:
        """`concurrency` of 0 leaves all jobs to other processes."""
        self.name = name
        self._database = database
        self._ingest = JobIngest(database, knowledge, find_fetcher=find_fetcher)
        self._rules = rules
        self._metrics = metrics
        self._supervisor = supervisor
        self._concurrency = concurrency
        self._tasks: dict[JobId, asyncio.Task[None]] = {}
        self._look_now = asyncio.Event()
        self._draining = asyncio.Event()
        self._random = Random()  # noqa: S311 - spreads moments, protects nothing
        self._figures = QueueFigures(0, 0, 0, 0.0)
        metrics.watch("deskhand_jobs_running", "Jobs that this process works on.", lambda: float(len(self._tasks)))
        metrics.watch("deskhand_jobs_waiting", "Jobs that nobody works on, of all processes.", lambda: float(self._figures.waiting))
        metrics.watch("deskhand_jobs_waiting_bytes", "Bytes of files that open jobs hold.", lambda: float(self._figures.bytes))
        metrics.watch("deskhand_jobs_waiting_seconds", "How long a job has been due.", lambda: self._figures.oldest_seconds)

    async def start(self, *, alone: bool) -> None:
        """Begin to look for jobs. `alone`: no other process works on this database, so whatever looks taken was left."""
        if alone:
            await self._database.write(lambda tx: repository.expire_leases_of_others(tx, worker=self.name))
        _ = self._supervisor.start(self._watch, name="job-figures", restart=True)
        if self._concurrency:
            _ = self._supervisor.start(self._look, name="job-look", restart=True)
            _ = self._supervisor.start(self._tidy, name="job-tidy", restart=True)

    def look(self) -> None:
        """Look for jobs now: there may be one. Returns at once."""
        self._look_now.set()

    async def drain(self) -> None:
        """Begin nothing more, stop what runs, and give it back for others to go on with."""
        self._draining.set()
        self._look_now.set()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        while not self._draining.is_set():
            self._look_now.clear()
            try:
                await self._take_up()
            except (DatabaseUnavailable, DatabaseFull) as error:
                log.warning("jobs_not_looked_for", code=error.code)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._look_now.wait()

    async def _watch(self) -> None:
        while not self._draining.is_set():
            try:
                self._figures = await self._database.read(repository.read_figures)
            except DatabaseUnavailable as error:
                log.warning("jobs_not_counted", code=error.code)
            await asyncio.sleep(_COUNT_SECONDS)

    async def _take_up(self) -> None:
        is_due, is_claimable = await self._database.read(schedule_repository.find_work)
        while is_due:
            spread = self._random.uniform(1 - _SPREAD, 1 + _SPREAD)
            is_due = await self._database.write(partial(schedule_repository.queue_due, spread=spread)) is not None
            is_claimable = True
        while is_claimable and len(self._tasks) < self._concurrency and not self._draining.is_set():
            job = await self._claim()
            if job is None:
                return
            if self._draining.is_set():
                # It was stopped while this was being claimed.
                await self._release(job, in_seconds=0.0)
                return
            self._tasks[job.id] = self._supervisor.start(partial(self._work, job), name="job")

    async def _claim(self) -> Job | None:
        claim = partial(repository.claim_job, worker=self.name, lease_seconds=self._rules.lease_seconds)
        return await self._database.write(claim)

    async def _work(self, job: Job) -> None:
        running = _Running(job)
        log.info("job_begun", job_id=job.id, kind=job.kind, attempt=job.attempt)
        try:
            outcome = await self._bring_to_an_end(running)
        except FenceLost:
            outcome = "overtaken"
        except (DatabaseUnavailable, DatabaseFull) as error:
            # Where even that cannot be written, the lease runs out.
            log.warning("job_put_off", job_id=job.id, code=error.code)
            outcome = "put_off"
            await self._release(job, in_seconds=_AWAY_SECONDS)
        except asyncio.CancelledError:
            await self._release(job, in_seconds=0.0)
            raise
        finally:
            del self._tasks[job.id]
            self._look_now.set()
        self._metrics.jobs.labels(outcome).inc()
        log.info("job_ended", job_id=job.id, outcome=outcome)

    async def _bring_to_an_end(self, running: _Running) -> str:
        """Do the job and write how it ended. Raises FenceLost, DatabaseUnavailable, DatabaseFull."""
        job = running.job
        if job.cancel_requested:
            return await self._end(job, JobState.CANCELLED)
        if job.attempt > self._rules.max_attempts:
            text = f"It was begun {self._rules.max_attempts} times, and each time the server died before it got any further."
            return await self._end(job, JobState.FAILED, error_code="job_stuck", error_message=text)
        try:
            report = await self._do(running)
        except (FenceLost, DatabaseUnavailable, DatabaseFull):
            raise
        except DeskhandError as error:
            log.warning("job_failed", job_id=job.id, code=error.code, error=error.message)
            return await self._end(job, JobState.FAILED, error_code=error.code, error_message=error.message)
        except Exception:  # the supervisor of a job: whatever goes wrong in it, the job ends and says so
            log.exception("job_crashed", job_id=job.id)
            text = "Something went wrong on our side; the server's log says what."
            return await self._end(job, JobState.FAILED, error_code="internal_error", error_message=text)
        if report is None:
            return await self._end(job, JobState.CANCELLED)
        return await self._complete(job, report)

    async def _do(self, running: _Running) -> IngestReport | None:
        """The report; `None` if the job was stopped by request. Raises what `JobIngest.run` does."""
        work = asyncio.create_task(self._ingest.run(running.job, running.course), name="job-ingest")
        beats = asyncio.create_task(self._beat(running, work), name="job-beat")
        try:
            await asyncio.wait([work, beats], return_when=asyncio.FIRST_COMPLETED)
            if beats.done() and not work.done():
                work.cancel()
                await asyncio.wait([work])
                # Raises FenceLost, if that is why.
                beats.result()
            return None if work.cancelled() else work.result()
        finally:
            for task in (work, beats):
                task.cancel()
            await asyncio.gather(work, beats, return_exceptions=True)

    async def _beat(self, running: _Running, work: "asyncio.Task[IngestReport]") -> None:
        """Keep the lease and tell how far the job is, until somebody asks to stop it. Raises FenceLost."""
        while not work.done():
            course = running.course
            tell = partial(
                repository.beat,
                job=running.job,
                lease_seconds=self._rules.lease_seconds,
                done=course.done,
                total=course.total,
                failed=course.failed,
                current=course.current,
            )
            try:
                if await self._database.write(tell, durable=False):
                    return
            except (DatabaseUnavailable, DatabaseFull) as error:
                # The work itself finds out whether it can go on.
                log.warning("job_not_told_of", job_id=running.job.id, code=error.code)
            await asyncio.sleep(_BEAT_SECONDS)

    async def _complete(self, job: Job, report: IngestReport) -> str:
        # No words of the documents: they would be here still when a document is gone.
        shown = {
            "failed": [asdict(failure) for failure in report.failed[:_MOST_FAILURES]],
            "warnings": len(report.warnings),
            "suspicions": len(report.suspicions),
            "incomplete": report.incomplete,
        }

        def end(tx: Transaction) -> None:
            counted = repository.find_job(tx.connection, job.id)
            if counted is None:
                raise FenceLost
            # What an earlier attempt indexed, this one found unchanged.
            unchanged = max(0, report.indexed + report.unchanged - counted.indexed)
            values = {
                "done": report.given,
                "total": report.given,
                "unchanged": unchanged,
                "failed": len(report.failed),
                "report": shown
                | {"indexed": counted.indexed, "unchanged": unchanged, "removed": counted.removed, "chunks": counted.chunks},
            }
            repository.end_job(tx, job, state=JobState.COMPLETED, values=values)

        await self._database.write(end)
        # What the files held is to be in no log either.
        _ = await self._database.checkpoint()
        return JobState.COMPLETED

    async def _end(self, job: Job, state: JobState, **values: str) -> str:
        await self._database.write(partial(repository.end_job, job=job, state=state, values=values))
        return state

    async def _release(self, job: Job, *, in_seconds: float) -> None:
        try:
            await self._database.write(partial(repository.release_job, job=job, in_seconds=in_seconds))
        except (DatabaseUnavailable, DatabaseFull) as error:
            # Its lease runs out by itself.
            log.warning("job_not_released", job_id=job.id, code=error.code)

    async def _tidy(self) -> None:
        """Forget jobs that are old, and those whose files stopped coming."""
        find = partial(repository.find_left_over, keep_seconds=self._rules.keep_days * _DAY_SECONDS, receiving_seconds=_RECEIVING_SECONDS)
        while not self._draining.is_set():
            for job_id in await self._database.read(find):
                await self._database.write(partial(repository.delete_job, job_id=job_id))
            await asyncio.sleep(_TIDY_SECONDS)
