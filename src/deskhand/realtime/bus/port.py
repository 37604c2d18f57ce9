"""What a bus offers. Redis and the stand-in of the tests pass one contract (`tests/realtime`)."""

from collections.abc import Callable
from typing import Protocol

Hear = Callable[[bytes], None]
Joined = Callable[[], None]


class Bus(Protocol):
    """One process's place on the bus.

    Of one sender, messages of a topic are heard in the order in which they were sent; some may be lost. Nobody hears what they sent
    themselves.
    """

    @property
    def is_connected(self) -> bool:
        """Whether what is sent now is likely to be heard, and the other way round."""
        ...

    def join(self, topic: str, hear: Hear, *, joined: Joined) -> None:
        """Hear what others send to `topic`. `joined` is called when from then on nothing is missed, and again after each interruption."""
        ...

    def leave(self, topic: str) -> None: ...

    def send(self, topic: str, message: bytes) -> None:
        """Tell the others. Never waits and never fails; what cannot be sent soon is dropped."""
        ...

    def start(self) -> None:
        """Connect. Needs a running event loop."""
        ...

    async def close(self) -> None: ...
