"""What a job does: one ingest of what was handed in with it, or of what is at its address.

Invariant: each document is stored in a transaction that also finds the job to be ours and counts it there. So a job that is begun again,
or that two processes believe to have, stores nothing twice and counts nothing twice: what is stored already is passed over.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from deskhand.jobs import repository
from deskhand.jobs.model import Item, Job
from deskhand.knowledge import IngestReport, KnowledgeService, Progress, SourceDocument, UnreadableSource
from deskhand.knowledge.opening import Source
from deskhand.knowledge.uploads import opened, under_its_own_name
from deskhand.persistence import Database, Transaction

if TYPE_CHECKING:
    from deskhand.knowledge.fetch import Checkout, Expansion, SourceFetcher


@dataclass(slots=True)
class Course:
    """How far a job is. `total` is `None` while nobody knows."""

    done: int = 0
    total: int | None = None
    failed: int = 0
    current: str = ""


class JobIngest:
    def __init__(self, database: Database, knowledge: KnowledgeService, *, find_fetcher: "Callable[[], SourceFetcher]") -> None:
        self._database = database
        self._knowledge = knowledge
        self._find_fetcher = find_fetcher

    async def run(self, job: Job, course: Course) -> IngestReport:
        """Do it; `course` is kept up to date meanwhile. The report is that of this attempt.

        Raises:
            FenceLost: the job is somebody else's by now, or was stopped.
            KnowledgeUnavailable, DatabaseUnavailable, DatabaseFull, AddressRefused, ConfigurationError: it cannot be done.
        """

        def along(tx: Transaction, *, indexed: int = 0, chunks: int = 0, removed: int = 0) -> None:
            repository.advance_job(tx, job, indexed=indexed, chunks=chunks, removed=removed)

        add = partial(
            self._knowledge.library.add,
            by=job.order.requested_by,
            sync_scope=job.order.scope if job.order.sync else None,
            along=along,
        )
        if job.order.url is None:
            return await add(self._handed_in(job, course), on_progress=partial(_follow, course))
        expansion = await self._expansion(job)

        def follow(step: Progress) -> None:
            _follow(course, step)
            course.total = expansion.total

        async def fetched() -> AsyncIterator[Source]:
            async for source in expansion:
                course.current = source.source
                yield _dated(source, job)

        return await add(fetched(), on_progress=follow)

    async def _expansion(self, job: Job) -> "Expansion | Checkout":
        order = job.order
        assert order.url is not None
        fetcher = self._find_fetcher()
        # What is not fetched again because it did not change could not be given its dates.
        is_dated = order.effective_from is not None or order.effective_until is not None
        known = [] if is_dated else await self._knowledge.list_current(fetcher.scope_of(order.url), tier=order.tier)
        # What an earlier attempt of this very job stored is not asked for again.
        since = job.started_at if job.fence > 1 else None
        return fetcher.expand(order.url, tier=order.tier, known=known, settled_since=since)

    async def _handed_in(self, job: Job, course: Course) -> AsyncIterator[Source]:
        course.total = job.item_count
        for position in range(job.item_count):
            item = await self._database.read(partial(repository.find_item, job_id=job.id, position=position))
            if item is None:
                # The job was stopped; the next transaction finds out.
                return
            course.current = item.source
            source = _source_of(item, job)
            if job.order.scope is not None:
                # It comes from somewhere, and says what it says there.
                yield source
                continue
            course.total -= 1
            async for inner in self._uploaded(source):
                course.total += 1
                yield await under_its_own_name(inner, self._knowledge.library)

    async def _uploaded(self, source: Source) -> AsyncIterator[Source]:
        if not isinstance(source, SourceDocument):
            yield source
            return
        async for inner in opened(source, self._knowledge.reader):
            yield inner


def _follow(course: Course, step: Progress) -> None:
    course.done, course.failed, course.current = max(course.done, step.done), step.failed, step.source
    if course.total is not None:
        course.total = max(course.total, course.done)


def _source_of(item: Item, job: Job) -> Source:
    if item.data is None:
        return UnreadableSource(item.origin, item.source, item.problem or "It cannot be opened.", job.order.scope)
    source = SourceDocument(
        origin=item.origin,
        source=item.source,
        filename=item.filename,
        data=item.data,
        content_type=item.content_type,
        title=item.title,
        url=item.url,
        tier=job.order.tier,
        scope=job.order.scope,
    )
    return _dated(source, job)


def _dated(source: Source, job: Job) -> Source:
    since, until = job.order.effective_from, job.order.effective_until
    if not isinstance(source, SourceDocument) or (since is None and until is None):
        return source
    return replace(source, effective_from=since, effective_until=until)
