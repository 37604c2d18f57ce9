"""How commands get to Redis: to one server (`direct.py`), or to whichever node of a cluster serves the key (`cluster.py`).

Neither has a time limit or a second try of its own, and both may be cancelled anywhere: a connection whose reply was not read to its end is
closed. What goes wrong is redis-py's own error.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

Argument = str | bytes | int | float
Command = tuple[Argument, ...]


class Way(Protocol):
    async def execute(self, command: Command) -> Any:
        """The reply to one command, whose key is its second word."""
        ...

    async def run(self, script: str, key: str, arguments: Sequence[Argument], *, digest: str | None) -> Any:
        """The result of a Lua script on one key: by its digest if there is one, else sent as a whole."""
        ...

    async def execute_all(self, commands: Sequence[Command]) -> None:
        """Send commands in one go, and wait until all have been carried out or refused."""
        ...

    async def ping(self) -> None: ...

    def scan(self, pattern: str, *, count: int) -> AsyncIterator[list[bytes]]:
        """The keys that match, in pieces; each piece is one request."""
        ...

    async def open_connection(self, topic: str) -> Any:
        """A connection for one user, to the server that serves `topic`."""
        ...

    async def place_of(self, topic: str) -> str:
        """The name of the server that serves `topic`."""
        ...

    async def learn_places(self) -> None:
        """Ask anew which server serves what."""
        ...

    async def doubt(self) -> None:
        """A command failed: lean no more on what is known of the servers, or held open to them, from before."""
        ...

    async def close(self) -> None: ...
