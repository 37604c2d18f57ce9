"""The queue on both databases: one worker for each job, one job for each time that is due, an end for what cannot be done."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import deskhand.app  # noqa: F401 - declares every table
from deskhand.ids import JobId
from deskhand.jobs import Item, Job, JobQueue, JobRules, JobState, JobWorker, Order, TooMuchWaits, repository, schedule_repository
from deskhand.jobs.errors import FenceLost
from deskhand.jobs.tables import items, jobs, schedules
from deskhand.knowledge import KnowledgeService
from deskhand.persistence import Database, Transaction, db_now
from deskhand.persistence.migrations import migrate
from deskhand.settings import Environment, Settings
from deskhand.telemetry import Metrics, Supervisor

UPLOAD = Order(label="a file", requested_by="ada")
PAGE = Order(label="a page", requested_by="ada", url="https://example.com/help", scope="https://example.com/help", sync=True)
HELLO = Item("upload:1/hello.md", "hello.md", "hello.md", b"# Hello\n\nGood morning.")


@dataclass
class Desk:
    database: Database
    queue: JobQueue
    knowledge: KnowledgeService
    supervisor: Supervisor
    metrics: Metrics

    def worker(self, name: str) -> JobWorker:
        return JobWorker(
            name=name,
            database=self.database,
            knowledge=self.knowledge,
            find_fetcher=no_fetcher,
            rules=JobRules(),
            metrics=Metrics(),
            supervisor=self.supervisor,
            concurrency=1,
        )

    async def claim(self, worker: str, *, lease_seconds: float = 60) -> Job | None:
        return await self.database.write(lambda tx: repository.claim_job(tx, worker=worker, lease_seconds=lease_seconds))

    async def change(self, statement: sa.Executable) -> None:
        await self.database.write(lambda tx: tx.execute(statement))

    async def count(self, table: sa.Table) -> int:
        query = sa.select(sa.func.count()).select_from(table)
        return await self.database.read(lambda connection: int(connection.execute(query).scalar_one()))

    async def ended(self, job_id: str) -> Job:
        async with asyncio.timeout(30):
            while not (job := await self.queue.get_job(job_id)).state.is_final:  # noqa: ASYNC110 - a task of the worker does it
                await asyncio.sleep(0.02)
        return job


def no_fetcher() -> Any:
    raise AssertionError("nothing is fetched here")


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    database = await Database.open(database_url)
    await migrate(database)
    settings = Settings(_env_file=None, environment=Environment.TESTING, data_dir=tmp_path)
    knowledge = KnowledgeService.create(database, settings)
    supervisor = Supervisor()
    yield Desk(database, JobQueue(database, JobRules()), knowledge, supervisor, Metrics())
    await supervisor.close()
    await knowledge.close()
    await database.close()


async def test_each_job_is_claimed_by_one_worker_oldest_first(desk: Desk) -> None:
    asked = [(await desk.queue.read(UPLOAD, [HELLO])).id for _ in range(4)]
    claims = await asyncio.gather(*(desk.claim(f"worker {number}") for number in range(6)))
    found = [claim.id for claim in claims if claim is not None]
    assert (len(found), sorted(found)) == (4, sorted(asked))
    assert await desk.claim("too late") is None


async def test_who_was_overtaken_can_neither_count_nor_end_nor_tell(desk: Desk) -> None:
    await desk.queue.read(UPLOAD, [HELLO])
    first = await desk.claim("first", lease_seconds=-1)
    second = await desk.claim("second")
    assert first is not None
    assert second is not None
    assert (first.id, second.fence) == (second.id, first.fence + 1)
    for late in (
        lambda tx: repository.advance_job(tx, first, indexed=1, chunks=1, removed=0),
        lambda tx: repository.end_job(tx, first, state=JobState.COMPLETED, values={}),
        lambda tx: repository.beat(tx, first, lease_seconds=9, done=1, total=1, failed=0, current=""),
    ):
        with pytest.raises(FenceLost):
            await desk.database.write(late)
    await desk.database.write(lambda tx: repository.release_job(tx, first, in_seconds=0))
    assert (await desk.queue.get_job(first.id)).state is JobState.RUNNING


async def test_a_job_that_kills_its_server_again_and_again_is_given_up(desk: Desk) -> None:
    job = await desk.queue.read(UPLOAD, [HELLO])
    for number in range(JobRules().max_attempts):
        assert await desk.claim(f"dying {number}", lease_seconds=-1) is not None
    await desk.worker("last").start(alone=False)
    ended = await desk.ended(job.id)
    assert (ended.state, ended.error_code) == (JobState.FAILED, "job_stuck")
    assert await desk.count(items) == 0


async def test_files_are_gone_from_the_queue_once_they_are_in_or_the_job_was_stopped(desk: Desk) -> None:
    done = await desk.queue.read(UPLOAD, [HELLO])
    await desk.worker("one").start(alone=False)
    assert (await desk.ended(done.id)).indexed == 1
    stopped = await desk.queue.read(UPLOAD, [HELLO])
    if not (await desk.queue.get_job(stopped.id)).state.is_final:
        assert (await desk.queue.cancel(stopped.id)).cancel_requested
    await desk.ended(stopped.id)
    assert await desk.count(items) == 0
    assert (await desk.queue.figures()).bytes == 0


async def test_a_job_whose_files_cannot_be_taken_whole_leaves_nothing(desk: Desk) -> None:
    queue = JobQueue(desk.database, JobRules(max_bytes=30))
    with pytest.raises(TooMuchWaits):
        await queue.read(UPLOAD, [HELLO, HELLO])

    async def torn() -> AsyncIterator[Item]:
        yield HELLO
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await queue.read(UPLOAD, torn())
    assert (await desk.count(jobs), await desk.count(items)) == (0, 0)


async def test_what_stopped_coming_and_what_is_old_is_forgotten(desk: Desk) -> None:
    old = await desk.queue.read(UPLOAD, [HELLO])
    await desk.queue.cancel(old.id)
    await desk.change(sa.update(jobs).values(ended_at=db_now() - 31 * 86_400.0))
    half = await desk.database.write(_half)
    fresh = await desk.database.write(_half)
    await desk.change(sa.update(jobs).where(jobs.c.id == half).values(updated_at=db_now() - 7_200.0))
    await desk.worker("tidy").start(alone=False)
    async with asyncio.timeout(20):
        while await desk.count(jobs) > 1:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)
    assert (await desk.queue.get_job(fresh)).state is JobState.RECEIVING
    assert await desk.count(items) == 1


def _half(tx: Transaction) -> JobId:
    job_id = repository.insert_job(tx, UPLOAD, state=JobState.RECEIVING)
    repository.insert_item(tx, job_id, position=0, item=HELLO)
    return job_id


async def test_what_is_due_is_queued_once_however_many_look(desk: Desk) -> None:
    schedule = await desk.queue.schedule(PAGE, every_hours=6)

    async def look() -> object:
        return await desk.database.write(lambda tx: schedule_repository.queue_due(tx, spread=0.95))

    found = await asyncio.gather(*(look() for _ in range(8)))
    assert len([job_id for job_id in found if job_id is not None]) == 1
    assert await desk.count(jobs) == 1
    now = await desk.database.read(lambda connection: float(connection.execute(sa.select(db_now())).scalar_one()))
    put_off = (await desk.queue.get_schedule(schedule.id)).next_run_at - now
    assert put_off == pytest.approx(6 * 3_600 * 0.95, abs=30)
    # Due again while its job is still open: no second one, and the next time is set.
    await desk.change(sa.update(schedules).values(next_run_at=db_now() - 1.0))
    await look()
    assert await desk.count(jobs) == 1
    assert (await desk.queue.get_schedule(schedule.id)).next_run_at > now


async def test_a_schedule_that_is_changed_keeps_its_id(desk: Desk) -> None:
    first = await desk.queue.schedule(PAGE, every_hours=6)
    second = await desk.queue.schedule(PAGE, every_hours=12)
    assert (second.id, second.every_hours, len(await desk.queue.list_schedules())) == (first.id, 12, 1)


async def test_a_job_that_was_put_off_waits_and_is_not_counted_as_begun(desk: Desk) -> None:
    job = await desk.queue.read(UPLOAD, [HELLO])
    claimed = await desk.claim("one")
    assert claimed is not None
    await desk.database.write(lambda tx: repository.release_job(tx, claimed, in_seconds=60))
    assert await desk.claim("two") is None
    assert (await desk.queue.get_job(job.id)).attempt == 0
