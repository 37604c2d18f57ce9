"""How far an ingest is, as server-sent events: any number of `progress`, then one `report` or `error`."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from starlette.responses import StreamingResponse

from deskhand.api.sse import HEADERS, error_frame, frame
from deskhand.errors import DeskhandError
from deskhand.knowledge import Progress

Tell = Callable[[Progress], None]


def stream_progress(work: Callable[[Tell], Awaitable[bytes]]) -> StreamingResponse:
    """`work` is given what to tell its progress with, and returns its report as JSON. It is cancelled when the client goes away."""
    return StreamingResponse(_frames(work), headers=HEADERS)


async def _frames(work: Callable[[Tell], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    # A client that reads slowly is told the newest step alone.
    newest: deque[Progress] = deque(maxlen=1)
    changed = asyncio.Event()

    def tell(step: Progress) -> None:
        newest.append(step)
        changed.set()

    async def run() -> bytes:
        try:
            return await work(tell)
        finally:
            changed.set()

    running = asyncio.create_task(run(), name="ingest")
    try:
        while newest or not running.done():
            await changed.wait()
            changed.clear()
            if newest:
                yield frame("progress", newest.pop())
        try:
            yield frame("report", msgspec.Raw(await running))
        except DeskhandError as error:
            yield error_frame(error)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
