"""What a connection costs that does nothing: resident memory of the server for each open WebSocket and each open event stream."""

import asyncio
import base64
import os
import resource
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from bench.connection import Connection, encode
from bench.load import deskhand
from bench.report import keep, show, verdict
from bench.servers import Server, model_server

CONNECTIONS = 1_000
MOST_KIB = 30.0
_WARM = 50
_SETTLE_SECONDS = 2.0


class IdleClient(asyncio.Protocol):
    """Sends its request, and is ready when `marker` has come."""

    def __init__(self, request: bytes, marker: bytes) -> None:
        self._request = request
        self._marker = marker
        self._seen = b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.ready.done():
            self._seen += data
            if self._marker in self._seen:
                self.ready.set_result(None)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"the server closed the connection: {self._seen[:300]!r}"))


def run() -> bool:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kinds = {"WebSocket": (_websocket, b'"connected"'), "event stream": (_stream, b"retry: ")}
    figures: dict[str, float] = {}
    with model_server() as model:
        for kind, (request, marker) in kinds.items():
            # Each kind has a server of its own: memory that one kind gave back would hide what the next one takes.
            with deskhand(model) as server:
                figures[kind] = asyncio.run(_measure(server, request, marker))
    held = max(figures.values()) <= MOST_KIB
    rows = [(kind, kib, MOST_KIB) for kind, kib in figures.items()]
    show(f"idle: {CONNECTIONS:,} connections of each kind", ("kind", "KiB each", "at most"), rows)
    print(f"  aim holds: {verdict(held)}")
    keep("idle", {"connections": CONNECTIONS, "kib_each": {kind: round(kib, 1) for kind, kib in figures.items()}, "held": held})
    return held


async def _measure(server: Server, request: Callable[[str, str], bytes], marker: bytes) -> float:
    """KiB of the server for each connection."""
    opener = await Connection.open(server.url)
    sessions: list[tuple[str, str]] = []
    for _ in range(CONNECTIONS):
        opened = (await opener.request("POST", "/api/sessions", body={})).json()
        sessions.append((opened["session_id"], opened["token"]))
    opener.close()
    # What the first ones bring about once (code paths, memory pools) is not what each costs.
    await _close(await _open(server, [request(*session) for session in sessions[:_WARM]], marker))
    await asyncio.sleep(_SETTLE_SECONDS)
    before = server.rss_bytes()
    transports = await _open(server, [request(*session) for session in sessions], marker)
    await asyncio.sleep(_SETTLE_SECONDS)
    kib = (server.rss_bytes() - before) / 1024 / CONNECTIONS
    await _close(transports)
    return kib


async def _open(server: Server, requests: list[bytes], marker: bytes) -> list[asyncio.BaseTransport]:
    parts = urlsplit(server.url)
    assert parts.hostname is not None
    assert parts.port is not None
    loop = asyncio.get_running_loop()
    transports: list[asyncio.BaseTransport] = []
    for request in requests:
        transport, client = await loop.create_connection(partial(IdleClient, request, marker), parts.hostname, parts.port)
        await client.ready
        transports.append(transport)
    return transports


async def _close(transports: list[asyncio.BaseTransport]) -> None:
    for transport in transports:
        transport.close()
    await asyncio.sleep(0)


def _stream(session: str, token: str) -> bytes:
    return encode("GET", f"/api/sessions/{session}/events", token=token, accept="text/event-stream")


def _websocket(session: str, token: str) -> bytes:
    lines = [
        f"GET /ws?session_id={session} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: deskhand, token.{token}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
