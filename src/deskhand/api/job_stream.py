"""How far a job is, as server-sent events: `progress` whenever it got further, `report` when it has ended.

The invariant: the events are read from the database, so the reader may be at another instance than the work. Ended early, because this
server stops, the stream has no `report`; whoever asks again goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.responses import StreamingResponse

from deskhand.api.assembled import Services
from deskhand.api.job_schemas import frame_of
from deskhand.api.sse import HEADERS
from deskhand.api.streams import RECHECK_SECONDS
from deskhand.errors import DeskhandError
from deskhand.jobs import Job

_LOOK_SECONDS = 0.5
_SILENCE_SECONDS = 15.0


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
            shown = frame_of(job)
            if {**shown, "updated_at": ""} != {**sent, "updated_at": ""}:
                yield _frame("progress", shown)
                sent, sent_at = shown, clock.monotonic()
            elif clock.monotonic() - sent_at > _SILENCE_SECONDS:
                yield b":\n\n"
                sent_at = clock.monotonic()
            if services.turns.draining:
                return
            await asyncio.sleep(_LOOK_SECONDS)
            if clock.monotonic() - checked_at >= RECHECK_SECONDS or losses != services.streams.losses:
                checked_at, losses = clock.monotonic(), services.streams.losses
                await check()
            job = await services.jobs.get_job(job.id)
        yield _frame("report", frame_of(job))
    except DeskhandError as error:
        yield _frame("error", {"error": error.code, "message": error.message, "support": error.remedy})


def _frame(event: str, data: dict[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.encode(), msgspec.json.encode(data))
