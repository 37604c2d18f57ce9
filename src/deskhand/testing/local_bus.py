"""A bus within one process, for several desks in one test."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from deskhand.realtime.bus.port import Hear, Joined


@dataclass(slots=True, eq=False)
class LocalWire:
    """What connects the members. While `is_cut`, nothing gets through."""

    members: "list[LocalBus]" = field(default_factory=list)
    is_cut: bool = False

    def mend(self) -> None:
        """Let messages through again; everybody learns that there was an interruption."""
        self.is_cut = False
        for member in self.members:
            member.rejoin()


class LocalBus:
    def __init__(self, wire: LocalWire | None = None) -> None:
        self._wire = wire or LocalWire()
        self._wire.members.append(self)
        self._topics: dict[str, tuple[Hear, Joined]] = {}

    @property
    def is_connected(self) -> bool:
        return not self._wire.is_cut

    def join(self, topic: str, hear: Hear, *, joined: Joined) -> None:
        self._topics[topic] = (hear, joined)
        if not self._wire.is_cut:
            self._later(joined)

    def leave(self, topic: str) -> None:
        self._topics.pop(topic, None)

    def send(self, topic: str, message: bytes) -> None:
        if self._wire.is_cut:
            return
        for member in self._wire.members:
            if member is not self:
                self._later(partial(member.receive, topic, message))

    def receive(self, topic: str, message: bytes) -> None:
        if (known := self._topics.get(topic)) is not None:
            known[0](message)

    def rejoin(self) -> None:
        for _, joined in list(self._topics.values()):
            self._later(joined)

    def start(self) -> None:
        """Nothing has to be connected."""

    async def close(self) -> None:
        self._topics.clear()
        if self in self._wire.members:
            self._wire.members.remove(self)

    @staticmethod
    def _later(call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(call)
