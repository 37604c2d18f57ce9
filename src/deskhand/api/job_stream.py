"""How far a job is, as server-sent events: `progress` whenever it got further, `report` when it has ended.

The invariant: the events are read from the database, so the reader may be at another instance than the work. Ended early, because this
server stops, the stream has no `report`; whoever asks again goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.responses import StreamingResponse

from deskhand.api.assembled import Services
from deskhand.api.job_schemas import JobView
from deskhand.api.sse import HEADERS, HEARTBEAT, error_frame, frame
from deskhand.api.streams import HEARTBEAT_SECONDS, RECHECK_SECONDS
from deskhand.errors import DeskhandError
from deskhand.jobs import Job

_LOOK_SECONDS = 0.5


def stream_job(job: Job, services: Services, *, check: Callable[[], Awaitable[Any]]) -> StreamingResponse:
    """`check` raises when the reader may not read (any more)."""
    return StreamingResponse(_frames(job, services, check=check), headers=HEADERS)


async def _frames(job: Job, services: Services, *, check: Callable[[], Awaitable[Any]]) -> AsyncIterator[bytes]:
    clock = services.clock
    checked_at, losses = clock.monotonic(), services.streams.losses
    sent: dict[str, object] = {}
    sent_at = clock.monotonic()
    try:
        while not job.state.is_final:
            shown = _shown(job)
            if {**shown, "updated_at": ""} != {**sent, "updated_at": ""}:
                yield frame("progress", shown)
                sent, sent_at = shown, clock.monotonic()
            elif clock.monotonic() - sent_at > HEARTBEAT_SECONDS:
                yield HEARTBEAT
                sent_at = clock.monotonic()
            if services.turns.draining:
                return
            await asyncio.sleep(_LOOK_SECONDS)
            if clock.monotonic() - checked_at >= RECHECK_SECONDS or losses != services.streams.losses:
                checked_at, losses = clock.monotonic(), services.streams.losses
                await check()
            job = await services.jobs.get_job(job.id)
        yield frame("report", _shown(job))
    except DeskhandError as error:
        yield error_frame(error)


def _shown(job: Job) -> dict[str, object]:
    return JobView.of(job).model_dump(mode="json")
