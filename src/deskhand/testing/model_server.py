"""A real HTTP server that speaks as an OpenAI-compatible one, for tests and benchmarks: `python -m deskhand.testing.model_server --port 0`.

What a request gets: the next reply of the queue; else what the directive in the last customer message asks for (`deskhand.testing.faults`);
else the default. With `obeying` it does instead what any text says (`deskhand.testing.obeying`). The invariant: every request is counted
under that message before anything is sent.
"""

import argparse
import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import uvloop
from aiohttp import web

from deskhand.testing.faults import find_directive
from deskhand.testing.obeying import obey
from deskhand.testing.replies import Ending, Reply, answer, refuse_status

_KEPT_REQUESTS: Final = 200
_LARGEST_REQUEST_BYTES: Final = 16 << 20


class _Message(msgspec.Struct):
    role: str
    content: str | list[Any] | None = None


class _Request(msgspec.Struct):
    messages: list[_Message]


_requests: Final = msgspec.json.Decoder(_Request)


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it came. `key` is the last customer message."""

    key: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = msgspec.json.decode(self.body)
        return value


class ModelServer:
    """Use it as `async with ModelServer() as server`; it listens on 127.0.0.1, at a free port unless one is given.

    `requests` holds the last 200, `counts` the number of all by key, `left_early` the number of clients that left before their reply ended.
    """

    def __init__(self, *, port: int = 0, default: Reply | None = None, obeying: bool = False) -> None:
        self.obeying = obeying
        self.foreign = ""
        """An id that is somebody else's, for what the obeying model is told to do with one."""
        self.default = default or answer()
        self.requests: deque[SeenRequest] = deque(maxlen=_KEPT_REQUESTS)
        self.counts: Counter[str] = Counter()
        self.left_early = 0
        self.answering = 0
        self._queue: deque[Reply] = deque()
        self._changed = asyncio.Condition()
        self._port = port
        app = web.Application(client_max_size=_LARGEST_REQUEST_BYTES)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_get("/seen", self._show_seen)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)

    @property
    def base_url(self) -> str:
        """What `DESKHAND_MODEL_BASE_URL` is set to."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def open_connections(self) -> int:
        server = self._runner.server
        assert server is not None
        return len(server.connections)

    def reply_with(self, *replies: Reply) -> None:
        """Give these to the next requests, in this order, whatever they say."""
        self._queue.extend(replies)

    async def wait_until_left(self, count: int = 1) -> None:
        """Wait until so many clients have left before their reply ended."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.left_early >= count)

    async def wait_until_asked(self, count: int = 1) -> None:
        """Wait until so many requests have come."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.counts.total() >= count)

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        host_and_port: tuple[str, int] = self._runner.addresses[0]
        self._port = host_and_port[1]

    async def close(self) -> None:
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        messages = _requests.decode(body).messages
        key = next((text for message in reversed(messages) if message.role == "user" and (text := _text(message))), "")
        self.counts[key] += 1
        self.requests.append(SeenRequest(key=key, body=body, headers=request.headers))
        await self._announce()
        reply = (
            obey(msgspec.json.decode(body), foreign=self.foreign)
            if self.obeying
            else self._choose(key, last_role=messages[-1].role if messages else "")
        )
        self.answering += 1
        try:
            return await _send(reply, request)
        except (asyncio.CancelledError, ConnectionError):
            self.left_early += 1
            await asyncio.shield(self._announce())
            raise
        finally:
            self.answering -= 1

    def _choose(self, key: str, *, last_role: str) -> Reply:
        if self._queue:
            return self._queue.popleft()
        try:
            directive = find_directive(key)
        except ValueError as error:
            return refuse_status(400, message=str(error), kind="invalid_request_error")
        if directive is None or (directive.once_asked and last_role != "user"):
            return self.default
        if directive.times is not None and self.counts[key] > directive.times:
            return self.default
        return directive.reply

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _list_models(self, _request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "test", "object": "model"}]})

    async def _show_seen(self, _request: web.Request) -> web.Response:
        return web.json_response({"requests": self.counts.total(), "by_message": dict(self.counts), "left_early": self.left_early})


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        return " ".join(part["text"] for part in message.content if part.get("type") == "text")
    return message.content or ""


async def _send(reply: Reply, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type, **reply.headers})
    if reply.has_head:
        await response.prepare(request)
        for seconds, piece in reply.pieces:
            if seconds > 0:
                await asyncio.sleep(seconds)
            if piece:
                await response.write(piece)
    match reply.ending:
        case Ending.WHOLE:
            await response.write_eof()
        case Ending.ABORT:
            if request.transport is not None:
                request.transport.abort()
        case Ending.HANG:
            await asyncio.Event().wait()
    return response


async def _serve(port: int, default: Reply) -> None:
    async with ModelServer(port=port, default=default) as server:
        print(server.base_url, flush=True)  # noqa: T201 - the address is what the command is for
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deskhand.testing.model_server", description="A model server for tests and benchmarks.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; the address is printed")
    parser.add_argument("--tokens", type=int, default=50, help="length of the default answer")
    parser.add_argument("--first-ms", type=int, default=0, help="before the first token")
    parser.add_argument("--every-ms", type=int, default=0, help="between tokens")
    given = parser.parse_args()
    default = answer(given.tokens, first_seconds=given.first_ms / 1000, between_seconds=given.every_ms / 1000)
    try:
        uvloop.run(_serve(given.port, default))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
