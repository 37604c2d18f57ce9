"""How far an ingest is, as server-sent events: any number of `progress`, then one `report` or `error`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from starlette.responses import StreamingResponse

from deskhand.api.sse import HEADERS
from deskhand.errors import DeskhandError
from deskhand.knowledge import Progress

Tell = Callable[[Progress], None]


def stream_progress(work: Callable[[Tell], Awaitable[bytes]]) -> StreamingResponse:
    """`work` is given what to tell its progress with, and returns its report as JSON. It is cancelled when the client goes away."""
    return StreamingResponse(_frames(work), headers=HEADERS)


async def _frames(work: Callable[[Tell], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    steps: asyncio.Queue[Progress | None] = asyncio.Queue()

    async def run() -> bytes:
        try:
            return await work(steps.put_nowait)
        finally:
            steps.put_nowait(None)

    running = asyncio.create_task(run(), name="ingest")
    try:
        while (step := await steps.get()) is not None:
            yield _frame("progress", msgspec.json.encode(step))
        try:
            yield _frame("report", await running)
        except DeskhandError as error:
            told = {"error": error.code, "message": error.message, "support": error.remedy}
            yield _frame("error", msgspec.json.encode(told))
    finally:
        running.cancel()


def _frame(event: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
