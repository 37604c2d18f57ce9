"""A cheap HTTP client for benchmarks: one connection, one request at a time, the answer kept as bytes and looked at afterwards.

It does as little as it can while a server is measured, because both share the machine's cores.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec


@dataclass(slots=True)
class Answer:
    """A response. Times are of `time.perf_counter`; `text_at` is when the first event of type `text` was in the buffer."""

    started_at: float
    head: bytes = b""
    body: bytearray = field(default_factory=bytearray)
    text_at: float | None = None
    ended_at: float = 0.0

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def content(self) -> bytes:
        """The body without the marks of chunked transfer."""
        if not _is_chunked(self.head):
            return bytes(self.body)
        pieces: list[bytes] = []
        at = 0
        while True:
            end = self.body.index(b"\r\n", at)
            length = int(self.body[at:end], 16)
            if length == 0:
                return b"".join(pieces)
            pieces.append(bytes(self.body[end + 2 : end + 2 + length]))
            at = end + 2 + length + 2

    def json(self) -> Any:
        return msgspec.json.decode(self.content)

    def events(self) -> list[dict[str, Any]]:
        """The data of each server-sent event."""
        frames = self.content.split(b"\n\n")
        return [msgspec.json.decode(line[6:]) for frame in frames for line in frame.split(b"\n") if line.startswith(b"data: {")]


class Connection(asyncio.Protocol):
    """One connection to a server."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._ended: asyncio.Future[Answer] | None = None
        self._length: int | None = None

    @classmethod
    async def open(cls, url: str) -> "Connection":
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        _, connection = await asyncio.get_running_loop().create_connection(cls, parts.hostname, parts.port)
        return connection

    async def request(self, method: str, path: str, *, token: str | None = None, body: Any = None, accept: str | None = None) -> Answer:
        """Send a request and wait for the end of its answer."""
        return await self.send(encode(method, path, token=token, body=body, accept=accept))

    async def send(self, data: bytes) -> Answer:
        assert self._transport is not None
        self._ended = asyncio.get_running_loop().create_future()
        self._answer = Answer(started_at=time.perf_counter())
        self._transport.write(data)
        return await self._ended

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        assert answer is not None
        answer.body += data
        if not answer.head:
            if (end := answer.body.find(b"\r\n\r\n")) < 0:
                return
            answer.head = bytes(answer.body[:end])
            del answer.body[: end + 4]
            self._length = None if _is_chunked(answer.head) else _content_length(answer.head)
        if answer.text_at is None and b"event: text" in answer.body:
            answer.text_at = time.perf_counter()
        # A server-sent event holds no carriage return, so this ends a chunked body and nothing else.
        whole = answer.body.endswith(b"0\r\n\r\n") if self._length is None else len(answer.body) >= self._length
        if whole and self._ended is not None and not self._ended.done():
            answer.ended_at = time.perf_counter()
            self._ended.set_result(answer)


def encode(method: str, path: str, *, token: str | None = None, body: Any = None, accept: str | None = None) -> bytes:
    content = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(content)}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if accept is not None:
        lines.append(f"Accept: {accept}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def _is_chunked(head: bytes) -> bool:
    return b"transfer-encoding: chunked" in head.lower()


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
