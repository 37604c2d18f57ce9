"""A bus over Redis: Pub/Sub, and in a cluster its sharded form. Nothing is kept there.

A message is `the sender's name (8 bytes) | what was sent, sealed if a sealer is given, else behind its CRC-32 (4)`. The invariants: a topic
is `joined` only once Redis said so, and again whenever the connection was another one in between, so whoever joins knows when to look for
what they missed; and what was altered on its way is as good as lost.
"""

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from deskhand.realtime.bus.port import Hear, Joined
from deskhand.redis_link.errors import RedisUnavailable
from deskhand.redis_link.listening import Heard, Listening, TopicMoved
from deskhand.redis_link.redis import RedisLink
from deskhand.sealing import Checksum, SealBroken, Sealer

log = structlog.get_logger(__name__)

_NAME_BYTES: Final = 8
_MOST_WAITING: Final = 20_000
_AT_ONCE: Final = 200
_PING_SECONDS: Final = 1.0
# A server that said nothing for this long, though it was pinged, is taken for gone.
_SILENCE_SECONDS: Final = 2.5
_RETRY_SECONDS: Final = 0.5


@dataclass(slots=True, eq=False)
class _Ear:
    """The topics that one server serves, and the connection they are heard on while there is one. `is_deaf`: there was to be one."""

    place: str
    topics: set[str] = field(default_factory=set)
    listening: Listening | None = None
    is_deaf: bool = False
    heard_at: float = 0.0
    task: "asyncio.Task[None] | None" = None


class RedisBus:
    def __init__(self, link: RedisLink, *, key_prefix: str = "deskhand:bus:", sealer: Sealer | None = None) -> None:
        """`link` is closed by whoever made it."""
        self._link = link
        self._prefix = key_prefix
        self._seal = sealer or Checksum()
        self._name = secrets.token_bytes(_NAME_BYTES)
        self._publish = "SPUBLISH" if link.is_cluster else "PUBLISH"
        self._topics: dict[str, tuple[Hear, Joined]] = {}
        self._ears: dict[str, _Ear] = {}
        self._place_of: dict[str, str] = {}
        # What was joined or left since it was looked at last: all of them at every change would be too many.
        self._changed: set[str] = set()
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=_MOST_WAITING)
        self._to_send = asyncio.Event()
        self._to_place = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_connected(self) -> bool:
        return not self._link.is_down and not any(ear.is_deaf for ear in self._ears.values())

    def join(self, topic: str, hear: Hear, *, joined: Joined) -> None:
        self._topics[self._prefix + topic] = (hear, joined)
        self._changed.add(self._prefix + topic)
        self._to_place.set()

    def leave(self, topic: str) -> None:
        if self._topics.pop(self._prefix + topic, None) is not None:
            self._changed.add(self._prefix + topic)
            self._to_place.set()

    def send(self, topic: str, message: bytes) -> None:
        self._waiting.append((self._prefix + topic, message))
        self._to_send.set()

    def start(self) -> None:
        for work in (self._send_waiting(), self._place_topics(), self._ping()):
            _ = self._begin(work)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name="bus")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send_waiting(self) -> None:
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            while self._waiting:
                some = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
                try:
                    await self._link.send([(self._publish, topic, self._wrap(topic, message)) for topic, message in some])
                except RedisUnavailable:
                    # Late, they would be worth nothing: readers look into the database by then.
                    self._waiting.clear()

    def _wrap(self, topic: str, message: bytes) -> bytes:
        return self._name + self._seal.seal(message, place=topic)

    async def _place_topics(self) -> None:
        """Have each topic that was joined heard on the connection to its server, and those that were left no more."""
        while True:
            await self._to_place.wait()
            self._to_place.clear()
            changed, self._changed = self._changed, set()
            for topic in changed:
                if topic in self._place_of and topic not in self._topics:
                    await self._drop(topic)
            added: dict[str, list[str]] = {}
            try:
                for topic in changed:
                    if topic in self._place_of or topic not in self._topics:
                        continue
                    place = await self._link.place_of(topic)
                    self._place_of[topic] = place
                    added.setdefault(place, []).append(topic)
            except RedisUnavailable:
                self._changed |= changed
                self._to_place.set()
                await asyncio.sleep(_RETRY_SECONDS)
            for place, topics in added.items():
                await self._add(place, topics)

    async def _add(self, place: str, topics: list[str]) -> None:
        ear = self._ears.get(place)
        if ear is None:
            ear = self._ears[place] = _Ear(place)
        ear.topics.update(topics)
        if ear.task is None or ear.task.done():
            ear.task = self._begin(self._listen(ear))
        elif ear.listening is not None:
            with contextlib.suppress(RedisUnavailable):
                await ear.listening.subscribe(topics)

    async def _drop(self, topic: str) -> None:
        ear = self._ears[self._place_of.pop(topic)]
        ear.topics.discard(topic)
        if ear.listening is not None:
            with contextlib.suppress(RedisUnavailable):
                await ear.listening.unsubscribe([topic])

    async def _listen(self, ear: _Ear) -> None:
        while ear.topics:
            try:
                await self._listen_once(ear)
            except TopicMoved:
                await self._forget_places()
                return
            except RedisUnavailable:
                if self._link.is_cluster:
                    await self._forget_places()
                    return
                await asyncio.sleep(_RETRY_SECONDS)
        self._ears.pop(ear.place, None)

    async def _listen_once(self, ear: _Ear) -> None:
        try:
            listening = await self._link.listen(next(iter(ear.topics)))
        except RedisUnavailable:
            ear.is_deaf = True
            raise
        try:
            ear.heard_at = time.monotonic()
            ear.listening, ear.is_deaf = listening, False
            await listening.subscribe(sorted(ear.topics))
            while True:
                heard = await listening.hear()
                ear.heard_at = time.monotonic()
                self._hear(heard)
        finally:
            ear.listening, ear.is_deaf = None, True
            await listening.close()

    def _hear(self, heard: Heard) -> None:
        known = self._topics.get(heard.topic or "")
        if known is None or heard.topic is None:
            return
        hear, joined = known
        if heard.message is None:
            joined()
        elif not heard.message.startswith(self._name):
            message = self._unwrap(heard.topic, heard.message)
            if message is not None:
                hear(message)

    def _unwrap(self, topic: str, wrapped: bytes) -> bytes | None:
        try:
            return self._seal.open(wrapped[_NAME_BYTES:], place=topic)
        except SealBroken:
            log.warning("bus_message_discarded", topic=topic)
            return None

    async def _forget_places(self) -> None:
        """Ask the cluster anew who serves what, and begin again."""
        with contextlib.suppress(RedisUnavailable):
            await self._link.learn_places()
        await asyncio.sleep(_RETRY_SECONDS)
        ears, self._ears = list(self._ears.values()), {}
        self._place_of.clear()
        self._changed.update(self._topics)
        self._to_place.set()
        for ear in ears:
            ear.topics.clear()
            if ear.task is not None and ear.task is not asyncio.current_task():
                ear.task.cancel()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(_PING_SECONDS)
            for ear in list(self._ears.values()):
                if (listening := ear.listening) is None:
                    continue
                if time.monotonic() - ear.heard_at > _SILENCE_SECONDS:
                    log.warning("bus_silent", place=ear.place)
                    await listening.close()
                    continue
                with contextlib.suppress(RedisUnavailable):
                    await listening.ping()
