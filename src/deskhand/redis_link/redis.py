"""The link to one Redis, single, behind Sentinel or a cluster: commands with a time limit and a breaker.

The invariant: no caller waits longer than `limit_seconds`, and no reply ever reaches a request that did not ask for it (held by
`tests/redis_link`).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import structlog
from redis.exceptions import ClusterDownError, NoScriptError, ReadOnlyError, RedisClusterException, RedisError, ResponseError

from deskhand.breaker import Breaker, BreakerOpen
from deskhand.clock import Clock
from deskhand.redis_link.address import RedisAddress, RedisKind
from deskhand.redis_link.connecting import find_way
from deskhand.redis_link.errors import RedisRefused, RedisUnavailable
from deskhand.redis_link.listening import Listening
from deskhand.redis_link.way import Argument, Command

log = structlog.get_logger(__name__)

T = TypeVar("T")

# With what the event loop adds, still under the 300 ms that nobody may wait for Redis.
LIMIT_SECONDS: Final = 0.25
_FAILURES: Final = 3
_OPEN_SECONDS: Final = 1.0
_CONNECTIONS: Final = 50
_SCAN_COUNT: Final = 500


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
        self._way = find_way(self.address, ca_file=ca_file, limit_seconds=limit_seconds, connections=connections)
        # Who finds all connections busy waits for one, within the limit.
        self._places = asyncio.Semaphore(connections)
        self._breaker = Breaker(monotonic=clock.monotonic, failures=_FAILURES, open_seconds=_OPEN_SECONDS)

    @property
    def is_cluster(self) -> bool:
        return self.address.kind is RedisKind.CLUSTER

    @property
    def is_down(self) -> bool:
        """Whether it failed lately and has not answered since."""
        return self._breaker.is_open

    async def ask(self, *command: Argument) -> Any:
        """The reply to one command on one key.

        Raises:
            RedisRefused, RedisUnavailable.
        """
        return await self._limited(partial(self._way.execute, command))

    async def run(self, script: Script, key: str, *arguments: Argument) -> Any:
        """The result of a script on `key`.

        Raises:
            RedisRefused, RedisUnavailable.
        """
        return await self._limited(partial(self._run, script, key, arguments))

    async def send(self, commands: Sequence[Command]) -> None:
        """Send commands in one go; what they return is not looked at.

        Raises:
            RedisUnavailable: some or all of them had no effect.
        """
        await self._limited(partial(self._way.execute_all, commands))

    async def check(self) -> None:
        """Ask for a sign of life.

        Raises:
            RedisUnavailable: it gave none.
        """
        await self._limited(self._way.ping)

    async def ping(self) -> bool:
        """Whether it gives a sign of life."""
        try:
            await self.check()
        except RedisUnavailable:
            return False
        return True

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """The keys that begin with `prefix`, in no order, some perhaps twice.

        Raises:
            RedisUnavailable.
        """
        pieces = self._way.scan(f"{_escaped(prefix)}*", count=_SCAN_COUNT)
        while (piece := await self._limited(partial(_next, pieces))) is not None:
            for key in piece:
                yield key.decode("utf-8", "replace")

    async def listen(self, topic: str) -> Listening:
        """A connection that hears what is published, to the server that serves `topic`. The caller closes it.

        Raises:
            RedisUnavailable.
        """
        return Listening(await self._limited(partial(self._way.open_connection, topic)), sharded=self.is_cluster)

    async def place_of(self, topic: str) -> str:
        """The name of the server that serves `topic`: always the same where there is one.

        Raises:
            RedisUnavailable: no server serves it now.
        """
        return await self._limited(partial(self._way.place_of, topic))

    async def learn_places(self) -> None:
        """Ask a cluster anew which server serves what.

        Raises:
            RedisUnavailable.
        """
        await self._limited(self._way.learn_places)

    async def close(self) -> None:
        await self._way.close()

    async def _run(self, script: Script, key: str, arguments: Sequence[Argument]) -> Any:
        try:
            return await self._way.run(script.text, key, arguments, digest=script.digest)
        except NoScriptError:
            return await self._way.run(script.text, key, arguments, digest=None)

    async def _limited(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            trial = self._breaker.admit()
        except BreakerOpen as error:
            raise RedisUnavailable from error
        healthy: bool | None = None
        try:
            async with asyncio.timeout(self.limit_seconds), self._places:
                reply = await work()
            healthy = True
        except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
            healthy = isinstance(error, ResponseError) and not isinstance(error, ClusterDownError | ReadOnlyError)
            if healthy:
                raise RedisRefused(cast("ResponseError", error)) from error
            if not self._breaker.is_open:
                log.warning("redis_unavailable", address=self.address.shown, cause=type(error).__name__)
            await self._way.doubt()
            raise RedisUnavailable from error
        finally:
            self._breaker.record(trial=trial, healthy=healthy)
        return reply


async def _next(pieces: AsyncIterator[list[bytes]]) -> list[bytes] | None:
    return await anext(pieces, None)


def _escaped(prefix: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]\\^-" else character for character in prefix)
