"""The desk's lists as they change: one task of this process reads what changed and hands it to all who listen here.

The invariant: a notice only says that it is time to look. What listeners are told was read from the database, and whoever may have missed
something is told to read their list again.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from deskhand.clock import Clock
from deskhand.handoff.deadlines import Deadline
from deskhand.handoff.ticket import TicketState
from deskhand.ids import SessionId, StaffId
from deskhand.insights import repository
from deskhand.insights.conversation import Conversation
from deskhand.insights.repository import Counts
from deskhand.persistence import Database
from deskhand.realtime import Hearing, Notices

_TOPIC = "desk"
# So long what happens is gathered; so often the lists are counted at most.
_GATHER_SECONDS = 0.1
_COUNT_SECONDS = 1.0
# Where other processes may not be heard, what they changed is looked for.
_LOOK_SECONDS = 2.0
_MOST_WAITING = 500
_MOST_AT_ONCE = 200


class NoticeKind(StrEnum):
    NEW = "new"
    ASSIGNED_TO_YOU = "assigned_to_you"
    CUSTOMER_REPLIED = "customer_replied"
    SLA = "sla"


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
class Notice:
    """Something that a person should look at. `staff_id` is who; None means everybody. `deadline` is the one that has passed."""

    kind: NoticeKind
    session_id: SessionId
    staff_id: StaffId | None = None
    deadline: Deadline | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """The customer is typing."""

    session_id: SessionId


Update = Changed | Removed | Counted | Notice | Typed


class _Heard(msgspec.Struct, frozen=True):
    """What passes between processes: what happened in a session, by the types of its events or by `told`."""

    session_id: str
    happened: list[str] = []
    told: NoticeKind | None = None
    staff_id: str | None = None
    deadline: Deadline | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Heard)


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

    def changed(self, session_id: SessionId, happened: Iterable[str] = ()) -> None:
        """Say that something happened in a session; `happened` are the types of its new events. Returns at once."""
        self._tell(_Heard(session_id, list(happened)))

    def notify(self, kind: NoticeKind, session_id: SessionId, *, staff_id: StaffId | None = None, deadline: Deadline | None = None) -> None:
        """Ask somebody, or with None everybody, to look at a conversation; `deadline` is the one that has passed there."""
        self._tell(_Heard(session_id, told=kind, staff_id=staff_id, deadline=deadline))

    def typed(self, session_id: SessionId) -> None:
        self._tell(_Heard(session_id, ["typing"]))

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
                if not self._listeners:
                    continue
                if not is_whole:
                    self._put([None])
                    continue
                await self._look_for_others(heard)
                for at in range(0, len(heard), _MOST_AT_ONCE):
                    self._put(await self._read(heard[at : at + _MOST_AT_ONCE]))
                await self._count(has_news=bool(heard))

    async def _gather(self, hearing: Hearing) -> tuple[list[_Heard], bool]:
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

    async def _look_for_others(self, heard: list[_Heard]) -> None:
        """Add the sessions that other processes changed, should their notices have been lost."""
        now = self._clock.monotonic()
        if self._database.dialect == "sqlite" or now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        known = {one.session_id for one in heard}
        changed, self._seen_until = await self._database.read(
            lambda connection: repository.list_changed_since(connection, self._seen_until, limit=_MOST_AT_ONCE)
        )
        heard.extend(_Heard(session_id) for session_id in changed if session_id not in known)

    async def _read(self, heard: Sequence[_Heard]) -> list[Update]:
        changed = list(dict.fromkeys(one.session_id for one in heard if one.happened != ["typing"]))
        found = {one.id: one for one in await self._database.read(lambda connection: repository.list_conversations(connection, changed))}
        updates: list[Update] = []
        for session_id in changed:
            known_id = SessionId(session_id)
            updates.append(Changed(found[known_id]) if known_id in found else Removed(known_id))
        for one in heard:
            if one.happened == ["typing"]:
                updates.append(Typed(SessionId(one.session_id)))
            if (notice := _notice_of(one, found.get(SessionId(one.session_id)))) is not None:
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

    def _tell(self, heard: _Heard) -> None:
        self._notices.tell(_TOPIC, _encoder.encode(heard))


def _notice_of(heard: _Heard, conversation: Conversation | None) -> Notice | None:
    """What a person should look at because of this."""
    session_id = SessionId(heard.session_id)
    if heard.told is not None:
        return Notice(heard.told, session_id, StaffId(heard.staff_id) if heard.staff_id is not None else None, heard.deadline)
    ticket = conversation.open_ticket if conversation is not None else None
    if ticket is None:
        return None
    if "escalation" in heard.happened and ticket.state is TicketState.WAITING:
        return Notice(NoticeKind.NEW, session_id)
    if "acknowledged" in heard.happened and ticket.assignee_id is not None:
        return Notice(NoticeKind.CUSTOMER_REPLIED, session_id, ticket.assignee_id)
    return None
