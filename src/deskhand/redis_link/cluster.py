"""To whichever node of a cluster serves the key, by redis-py's client.

The invariant: no command is sent before the client knows which node serves what: until then it would ask any.
"""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import ClusterDownError

from deskhand.redis_link.way import Argument, Command

_LEARN_SECONDS: Final = 1.0


class ClusterWay:
    def __init__(self, client: RedisCluster) -> None:
        self._client = client
        self._in_doubt = False
        self._learns_at = 0.0

    async def execute(self, command: Command) -> Any:
        return await (await self._known()).execute_command(*command)

    async def run(self, script: str, key: str, arguments: Sequence[Argument], *, digest: str | None) -> Any:
        words = ("EVAL", script) if digest is None else ("EVALSHA", digest)
        return await self.execute((*words, 1, key, *arguments))

    async def execute_all(self, commands: Sequence[Command]) -> None:
        pipeline: Any = (await self._known()).pipeline()
        for command in commands:
            pipeline.execute_command(*command)
        await pipeline.execute(raise_on_error=False)

    async def ping(self) -> None:
        await (await self._known()).ping()

    async def scan(self, pattern: str, *, count: int) -> AsyncIterator[list[bytes]]:
        for node in (await self._known()).get_primaries():
            cursor = 0
            while True:
                words = ("SCAN", cursor, "MATCH", pattern, "COUNT", count)
                cursors, keys = await self._client.execute_command(*words, target_nodes=node)
                yield list(keys)
                cursor = int(cursors[node.name])
                if cursor == 0:
                    break

    async def open_connection(self, topic: str) -> Any:
        node = await self._node_of(topic)
        connection: Any = node.connection_class(**node.connection_kwargs)
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def place_of(self, topic: str) -> str:
        return (await self._node_of(topic)).name

    async def learn_places(self) -> None:
        await self._client.nodes_manager.initialize()

    async def doubt(self) -> None:
        """Ask who serves what before a command soon: of a node that is silent the client would never notice that another took over."""
        self._in_doubt = True

    async def close(self) -> None:
        await self._client.aclose()

    async def _known(self) -> RedisCluster:
        client = await self._client.initialize()
        now = time.monotonic()
        if self._in_doubt and now >= self._learns_at:
            # The others go on meanwhile: the node that is asked may be the silent one.
            self._learns_at = now + _LEARN_SECONDS
            await self.learn_places()
            self._in_doubt = False
        return client

    async def _node_of(self, topic: str) -> ClusterNode:
        node = (await self._known()).get_node_from_key(topic)
        if node is None:
            raise ClusterDownError("no node serves the slot")
        return node
