"""To one server, named or found by Sentinels: on redis-py's connections, but not through its client, which costs as much again.

The invariant: a command has a connection to itself, and only one whose last reply was read to its end is used again.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from deskhand.redis_link.way import Argument, Command


class DirectWay:
    def __init__(self, client: Redis, *, closes: Sequence[Any] = ()) -> None:
        """`client` says how to connect; `closes` is closed with it."""
        self._client = client
        self._closes = closes
        self._pool: Any = client.connection_pool
        self._free: list[Any] = []

    async def execute(self, command: Command) -> Any:
        return await self._exchange(lambda connection: connection.pack_command(*command))

    async def run(self, script: str, key: str, arguments: Sequence[Argument], *, digest: str | None) -> Any:
        words = ("EVAL", script) if digest is None else ("EVALSHA", digest)
        return await self.execute((*words, 1, key, *arguments))

    async def execute_all(self, commands: Sequence[Command]) -> None:
        await self._exchange(lambda connection: connection.pack_commands(commands), replies=len(commands))

    async def ping(self) -> None:
        await self.execute(("PING",))

    async def scan(self, pattern: str, *, count: int) -> AsyncIterator[list[bytes]]:
        cursor = 0
        while True:
            reply = await self.execute(("SCAN", cursor, "MATCH", pattern, "COUNT", count))
            yield list(reply[1])
            cursor = int(reply[0])
            if cursor == 0:
                return

    async def open_connection(self, topic: str) -> Any:  # noqa: ARG002 - all topics are served here
        connection = self._pool.make_connection()
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def place_of(self, topic: str) -> str:  # noqa: ARG002 - as above
        return ""

    async def learn_places(self) -> None:
        """There is but one; Sentinels are asked whenever a connection is made."""

    async def doubt(self) -> None:
        """Those that are free lead to the same server, which may be dead without a word, or no longer be the one that is written to."""
        while self._free:
            await self._free.pop().disconnect(nowait=True)

    async def close(self) -> None:
        while self._free:
            await self._free.pop().disconnect()
        await self._client.aclose()
        for each in self._closes:
            await each.aclose()

    async def _exchange(self, pack: Any, *, replies: int = 1) -> Any:
        """Send what `pack` makes, and return the last of its replies, of which several may be refusals."""
        connection = self._free.pop() if self._free else self._pool.make_connection()
        try:
            await self._make_ready(connection)
            await connection.send_packed_command(pack(connection), check_health=False)
            for _ in range(replies - 1):
                try:
                    await connection.read_response(disable_decoding=True, disconnect_on_error=False)
                except ResponseError:
                    continue
            reply = await connection.read_response(disable_decoding=True, disconnect_on_error=False)
        except ResponseError:
            # It was read to its end, and it is the caller's to know.
            self._free.append(connection)
            raise
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._free.append(connection)
        return reply

    @staticmethod
    async def _make_ready(connection: Any) -> None:
        """Connect, anew if the server has closed it meanwhile or something stands in it that nobody asked for."""
        if connection.is_connected:
            try:
                if not await connection.can_read():
                    return
            except (RedisError, OSError):
                pass
            await connection.disconnect(nowait=True)
        await connection.connect()
