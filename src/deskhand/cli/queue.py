"""The queue of jobs, as commands use it: beside a server that runs, or with none."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

from deskhand.cli.terminal import by_whom, start_command
from deskhand.clock import SystemClock, to_iso
from deskhand.foundations import open_database
from deskhand.jobs import Job, JobQueue, JobRules, Order, Schedule
from deskhand.knowledge import Tier

_TIMES = ("created_at", "started_at", "updated_at", "ended_at", "next_run_at")

T = TypeVar("T")


def order_for(url: str, *, tier: Tier, sync: bool) -> Order:
    """The order to fetch an address. Raises AddressRefused."""
    from deskhand.knowledge.fetch import SourceFetcher  # noqa: PLC0415 - brings aiohttp, which the other commands do without

    return Order(label=url, requested_by=by_whom(), tier=tier, url=url, scope=SourceFetcher.scope_of(url), sync=sync)


def with_queue(work: Callable[[JobQueue], Awaitable[T]]) -> T:
    """Do `work` on the jobs of the settings. Raises what it raises, and ConfigurationError."""
    settings = start_command()

    async def opened() -> T:
        database = await open_database(settings, SystemClock())
        try:
            return await work(JobQueue(database, JobRules.from_settings(settings)))
        finally:
            await database.close()

    return asyncio.run(opened())


def job_as_json(job: Job) -> dict[str, Any]:
    fields = as_json_object(job)
    order = fields.pop("order")
    return fields | {name: order[name] for name in ("label", "requested_by", "tier", "url", "scope", "sync", "schedule_id")}


def as_json_object(value: Job | Schedule) -> dict[str, Any]:
    """A value as JSON shows it: times as RFC 3339 has them."""
    fields = asdict(value)
    return {name: to_iso(field) if name in _TIMES and field is not None else field for name, field in fields.items()}
