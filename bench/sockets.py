"""What many idle WebSockets cost one instance, and what becomes of them in a restart: all come back soon, and none has missed an event."""

import asyncio
import resource
import socket
import tempfile
import time
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Final

import pysqlite3.dbapi2

from bench.connection import Connection, encode
from bench.report import keep, percentile, show, verdict
from bench.servers import (
    LOADED,
    NO_SAMPLES,
    NO_TOOLS,
    Server,
    deskhand_server,
    model_server,
    settings_of_model,
    wait_until_warm,
)
from deskhand.testing.herd import Follower, Herd, Transport

SOCKETS: Final = 10_000
TALKING: Final = 500
MOST_KIB: Final = 30.0
BACK_SECONDS: Final = 10.0
_WARM: Final = 100
_OPENERS: Final = 8
_SETTLE_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 120.0


def run() -> bool:
    """Measure; returns whether the aims hold."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with model_server(first_ms=200, every_ms=10) as model, tempfile.TemporaryDirectory(prefix="deskhand-bench-") as folder:
        return asyncio.run(_measure(_Restarted(model, Path(folder) / "data")))


class _Restarted:
    """A server that is started more than once, on the same port and the same data."""

    def __init__(self, model: Server, data_dir: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._settings = {**settings_of_model(model), **LOADED, **NO_TOOLS, **NO_SAMPLES}
        self._data_dir = data_dir
        self._running = self._next()

    def start(self) -> Server:
        self._running = self._next()
        return self._running.__enter__()

    def stop(self) -> None:
        self._running.__exit__(None, None, None)

    def _next(self) -> AbstractContextManager[Server]:
        return deskhand_server(self._settings, data_dir=self._data_dir, port=self._port)


async def _measure(restarted: _Restarted) -> bool:
    server = await asyncio.to_thread(restarted.start)
    try:
        await asyncio.to_thread(wait_until_warm, server)
        followers = await _open_sessions(server)
        # What the first ones bring about once (code paths, memory pools) is not what each costs.
        warm = Herd(followers[:_WARM])
        await warm.gather()
        await warm.close()
        await asyncio.sleep(_SETTLE_SECONDS)
        before = server.rss_bytes()
        herd = Herd(followers)
        await herd.gather(seconds=_PATIENCE_SECONDS)
        await asyncio.sleep(_SETTLE_SECONDS)
        kib = (server.rss_bytes() - before) / 1024 / len(followers)
        cpu = await _cpu_of_idling(server)
        await _talk(server, followers[:TALKING])
        stopped_at = time.monotonic()
        await asyncio.to_thread(restarted.stop)
        stopping = time.monotonic() - stopped_at
        # Once it says where it answers. Who asks it over HTTP waits among all those who come back.
        server = await asyncio.to_thread(restarted.start)
        served_at, cpu_before = time.monotonic(), server.cpu_seconds()
        waits = await herd.back_after(stopped_at, seconds=_PATIENCE_SECONDS)
        cpu_of_return = server.cpu_seconds() - cpu_before
        behind = await herd.until_seen(await _last_seqs(server, followers), seconds=60)
        doubled = sum(bool(follower.doubled) for follower in followers)
        await herd.close()
    finally:
        await asyncio.to_thread(restarted.stop)
    down = served_at - stopped_at
    back = max(waits) - down
    held = kib <= MOST_KIB and back <= BACK_SECONDS and not behind and not doubled
    rows = [
        ("KiB of the server each", kib, MOST_KIB),
        ("CPU while idle, % of a core", cpu * 100, "-"),
        ("until it had stopped, s", stopping, "-"),
        ("until it served again, s", down - stopping, "-"),
        ("half of them back, s after that", percentile(waits, 0.5) - down, "-"),
        ("all of them back, s after that", back, BACK_SECONDS),
        ("CPU of the server for it, s", cpu_of_return, "-"),
        ("lost an event", len(behind), 0),
    ]
    show(
        f"sockets: {SOCKETS:,} WebSockets on one instance, restarted while {TALKING} of them are answered",
        ("", "measured", "at most"),
        rows,
    )
    print(f"  aims hold: {verdict(held)}")
    figures = {
        "kib_each": round(kib, 1),
        "stop_seconds": round(stopping, 2),
        "down_seconds": round(down, 2),
        "cpu_of_return_seconds": round(cpu_of_return, 2),
        "back_seconds": round(back, 2),
        "behind": len(behind),
    }
    keep("sockets", {"sockets": SOCKETS, **figures, "held": held})
    return held


async def _open_sessions(server: Server) -> list[Follower]:
    openers = [await Connection.open(server.url) for _ in range(_OPENERS)]

    async def open_some(opener: Connection, count: int) -> list[Follower]:
        found: list[Follower] = []
        for _ in range(count):
            opened = (await opener.request("POST", "/api/sessions", body={})).json()
            found.append(Follower(Transport.WEBSOCKET, server.url, session_id=opened["session_id"], token=opened["token"]))
        return found

    several = await asyncio.gather(*(open_some(opener, SOCKETS // _OPENERS) for opener in openers))
    for opener in openers:
        opener.close()
    return [follower for some in several for follower in some]


async def _cpu_of_idling(server: Server) -> float:
    """CPU seconds of the server in a second in which nobody says anything."""
    before, since = server.cpu_seconds(), time.monotonic()
    await asyncio.sleep(_SETTLE_SECONDS)
    return (server.cpu_seconds() - before) / (time.monotonic() - since)


async def _talk(server: Server, followers: list[Follower]) -> None:
    """Each says something; returns once all of it was acknowledged, and most is not answered yet."""
    openers = [await Connection.open(server.url) for _ in range(_OPENERS)]

    async def talk(opener: Connection, some: list[Follower]) -> None:
        for follower in some:
            path = f"/api/chat/sessions/{follower.session_id}/messages"
            request = encode("POST", path, token=follower.token, body={"message": "Hello"})
            answer = await opener.send(request.replace(b"\r\n\r\n", b"\r\nPrefer: respond-async\r\n\r\n", 1))
            assert answer.status == 202, answer.content

    await asyncio.gather(*(talk(opener, followers[number::_OPENERS]) for number, opener in enumerate(openers)))
    for opener in openers:
        opener.close()


async def _last_seqs(server: Server, followers: list[Follower]) -> list[int]:
    """The number of each session's newest event, as stored, once no turn is open."""
    assert server.data_dir is not None
    with closing(pysqlite3.dbapi2.connect(server.data_dir / "deskhand.db")) as database:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while database.execute("SELECT count(*) FROM turn WHERE ended_at IS NULL").fetchone()[0]:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
        stored = dict(database.execute("SELECT id, last_seq FROM session"))
    return [int(stored[follower.session_id]) for follower in followers]
