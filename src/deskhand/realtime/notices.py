"""Short notices to whoever listens now, in any process: that a ticket was opened, that an operator took over.

A notice says that it is time to look, and the database says what is so. The invariant: whoever may have missed one is told to look.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from deskhand.realtime.bus import Bus

_MOST_WAITING = 100
_TOPIC = "notice:"


class Hearing:
    """One listener's place. For one task at a time."""

    def __init__(self) -> None:
        self._waiting: deque[bytes | None] = deque()
        self._changed = asyncio.Event()

    async def next(self) -> bytes | None:
        """Wait for the next notice. None: some may have been missed, at the start as well; look for yourself."""
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()

    def put(self, notice: bytes | None) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.clear()
            notice = None
        if notice is None and None in self._waiting:
            return
        self._waiting.append(notice)
        self._changed.set()


class Notices:
    def __init__(self, bus: Bus | None = None) -> None:
        """`bus`: to the other processes; without one, notices stay in this one. It is started and closed by whoever made it."""
        self._bus = bus
        self._hearings: dict[str, set[Hearing]] = {}

    @property
    def reaches_others(self) -> bool:
        """Whether what is told here is heard in other processes, when all is well."""
        return self._bus is not None

    def tell(self, topic: str, notice: bytes) -> None:
        """Tell all who listen to `topic`. Returns at once."""
        self._put(topic, notice)
        if self._bus is not None:
            self._bus.send(_TOPIC + topic, notice)

    @contextmanager
    def hear(self, topic: str) -> Iterator[Hearing]:
        """Listen to `topic` within the block. The first thing heard is None, once nothing is missed any more."""
        hearing = Hearing()
        hearings = self._hearings.setdefault(topic, set())
        hearings.add(hearing)
        if self._bus is None or len(hearings) > 1:
            hearing.put(None)
        if self._bus is not None and len(hearings) == 1:
            self._bus.join(_TOPIC + topic, lambda notice: self._put(topic, notice), joined=lambda: self._put(topic, None))
        try:
            yield hearing
        finally:
            hearings.discard(hearing)
            if not hearings:
                del self._hearings[topic]
                if self._bus is not None:
                    self._bus.leave(_TOPIC + topic)

    def _put(self, topic: str, notice: bytes | None) -> None:
        for hearing in self._hearings.get(topic, ()):
            hearing.put(notice)
