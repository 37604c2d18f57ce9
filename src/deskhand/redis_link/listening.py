"""One connection that hears what is published on Redis. It is not mended: whoever uses it makes a new one when it breaks."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from redis.exceptions import RedisError, ResponseError

from deskhand.redis_link.errors import RedisUnavailable

_SEND_SECONDS: Final = 1.0
_AT_ONCE: Final = 500


class TopicMoved(RedisUnavailable):
    """Another node of the cluster serves the topic now."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message on `topic`; or, where `message` is None, word that from now on nothing of the topic is missed. Both None: a pong."""

    topic: str | None
    message: bytes | None = None


class Listening:
    def __init__(self, connection: Any, *, sharded: bool) -> None:
        self._connection = connection
        # In a cluster each topic lives on one node, and one command names topics of one slot only.
        self._prefix = "S" if sharded else ""
        self._at_once = 1 if sharded else _AT_ONCE

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Raises:
        RedisUnavailable: the connection is gone.
        """
        await self._send_all(f"{self._prefix}SUBSCRIBE", topics)

    async def unsubscribe(self, topics: Sequence[str]) -> None:
        """Raises:
        RedisUnavailable: the connection is gone.
        """
        await self._send_all(f"{self._prefix}UNSUBSCRIBE", topics)

    async def ping(self) -> None:
        """Ask for a pong, which `hear` returns.

        Raises:
            RedisUnavailable: the connection is gone.
        """
        await self._send("PING")

    async def hear(self) -> Heard:
        """Wait for the next thing that is heard. For one task at a time.

        Raises:
            TopicMoved: subscribe on another connection.
            RedisUnavailable: the connection is gone.
        """
        while True:
            try:
                reply = await self._connection.read_response(disable_decoding=True, disconnect_on_error=False)
            except ResponseError as error:
                raise TopicMoved(str(error)) from error
            except (RedisError, OSError) as error:
                raise RedisUnavailable from error
            if (heard := self._read(reply)) is not None:
                return heard

    async def close(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self._connection.disconnect(nowait=True)

    def _read(self, reply: Any) -> Heard | None:
        kind = reply[0] if isinstance(reply, list) else reply
        match kind:
            case b"message" | b"smessage":
                return Heard(reply[1].decode(), cast("bytes", reply[2]))
            case b"subscribe" | b"ssubscribe":
                return Heard(reply[1].decode())
            case b"pong" | b"PONG":
                return Heard(None)
            case b"sunsubscribe":
                # Not asked for, it means that the slot went elsewhere. Asked for, it changes nothing to look.
                raise TopicMoved(reply[1].decode())
            case _:
                return None

    async def _send_all(self, command: str, topics: Sequence[str]) -> None:
        for start in range(0, len(topics), self._at_once):
            await self._send(command, *topics[start : start + self._at_once])

    async def _send(self, *words: str) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._connection.send_command(*words)
        except (RedisError, OSError, TimeoutError) as error:
            raise RedisUnavailable from error
