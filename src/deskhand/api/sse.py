"""Server-sent events as raw bytes: the frames of all streams, and the stream of a session, whose events have an id to go on from.

The invariant: a session's stream is pulled. Nothing is taken from the session before the client's connection took what came before, so a
slow client costs one write buffer, not a queue.
"""

import asyncio
import random
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, Final, cast

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deskhand.api.streams import Closing, Reader, Streams
from deskhand.errors import DeskhandError
from deskhand.turns.events import TERMINAL_TYPES, SessionEvent

log = structlog.get_logger(__name__)

_ENCODER = msgspec.json.Encoder()
_SHORTEST_RETRY_MS = 1_000
_LONGEST_RETRY_MS = 3_000
_PRINTABLE_ID = re.compile(r"[0-9.]+")
_END = {"type": "http.response.body", "body": b"", "more_body": False}
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # Proxies of the nginx kind would otherwise collect the events and pass them on in lumps.
    "X-Accel-Buffering": "no",
}
# A comment: a sign of life that no reader is told of.
HEARTBEAT: Final = b":\n\n"


def are_wanted(request: Request) -> bool:
    """Whether the client asks for events in place of one answer."""
    return "text/event-stream" in request.headers.get("accept", "").lower()


def frame(event: str, data: Any) -> bytes:
    """One frame without an id, of a stream that begins anew each time. JSON holds no raw line break, so `data` is always one line."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), _ENCODER.encode(data))


def error_frame(error: DeskhandError) -> bytes:
    """What ends a stream whose status has left already."""
    return frame("error", {"error": error.code, "message": error.message, "support": error.remedy})


def encode(event: SessionEvent) -> bytes:
    """One event of a session as a frame."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (
        event.id.encode(),
        _tag(event).encode(),
        _ENCODER.encode(event),
    )


def _tag(event: SessionEvent) -> str:
    return cast("str", event.__struct_config__.tag)


class EventStream(Response):
    """Sends events until they end, the client goes, or the server closes the stream.

    With `cursor` the stream is one to reconnect to: it begins with `retry` (1 to 3 s, so that a herd does not come back at once) and with
    the id to come back with.
    """

    def __init__(self, events: AsyncGenerator[list[SessionEvent]], *, streams: Streams, reader: Reader, cursor: str | None = None) -> None:
        super().__init__(status_code=200, headers=HEADERS)
        self._events = events
        self._streams = streams
        self._reader = reader
        self._cursor = cursor
        del self.headers["content-length"]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        reader = self._reader
        task = asyncio.current_task()
        assert task is not None
        reader.task = task
        reader.heartbeat = lambda: self._send(send, HEARTBEAT)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        writer = asyncio.create_task(self._write(send), name="sse")
        self._streams.add(reader)
        try:
            # Returns when the client goes, or when the writer has ended the response.
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            if reader.closing is None:
                raise
            task.uncancel()
        finally:
            self._streams.remove(reader)
            if not writer.done():
                writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
        if reader.closing is not None and reader.closing is not Closing.SLOW:
            await send(_END)

    async def _write(self, send: Send) -> None:
        try:
            if self._cursor is not None:
                await self._send(send, _hello(self._cursor))
            async with aclosing(self._events) as batches:
                async for batch in batches:
                    # The stream of one turn ends with it, and says so in the same write.
                    ends = self._cursor is None and _tag(batch[-1]) in TERMINAL_TYPES
                    await self._send(send, b"".join([encode(event) for event in batch]), more=not ends)
                    if ends:
                        return
        except DeskhandError as error:
            # The status has left already. The client comes back with its last id, and is told then.
            log.warning("stream_broken", error=error.code, session_id=self._reader.session_id)
        await send(_END)

    async def _send(self, send: Send, frame: bytes, *, more: bool = True) -> None:
        await self._streams.send(self._reader, lambda: send({"type": "http.response.body", "body": frame, "more_body": more}))


def _hello(cursor: str) -> bytes:
    """How long to wait before coming back, and with which id, should nothing else be sent."""
    retry = b"retry: %d\n" % random.randint(_SHORTEST_RETRY_MS, _LONGEST_RETRY_MS)  # noqa: S311 - jitter, not a secret
    return retry + (b"id: %b\n\n" % cursor.encode() if _PRINTABLE_ID.fullmatch(cursor) else b"\n")
