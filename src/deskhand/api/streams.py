"""The connected readers of this process, and the one task that looks after all of them: heartbeats, slow readers, lost rights.

The invariant: a reader whose right to the session has gone is closed within `RECHECK_SECONDS` plus one round, whatever transport it uses.
One task serves all readers, so an idle one costs no timer and no task of its own here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from deskhand.clock import Clock
from deskhand.errors import PartDown
from deskhand.telemetry import Metrics, Supervisor

ROUND_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
RECHECK_SECONDS = 30.0
SLOW_SECONDS = 30.0


class Closing(StrEnum):
    """Why the server closes a stream."""

    SLOW = "slow"
    FORBIDDEN = "forbidden"
    GONE = "gone"
    DRAINING = "draining"


@dataclass(slots=True, eq=False)
class Reader:
    """One connected reader. `may_read` asks whether it still may; `heartbeat` (SSE only) sends a sign of life; `tell` (WebSocket only)
    sends a frame that is not an event of the log. `closing` is set before `task`, which waits for the client, is cancelled.
    `staff_id` is the account or key that reads, where it is one; nothing is sent while it is `asking` for it."""

    session_id: str
    transport: str
    task: "asyncio.Task[Any]"
    may_read: Callable[[], Awaitable[Closing | None]]
    heartbeat: Callable[[], Coroutine[Any, Any, None]] | None = None
    tell: Callable[[bytes], Awaitable[None]] | None = None
    staff_id: str | None = None
    sending_since: float | None = None
    last_sent: float = 0.0
    checked: float = 0.0
    closing: Closing | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def close(self, reason: Closing) -> None:
        """Stop the reader's task; it says goodbye by itself."""
        if self.closing is None:
            self.closing = reason
            self.task.cancel()


@dataclass(slots=True)
class Streams:
    clock: Clock
    metrics: Metrics
    supervisor: Supervisor
    _readers: dict[str, set[Reader]] = field(default_factory=dict)
    _count: int = 0
    # How often somebody lost a right, that this process knows of: for streams that look by themselves.
    losses: int = 0

    @property
    def count(self) -> int:
        return self._count

    def start(self) -> None:
        _ = self.supervisor.start(self._look_after, name="streams", restart=True)

    def add(self, reader: Reader) -> None:
        now = self.clock.monotonic()
        reader.last_sent = reader.checked = now
        self._readers.setdefault(reader.session_id, set()).add(reader)
        self._count += 1
        self.metrics.open_streams.labels(reader.transport).inc()

    def remove(self, reader: Reader) -> None:
        readers = self._readers[reader.session_id]
        readers.discard(reader)
        if not readers:
            del self._readers[reader.session_id]
        self._count -= 1
        self.metrics.open_streams.labels(reader.transport).dec()
        if reader.closing is not None:
            self.metrics.stream_closed.labels(reader.transport, reader.closing.value).inc()

    async def tell_others(self, session_id: str, frame: bytes, *, teller: Reader | None) -> None:
        """Send a frame to the session's other WebSockets of this process."""
        for reader in list(self._readers.get(session_id, ())):
            if reader is not teller and reader.tell is not None and reader.sending_since is None:
                await reader.tell(frame)

    def recheck(self, staff_id: str) -> None:
        """Ask at once whether the readers of this account or key still may read."""
        self.losses += 1
        for reader in [reader for readers in self._readers.values() for reader in readers if reader.staff_id == staff_id]:
            _ = self.supervisor.start(partial(self._recheck, reader), name="recheck")

    async def send(self, reader: Reader, write: Callable[[], Awaitable[None]]) -> None:
        """Write to this reader; whoever does not read for `SLOW_SECONDS` is closed meanwhile."""
        if reader.asking.locked():
            # What is said after a right was lost is for nobody who had it.
            async with reader.asking:
                pass
            if reader.closing is not None:
                return
        reader.sending_since = self.clock.monotonic()
        try:
            await write()
        finally:
            reader.sending_since = None
            reader.last_sent = self.clock.monotonic()

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            now = self.clock.monotonic()
            for reader in [reader for readers in list(self._readers.values()) for reader in readers]:
                if reader.sending_since is not None:
                    if now - reader.sending_since > SLOW_SECONDS:
                        reader.close(Closing.SLOW)
                    continue
                if reader.heartbeat is not None and now - reader.last_sent >= HEARTBEAT_SECONDS:
                    reader.last_sent = now
                    _ = self.supervisor.start(reader.heartbeat, name="heartbeat")
                if now - reader.checked >= RECHECK_SECONDS:
                    reader.checked = now
                    await self._recheck(reader)

    async def _recheck(self, reader: Reader) -> None:
        async with reader.asking:
            try:
                reason = await reader.may_read()
            except PartDown:
                # It cannot be known now: asked again in the next round.
                reader.checked = 0.0
                return
            if reason is not None:
                reader.close(reason)
