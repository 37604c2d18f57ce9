"""The link to one Redis, single, behind Sentinel or a cluster: commands with a time limit and a breaker.

The invariant: no caller waits longer than `limit_seconds`, and no reply ever reaches a request that did not ask for it: redis-py closes
a connection whose command was cut off (held by `tests/redis_link`).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import structlog
from redis.asyncio import ConnectionPool, Redis, Sentinel
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, NoScriptError, ReadOnlyError, RedisClusterException, RedisError, ResponseError

from deskhand.breaker import Breaker, BreakerOpen
from deskhand.clock import Clock
from deskhand.errors import ConfigurationError
from deskhand.redis_link.address import RedisAddress, RedisKind

log = structlog.get_logger(__name__)

# With what the event loop adds, still under the 300 ms that nobody may wait for Redis.
LIMIT_SECONDS: Final = 0.25
_FAILURES: Final = 3
_OPEN_SECONDS: Final = 1.0
_CONNECTIONS: Final = 50
_SCAN_COUNT: Final = 500

Argument = str | bytes | int | float


class RedisUnavailable(Exception):
    """Redis is down, slow, or left alone for a while after failures."""


class RedisRefused(RedisUnavailable):
    """Redis answered that it will not do this: it is full, say, or the key holds something of another kind (`wrong_kind`)."""

    def __init__(self, error: ResponseError) -> None:
        super().__init__(type(error).__name__)
        self.wrong_kind = str(error).startswith("WRONGTYPE")


class Script:
    """A Lua script on one key. Run by its digest; sent as a whole only to a server that does not know it yet."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisLink:
    """Connects with the first request. Whoever made it closes it."""

    def __init__(
        self, url: str, *, clock: Clock, ca_file: Path | None = None, limit_seconds: float = LIMIT_SECONDS, connections: int = _CONNECTIONS
    ) -> None:
        """Raises ConfigurationError: not a Redis URL. Never names the password."""
        self.address = RedisAddress.parse(url)
        self.limit_seconds = limit_seconds
        self._client = _connect(self.address, ca_file=ca_file, limit_seconds=limit_seconds, connections=connections)
        # redis-py's own waiting pool costs a fifth of a command; its other one fails when all are in use.
        self._places = asyncio.Semaphore(connections)
        self._breaker = Breaker(monotonic=clock.monotonic, failures=_FAILURES, open_seconds=_OPEN_SECONDS)

    @property
    def is_cluster(self) -> bool:
        return isinstance(self._client, RedisCluster)

    @property
    def is_down(self) -> bool:
        """Whether it failed lately and has not answered since."""
        return self._breaker.is_open

    async def ask(self, *command: Argument) -> Any:
        """The reply to one command on one key.

        Raises:
            RedisRefused, RedisUnavailable.
        """

        async def attempt() -> Any:
            client = self._client if not self.is_cluster else await self._known_cluster()
            return await client.execute_command(*command)

        return await self._limited(attempt)

    async def run(self, script: Script, key: str, *arguments: Argument) -> Any:
        """The result of a script on `key`.

        Raises:
            RedisRefused, RedisUnavailable.
        """

        async def attempt() -> Any:
            client = self._client if not self.is_cluster else await self._known_cluster()
            try:
                return await client.execute_command("EVALSHA", script.digest, 1, key, *arguments)
            except NoScriptError:
                return await client.execute_command("EVAL", script.text, 1, key, *arguments)

        return await self._limited(attempt)

    async def send(self, commands: Sequence[tuple[Argument, ...]]) -> None:
        """Send commands in one go; what they return is not looked at.

        Raises:
            RedisRefused, RedisUnavailable: some or all of them had no effect.
        """

        async def attempt() -> None:
            client = self._client if not self.is_cluster else await self._known_cluster()
            pipeline: Any = client.pipeline() if isinstance(client, RedisCluster) else client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            await pipeline.execute(raise_on_error=False)

        await self._limited(attempt)

    async def ping(self) -> bool:
        try:
            await self._limited(self._client.ping)
        except RedisUnavailable:
            return False
        return True

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """The keys that begin with `prefix`, in no order, some perhaps twice.

        Raises:
            RedisUnavailable.
        """
        pattern = f"{_escaped(prefix)}*"
        for node in await self._nodes():
            cursor = 0
            while True:
                cursor, found = await self._scan(node, cursor, pattern)
                for key in found:
                    yield key.decode("utf-8", "replace")
                if cursor == 0:
                    break

    async def open_connection(self, topic: str) -> AbstractConnection:
        """A connection outside of the pool, to the server that serves `topic`. The caller closes it.

        Raises:
            RedisUnavailable.
        """

        async def attempt() -> AbstractConnection:
            connection: Any = await self._make_connection(topic)
            try:
                await connection.connect()
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
            return cast("AbstractConnection", connection)

        return cast("AbstractConnection", await self._limited(attempt))

    async def place_of(self, topic: str) -> str:
        """The name of the server that serves `topic`: always the same where there is one.

        Raises:
            RedisUnavailable: no server serves it now.
        """
        if not self.is_cluster:
            return ""

        async def attempt() -> str:
            node = (await self._known_cluster()).get_node_from_key(topic)
            if node is None:
                raise ClusterDownError("no node serves the slot")
            return node.name

        return cast("str", await self._limited(attempt))

    async def learn_places(self) -> None:
        """Ask a cluster anew which server serves what.

        Raises:
            RedisUnavailable.
        """
        if isinstance(self._client, RedisCluster):
            await self._limited(self._client.nodes_manager.initialize)

    async def close(self) -> None:
        await self._client.aclose()
        if isinstance(self._client, RedisCluster):
            return
        pool: Any = self._client.connection_pool
        await pool.disconnect()
        if self.address.kind is RedisKind.SENTINEL:
            await pool.sentinel_manager.aclose()

    async def _limited(self, attempt: Any) -> Any:
        try:
            trial = self._breaker.admit()
        except BreakerOpen as error:
            raise RedisUnavailable from error
        healthy: bool | None = None
        try:
            async with asyncio.timeout(self.limit_seconds), self._places:
                reply = await attempt()
            healthy = True
        except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
            healthy = isinstance(error, ResponseError) and not isinstance(error, ClusterDownError | ReadOnlyError)
            if healthy:
                raise RedisRefused(cast("ResponseError", error)) from error
            if not self._breaker.is_open:
                log.warning("redis_unavailable", address=self.address.shown, cause=type(error).__name__)
            raise RedisUnavailable from error
        finally:
            self._breaker.record(trial=trial, healthy=healthy)
        return reply

    async def _known_cluster(self) -> RedisCluster:
        """The client of a cluster once it knows which node serves what: before that it would ask any."""
        return await cast("RedisCluster", self._client).initialize()

    async def _nodes(self) -> list[ClusterNode | None]:
        if not self.is_cluster:
            return [None]
        cluster: RedisCluster = await self._limited(self._known_cluster)
        return list(cluster.get_primaries())

    async def _scan(self, node: ClusterNode | None, cursor: int, pattern: str) -> tuple[int, list[bytes]]:
        words = ("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_COUNT)
        target = {} if node is None else {"target_nodes": node}
        reply = await self._limited(lambda: self._client.execute_command(*words, **target))
        position = reply[0]
        if isinstance(position, dict):
            # A cluster's client says of which node it is.
            (position,) = position.values()
        return int(position), list(reply[1])

    async def _make_connection(self, topic: str) -> AbstractConnection:
        if self.is_cluster:
            node = (await self._known_cluster()).get_node_from_key(topic)
            if node is None:
                raise ClusterDownError("no node serves the slot")
            return cast("AbstractConnection", node.connection_class(**node.connection_kwargs))
        pool: Any = cast("Redis", self._client).connection_pool
        return cast("AbstractConnection", pool.make_connection())


def _connect(address: RedisAddress, *, ca_file: Path | None, limit_seconds: float, connections: int) -> "Redis | RedisCluster":
    """A client that never retries by itself: redis-py's own retries turn a limit of 0.5 s into 8.6 s."""
    # Commands have one limit for everything that happens in them (`_limited`); a second one for each read costs a quarter of a command.
    common: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": limit_seconds, "decode_responses": False, "protocol": 2}
    tls: dict[str, Any] = {"ssl_ca_certs": str(ca_file)} if ca_file is not None and address.tls else {}
    login: dict[str, Any] = {"username": address.username, "password": address.password}
    secure: dict[str, Any] = {"ssl": True, **tls} if address.tls else {}
    try:
        if address.kind is RedisKind.CLUSTER:
            nodes = [ClusterNode(host, port) for host, port in address.hosts]
            # Else every fifth key that has moved would end all connections, with what is under way on them.
            own: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "reinitialize_steps": 0, "max_connections": connections}
            return RedisCluster(startup_nodes=nodes, **own, **login, **common, **secure)
        if address.kind is RedisKind.SENTINEL:
            login_there = {"username": address.sentinel_username, "password": address.sentinel_password}
            # A Sentinel that does not answer must leave time to ask the next one.
            patience = {"socket_timeout": limit_seconds / 2, "socket_connect_timeout": limit_seconds / 2, "retry": Retry(NoBackoff(), 0)}
            sentinel = cast("Any", Sentinel)(address.hosts, sentinel_kwargs={**login_there, **patience, **secure}, **secure)
            options = {**login, **common, "db": address.database, "retry": Retry(NoBackoff(), 0), "max_connections": connections}
            return cast("Redis", sentinel.master_for(address.service, **options))
        return Redis.from_pool(
            ConnectionPool.from_url(address.url, retry=Retry(NoBackoff(), 0), max_connections=connections, **common, **tls)
        )
    except (ValueError, RedisError, RedisClusterException) as error:
        raise ConfigurationError(
            "The Redis URL cannot be read.", support="Use 'redis://[user:password@]host:6379/0', or 'rediss://…' for TLS."
        ) from error


def _escaped(prefix: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]\\^-" else character for character in prefix)
