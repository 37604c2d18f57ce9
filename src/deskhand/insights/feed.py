"""The desk's lists as they change: one task of this process reads what changed and hands it to all who listen here.

The invariant: a notice only says that it is time to look. What listeners are told was read from the database, and whoever may have missed
something is told to read their list again.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import msgspec

from deskhand.clock import Clock
from deskhand.handoff.deadlines import Deadline
from deskhand.ids import SessionId, StaffId
from deskhand.insights import repository
from deskhand.insights.conversation import Conversation
from deskhand.insights.notice import Heard, Notice, NoticeKind, notice_of, typed_in
from deskhand.insights.passing import Passing
from deskhand.insights.repository import Counts
from deskhand.persistence import Database
from deskhand.realtime import Hearing, Notices

_TOPIC = "desk"
# So long what happens is gathered; so often the lists are counted at most.
_GATHER_SECONDS = 0.1
_COUNT_SECONDS = 1.0
# What other processes changed is looked for: where they are heard, because some of it may be lost, and else because it is all there is.
_LOOK_SECONDS = 2.0
_LOOK_ALONE_SECONDS = 1.0
_MOST_WAITING = 500
_MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Changed:
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Removed:
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class Counted:
    counts: Counts


@dataclass(frozen=True, slots=True)
class Typed:
    """The customer is typing."""

    session_id: SessionId


Update = Changed | Removed | Counted | Notice | Typed


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Heard)


class Listener:
    """One listener's place. For one task at a time."""

    def __init__(self) -> None:
        self._waiting: deque[Update | None] = deque()
        self._changed = asyncio.Event()

    async def next(self) -> list[Update] | None:
        """Wait for what changes. None: something may have been missed; read the list again."""
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        if None in self._waiting:
            self._waiting.clear()
            return None
        updates = [update for update in self._waiting if update is not None]
        self._waiting.clear()
        return updates

    def put(self, updates: Sequence[Update | None]) -> None:
        if len(self._waiting) + len(updates) > _MOST_WAITING:
            self._waiting.clear()
            updates = [None]
        self._waiting.extend(updates)
        self._changed.set()


class Inbox:
    def __init__(self, database: Database, notices: Notices, *, clock: Clock) -> None:
        self._database = database
        self._notices = notices
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._counted: Counts | None = None
        self._counted_at = 0.0
        self._is_stale = False
        self._looked_at = 0.0
        self._seen_until: float | None = None
        self._has_others = database.dialect == "postgresql"
        self._passing = Passing(database) if self._has_others and not notices.reaches_others else None

    @property
    def knows_who_is_there(self) -> bool:
        """Whether everybody's console is known here; not where other processes are heard through the database alone."""
        return self._passing is None

    def changed(self, session_id: SessionId, happened: Iterable[str] = ()) -> None:
        """Say that something happened in a session; `happened` are the types of its new events. Returns at once."""
        self._tell(Heard(session_id, list(happened)))

    def notify(self, kind: NoticeKind, session_id: SessionId, *, staff_id: StaffId | None = None, deadline: Deadline | None = None) -> None:
        """Ask somebody, or with None everybody, to look at a conversation; `deadline` is the one that has passed there."""
        self._tell(Heard(session_id, told=kind, staff_id=staff_id, deadline=deadline))

    def typed(self, session_id: SessionId) -> None:
        self._tell(typed_in(session_id))

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Hear of all that changes within the block."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def run(self) -> None:
        """Tell the listeners of what changes, for ever."""
        with self._notices.hear(_TOPIC) as hearing:
            while True:
                heard, is_whole = await self._gather(hearing)
                if self._listeners:
                    await self._tell_listeners(heard, is_whole=is_whole)
                else:
                    self._skip()
                if self._passing is not None:
                    await self._passing.pass_on(heard)

    async def _tell_listeners(self, heard: Sequence[Heard], *, is_whole: bool) -> None:
        others = await self._look_for_others(heard) if is_whole else None
        if others is None:
            self._put([None])
            return
        news = [*heard, *others]
        for at in range(0, len(news), _MOST_AT_ONCE):
            self._put(await self._read(news[at : at + _MOST_AT_ONCE]))
        await self._count(has_news=bool(news))

    def _skip(self) -> None:
        """Whoever begins to listen reads the lists then."""
        self._seen_until, self._looked_at = None, 0.0
        if self._passing is not None:
            self._passing.skip()

    async def _gather(self, hearing: Hearing) -> tuple[list[Heard], bool]:
        """What was heard in a short while; False when something may have been missed."""
        gathered: list[bytes | None] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(_COUNT_SECONDS):
                gathered.append(await hearing.next())
        # Where something was missed, what is heard from here on is told by itself: whoever begins to listen now has missed nothing.
        if gathered and gathered[0] is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GATHER_SECONDS):
                    while len(gathered) < _MOST_AT_ONCE:
                        gathered.append(await hearing.next())
        heard = []
        for notice in gathered:
            if notice is not None:
                with suppress(msgspec.DecodeError, msgspec.ValidationError):
                    heard.append(_decoder.decode(notice))
        return heard, None not in gathered

    async def _look_for_others(self, heard: Sequence[Heard]) -> list[Heard] | None:
        """What other processes changed or passed on, should this one not have heard of it; None: too much to be sure of all."""
        now = self._clock.monotonic()
        pause = _LOOK_SECONDS if self._passing is None else _LOOK_ALONE_SECONDS
        if not self._has_others or now - self._looked_at < pause:
            return []
        self._looked_at = now
        changed, self._seen_until = await self._database.read(
            lambda connection: repository.list_changed_since(connection, self._seen_until, limit=_MOST_AT_ONCE)
        )
        passed = await self._passing.collect(limit=_MOST_AT_ONCE) if self._passing is not None else []
        if passed is None or (self._passing is not None and len(changed) == _MOST_AT_ONCE):
            return None
        known = {one.session_id for one in (*heard, *passed)}
        return [*passed, *(Heard(session_id) for session_id in changed if session_id not in known)]

    async def _read(self, heard: Sequence[Heard]) -> list[Update]:
        changed = list(dict.fromkeys(one.session_id for one in heard if not one.is_typing))
        found = {one.id: one for one in await self._database.read(lambda connection: repository.list_conversations(connection, changed))}
        updates: list[Update] = []
        for session_id in changed:
            known_id = SessionId(session_id)
            updates.append(Changed(found[known_id]) if known_id in found else Removed(known_id))
        for one in heard:
            if one.is_typing:
                updates.append(Typed(SessionId(one.session_id)))
            about = found.get(SessionId(one.session_id))
            if (notice := notice_of(one, about.open_ticket if about is not None else None)) is not None:
                updates.append(notice)
        return updates

    async def _count(self, *, has_news: bool) -> None:
        now = self._clock.monotonic()
        self._is_stale = self._is_stale or has_news
        if not self._is_stale or now - self._counted_at < _COUNT_SECONDS:
            return
        self._is_stale, self._counted_at = False, now
        counts = await self._database.read(repository.count_lists)
        if counts != self._counted:
            self._counted = counts
            self._put([Counted(counts)])

    def _put(self, updates: Sequence[Update | None]) -> None:
        for listener in self._listeners:
            listener.put(updates)

    def _tell(self, heard: Heard) -> None:
        self._notices.tell(_TOPIC, _encoder.encode(heard))
