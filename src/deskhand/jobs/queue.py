"""Asking for jobs, looking at them, stopping them. Needs nothing but the database, so commands do it beside a server that runs.

Invariant: whoever was told a job's id finds the job, whatever dies afterwards: all that it needs was committed before. What is to be done
`along` with an act is done at the end of the transaction from which on it counts; what it raises takes the act back.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from functools import partial

from deskhand.ids import JobId, ScheduleId
from deskhand.jobs import repository, schedule_repository
from deskhand.jobs.errors import JobEnded, JobNotFound, ScheduleNotFound, TooMuchWaits
from deskhand.jobs.model import Item, Job, JobRules, JobState, Order, QueueFigures, Schedule
from deskhand.persistence import Alongside, Database, Transaction, nothing_else


class JobQueue:
    def __init__(self, database: Database, rules: JobRules, *, queued: Callable[[], None] = lambda: None) -> None:
        """`queued` is called on the event loop after something was queued here."""
        self._database = database
        self._rules = rules
        self._queued = queued

    async def fetch(self, order: Order, *, along: Alongside = nothing_else) -> Job:
        """Fetch what is at `order.url`."""
        assert order.url is not None, "a job without an address is handed its documents"

        def insert(tx: Transaction) -> JobId:
            job_id = repository.insert_job(tx, order, state=JobState.QUEUED)
            along(tx)
            return job_id

        return await self._told(await self._database.write(insert))

    async def read(self, order: Order, items: Iterable[Item] | AsyncIterable[Item], *, along: Alongside = nothing_else) -> Job:
        """Put in what is handed in. Returns once all of it is stored.

        Raises:
            TooMuchWaits: with it, more would wait than may.
            DatabaseUnavailable, DatabaseFull: it could not be stored.
        """
        # Each file in a transaction of its own: on SQLite nobody else writes meanwhile. A job that is not whole is nobody's to begin.
        job_id = await self._database.write(lambda tx: repository.insert_job(tx, order, state=JobState.RECEIVING))
        try:
            position = 0
            async for item in _each(items):
                await self._require_room(len(item.data or b""))
                await self._database.write(partial(repository.insert_item, job_id=job_id, position=position, item=item), durable=False)
                position += 1

            def queue(tx: Transaction) -> None:
                repository.queue_job(tx, job_id)
                along(tx)

            await self._database.write(queue)
        except BaseException:
            # What is not deleted here, because this process dies, is found by its age.
            await self._database.write(lambda tx: repository.delete_job(tx, job_id))
            raise
        return await self._told(job_id)

    async def get_job(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        found = await self._database.read(lambda connection: repository.find_job(connection, job_id))
        if found is None:
            raise JobNotFound
        return found

    async def list_jobs(self, *, state: JobState | None = None, limit: int = 50, offset: int = 0) -> tuple[list[Job], int]:
        """Newest first, without their reports; and how many there are in all."""
        return await self._database.read(partial(repository.list_jobs, state=state, limit=limit, offset=offset))

    async def cancel(self, job_id: str, *, along: Alongside = nothing_else) -> Job:
        """Stop a job; what it stored stays. One that runs stops within a second or two.

        Raises:
            JobNotFound, JobEnded
        """

        def stop(tx: Transaction) -> bool:
            was_open = repository.cancel_job(tx, job_id)
            if was_open:
                along(tx)
            return was_open

        job = await self.get_job(job_id)
        if job.state.is_final or not await self._database.write(stop):
            raise JobEnded(details={"state": (await self.get_job(job_id)).state})
        self._queued()
        return await self.get_job(job_id)

    async def figures(self) -> QueueFigures:
        return await self._database.read(repository.read_figures)

    async def schedule(self, order: Order, *, every_hours: float, along: Alongside = nothing_else) -> Schedule:
        """Fetch `order.url` now and every so many hours, give or take a tenth. One that is there for its scope is changed."""
        assert order.url is not None, "only an address can be fetched again"

        def put(tx: Transaction) -> ScheduleId:
            schedule_id = schedule_repository.put_schedule(tx, order, every_hours=every_hours)
            along(tx)
            return schedule_id

        schedule_id = await self._database.write(put)
        self._queued()
        return await self.get_schedule(schedule_id)

    async def get_schedule(self, schedule_id: str) -> Schedule:
        """Raises ScheduleNotFound."""
        found = await self._database.read(lambda connection: schedule_repository.find_schedule(connection, schedule_id))
        if found is None:
            raise ScheduleNotFound
        return found

    async def list_schedules(self) -> list[Schedule]:
        return await self._database.read(schedule_repository.list_schedules)

    async def delete_schedule(self, schedule_id: str, *, along: Alongside = nothing_else) -> None:
        """What was fetched stays. Raises ScheduleNotFound."""

        def delete(tx: Transaction) -> None:
            if not schedule_repository.delete_schedule(tx, schedule_id):
                raise ScheduleNotFound
            along(tx)

        await self._database.write(delete)

    async def _require_room(self, size: int) -> None:
        if await self._database.read(repository.waiting_bytes) + size > self._rules.max_bytes:
            raise TooMuchWaits(retry_after_seconds=60, details={"limit_bytes": self._rules.max_bytes})

    async def _told(self, job_id: JobId) -> Job:
        self._queued()
        return await self.get_job(job_id)


async def _each(items: Iterable[Item] | AsyncIterable[Item]) -> AsyncIterator[Item]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
        return
    for item in items:
        yield item
