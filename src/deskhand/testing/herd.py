"""Thousands of readers from one process: each follows one session over a bare socket, and comes back when its connection ends.

    herd = Herd(followers)
    await herd.gather()                             # all are connected
    waits = await herd.back_after(dropped_at, seconds=30)

The invariant: a follower counts a stored event as seen only when it saw all those before it, so `last_seq` stands for the whole session.
"""

import asyncio
import base64
import os
import random
import struct
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec

_RETRY_SECONDS: Final = 3.0
_CLOSE, _PING, _PONG, _TEXT = 8, 9, 10, 1


class Transport(StrEnum):
    SSE = "sse"
    WEBSOCKET = "websocket"


class _Seen(msgspec.Struct):
    """What matters of an event: stored ones have a number for an id."""

    type: str
    id: str = ""


_decoder = msgspec.json.Decoder(_Seen)


class Follower(asyncio.Protocol):
    """One reader of one session. `doubled`: stored events that an event stream sent a second time; must stay empty."""

    __slots__ = (
        "_buffer",
        "_connected",
        "_left",
        "_raw",
        "_transport",
        "back_at",
        "base",
        "doubled",
        "kind",
        "last_seq",
        "session_id",
        "token",
    )

    def __init__(self, kind: Transport, base: str, *, session_id: str, token: str) -> None:
        """`base` is where the server answers, as in `http://127.0.0.1:8080`; it may be changed before the follower comes back."""
        self.kind = kind
        self.base = base
        self.session_id = session_id
        self.token = token
        self.last_seq = 0
        self.doubled: list[int] = []
        # When it was let in the last time, on the clock of `time.monotonic`; None while it is not connected.
        self.back_at: float | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = bytearray()
        self._raw = bytearray()
        self._connected = False
        self._left = asyncio.Event()

    async def follow(self) -> None:
        """Read for ever; a connection that ends is followed by another, up to 3 s later, as servers ask clients to."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                parts = urlsplit(self.base)
                self._reset()
                try:
                    await loop.create_connection(lambda: self, parts.hostname or "", parts.port or 80)
                    await self._left.wait()
                except OSError:
                    pass
                await asyncio.sleep(random.uniform(0, _RETRY_SECONDS))  # noqa: S311 - jitter, not a secret
        finally:
            if self._transport is not None:
                self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(self._request())

    def data_received(self, data: bytes) -> None:
        self._raw += data
        if not self._connected:
            head, found, rest = bytes(self._raw).partition(b"\r\n\r\n")
            if not found:
                return
            if head.split(b" ", 2)[1] not in {b"101", b"200"}:
                self._close()
                return
            self._connected = True
            self._raw = bytearray(rest)
            if self.kind is Transport.WEBSOCKET:
                self._send(_TEXT, msgspec.json.encode({"type": "resume", "after": str(self.last_seq)}))
        if self.kind is Transport.SSE:
            self._read_chunks()
        else:
            self._read_frames()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        self.back_at = None
        self._left.set()

    def _reset(self) -> None:
        self._left.clear()
        self._raw.clear()
        self._buffer.clear()
        self._connected = False

    def _request(self) -> bytes:
        if self.kind is Transport.SSE:
            lines = [
                f"GET /api/sessions/{self.session_id}/events HTTP/1.1",
                "Host: 127.0.0.1",
                f"Authorization: Bearer {self.token}",
                "Accept: text/event-stream",
                f"Last-Event-ID: {self.last_seq}",
            ]
        else:
            lines = [
                f"GET /ws?session_id={self.session_id} HTTP/1.1",
                "Host: 127.0.0.1",
                "Upgrade: websocket",
                "Connection: Upgrade",
                f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
                "Sec-WebSocket-Version: 13",
                f"Sec-WebSocket-Protocol: deskhand, token.{self.token}",
            ]
        return "\r\n".join([*lines, "", ""]).encode()

    def _read_chunks(self) -> None:
        """The events of a response in chunks."""
        while (end := self._raw.find(b"\r\n")) >= 0:
            size = int(self._raw[:end], 16)
            if len(self._raw) < end + 2 + size + 2:
                break
            self._buffer += self._raw[end + 2 : end + 2 + size]
            del self._raw[: end + 2 + size + 2]
        while (end := self._buffer.find(b"\n\n")) >= 0:
            for line in bytes(self._buffer[:end]).split(b"\n"):
                if line.startswith(b"retry: "):
                    self._is_in()
                elif line.startswith(b"data: "):
                    self._take(line[6:])
            del self._buffer[: end + 2]

    def _read_frames(self) -> None:
        while len(self._raw) >= 2:
            length, start = self._raw[1] & 0x7F, 2
            if length == 126 and len(self._raw) >= 4:
                length, start = struct.unpack_from("!H", self._raw, 2)[0], 4
            elif length == 127 and len(self._raw) >= 10:
                length, start = struct.unpack_from("!Q", self._raw, 2)[0], 10
            elif length >= 126:
                return
            if len(self._raw) < start + length:
                return
            kind, content = self._raw[0] & 0x0F, bytes(self._raw[start : start + length])
            del self._raw[: start + length]
            if kind == _PING:
                self._send(_PONG, content)
            elif kind == _CLOSE:
                self._close()
                return
            elif kind == _TEXT:
                self._take(content)

    def _take(self, content: bytes) -> None:
        event = _decoder.decode(content)
        if event.type == "connected":
            self._is_in()
        if not event.id.isdecimal():
            return
        seq = int(event.id)
        if seq == self.last_seq + 1:
            self.last_seq = seq
        elif seq <= self.last_seq and self.kind is Transport.SSE:
            # Over a WebSocket, what passes before `resume` is heard is sent again after it.
            self.doubled.append(seq)

    def _is_in(self) -> None:
        self.back_at = time.monotonic()

    def _send(self, kind: int, content: bytes) -> None:
        assert self._transport is not None
        assert len(content) < 126
        # A client must mask what it sends; by a mask of zeros, it stays as it is.
        self._transport.write(bytes((0x80 | kind, 0x80 | len(content))) + bytes(4) + content)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Herd:
    """Many followers at once."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self.followers = list(followers)
        self._tasks: list[asyncio.Task[None]] = []

    async def gather(self, *, at_once: int = 200, seconds: float = 120.0) -> None:
        """Connect all, a few at a time; returns when all are in. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            for start in range(0, len(self.followers), at_once):
                some = self.followers[start : start + at_once]
                self._tasks += [asyncio.create_task(follower.follow()) for follower in some]
                while any(follower.back_at is None for follower in some):  # noqa: ASYNC110 - a follower tells nobody
                    await asyncio.sleep(0.005)

    async def back_after(self, since: float, *, seconds: float) -> list[float]:
        """Wait until all were let in again after `since` (monotonic); returns the seconds that each took. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while any(follower.back_at is None or follower.back_at < since for follower in self.followers):  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)
        return [cast("float", follower.back_at) - since for follower in self.followers]

    async def until_seen(self, last_seqs: Sequence[int], *, seconds: float) -> list[tuple[str, int, int]]:
        """Wait until each follower has seen its session up to its number of `last_seqs`; returns those that have not: session, seen,
        stored."""
        limit = time.monotonic() + seconds
        while True:
            pairs = zip(self.followers, last_seqs, strict=True)
            behind = [(follower.session_id, follower.last_seq, last) for follower, last in pairs if follower.last_seq < last]
            if not behind or time.monotonic() > limit:
                return behind
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
