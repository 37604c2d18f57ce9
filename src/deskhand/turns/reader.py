"""Reading a session live: what is stored, then what passes, from any position, each thing once and in order.

A reader subscribes before it asks the database, so that nothing falls between the two.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from deskhand.clock import Clock, to_iso
from deskhand.ids import SessionId
from deskhand.persistence import Database, GatheredRead
from deskhand.realtime import Answer, Begins, Channel, Hub
from deskhand.sessions import SessionNotFound
from deskhand.sessions.log import list_events
from deskhand.turns.events import Resync, SessionEvent, Started, Text
from deskhand.turns.position import Position
from deskhand.turns.render import to_event
from deskhand.turns.standing import Elsewhere, Standing

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Ground:
    """What all readers of a process stand on. `has_peers`: other processes serve the same sessions."""

    database: Database
    standings: GatheredRead[SessionId, Standing]
    clock: Clock
    has_peers: bool


class SessionReader:
    """One reader of one session. Holds a position and a place in the running answer, nothing else."""

    __slots__ = ("_answer", "_channel", "_entered", "_ground", "_next_mark", "_position", "_session_id", "_with_text")

    def __init__(self, session_id: SessionId, channel: Channel[SessionEvent], *, ground: Ground, with_text: bool) -> None:
        self._session_id = session_id
        self._channel = channel
        self._ground = ground
        self._with_text = with_text
        self._position = Position(0)
        self._answer: Answer[SessionEvent] | None = None
        # Where in the running answer it came in, as the offset and the number of the last note seen.
        self._entered = (0, 0)
        self._next_mark = 0

    async def begin(self, after: str | None) -> list[SessionEvent]:
        """Take the position `after` (None: the end). Returns a `Resync` when it is no position of this session.

        Raises:
            SessionNotFound: the session is gone.
        """
        position = Position.parse(after) if after is not None else None
        if position is not None and self._channel.last_seq is not None and position.seq <= self._channel.last_seq:
            # The channel is followed already: by a worker, who holds the session, or by a reader, for whom the database is polled.
            self._position = position
            return []
        newest = await _catch_up(self._channel, self._session_id, ground=self._ground)
        if after is None:
            self._position = Position(newest)
            return []
        if position is None or position.seq > newest:
            self._position = Position(newest)
            return [Resync(id=str(newest), timestamp=self._now(), reason="unknown_position")]
        self._position = position
        return []

    async def take(self) -> list[SessionEvent]:
        """What stands after the position now; empty when there is nothing new."""
        taken: list[SessionEvent] = []
        while True:
            self._enter_running_answer(taken)
            if self._answer is not None:
                self._take_from_answer(self._answer, taken)
                if self._answer is not None:
                    return taken
            before = len(taken)
            await self._take_stored(taken)
            if len(taken) == before and not self._can_enter():
                return taken
            if len(taken) >= _BATCH:
                return taken

    def _can_enter(self) -> bool:
        answer = self._channel.answer
        return (
            self._with_text
            and self._answer is None
            and answer is not None
            and not answer.ended
            and 0 < answer.started_seq <= self._position.seq
            # A reader that another server took further than this one has heard may have seen the answer's end.
            and self._position.seq <= (self._channel.last_seq or 0)
        )

    def _enter_running_answer(self, taken: list[SessionEvent]) -> None:
        if not self._can_enter():
            return
        answer = self._channel.answer
        assert answer is not None
        self._answer = answer
        position = self._position
        self._entered = (0, 0)
        if position.attempt == answer.begun.attempt:
            self._entered = (position.offset, position.note or 0)
            self._next_mark = _first_unseen(answer, position)
            return
        attempt = answer.begun.attempt
        # A stored event stands elsewhere in the text for another process, and there this reader may have seen it.
        for index, mark in enumerate(() if self._ground.has_peers else answer.timeline):
            if mark.seq == position.seq:
                self._next_mark = index + 1
                self._position = Position(position.seq, attempt, mark.offset, _last_note_before(answer, index))
                return
        self._next_mark = 0
        self._position = Position(position.seq, attempt, 0)
        if position.seq > answer.started_seq:
            # Where in the text that event stood for this reader is not known: the text starts anew.
            taken.append(Started(id=f"{position.seq}.{attempt}.0.0", timestamp=self._now(), turn_id=answer.begun.turn_id, attempt=attempt))

    def _take_from_answer(self, answer: Answer[SessionEvent], taken: list[SessionEvent]) -> None:
        while self._next_mark < len(answer.timeline):
            mark = answer.timeline[self._next_mark]
            self._next_mark += 1
            if mark.seq is not None and mark.seq <= self._position.seq:
                continue
            # Another process's note may come here behind the text it stands in.
            if mark.seq is None and (mark.offset, mark.number) <= self._entered:
                continue
            self._take_text(answer, mark.offset, taken)
            if mark.seq is None:
                self._position = self._position.at_note(mark.number)
                taken.append(msgspec.structs.replace(mark.content, id=str(self._position)))
            else:
                self._position = replace(self._position, seq=mark.seq)
                taken.append(mark.content)
        if answer.ended:
            self._answer = None
            self._position = Position(self._position.seq)
        else:
            self._take_text(answer, answer.length, taken)

    def _take_text(self, answer: Answer[SessionEvent], end: int, taken: list[SessionEvent]) -> None:
        start = self._position.offset
        if end > start:
            self._position = self._position.at_text(end)
            taken.append(Text(id=str(self._position), timestamp=self._now(), turn_id=answer.begun.turn_id, delta=answer.text[start:end]))

    async def _take_stored(self, taken: list[SessionEvent]) -> None:
        known = self._channel.events_after(self._position.seq)
        if known is None:
            after = self._position.seq
            rows = await self._ground.database.read(
                lambda connection: list_events(connection, self._session_id, after_seq=after, limit=_BATCH)
            )
            known = [(row.seq, to_event(row)) for row in rows]
        for seq, event in known:
            self._position = Position(seq)
            taken.append(event)
            if self._can_enter():
                return

    def _now(self) -> str:
        return to_iso(self._ground.clock.now())


def _first_unseen(answer: Answer[SessionEvent], position: Position) -> int:
    """The index of the first mark that a reader at `position` has not seen."""
    last_note = (position.offset, position.note or 0)
    for index, mark in enumerate(answer.timeline):
        # A stored event by its number alone: a reader that comes from another process may be further in the text than this one was then.
        if (mark.seq > position.seq) if mark.seq is not None else ((mark.offset, mark.number) > last_note):
            return index
    return len(answer.timeline)


def _last_note_before(answer: Answer[SessionEvent], index: int) -> int | None:
    """The newest note that stands before the mark at `index`, at the same place in the text."""
    offset = answer.timeline[index].offset
    numbers = [mark.number for mark in answer.timeline[:index] if mark.seq is None and mark.offset == offset]
    return numbers[-1] if numbers else None


class Watch:
    """A session that is kept at hand while the `with` lasts: its streams begin without asking the database."""

    __slots__ = ("_channel", "_ground", "_session_id", "_subscribing")

    def __init__(self, session_id: SessionId, *, hub: Hub[SessionEvent], ground: Ground) -> None:
        self._session_id = session_id
        self._subscribing = hub.subscribe(session_id)
        self._ground = ground

    def __enter__(self) -> Self:
        self._channel = self._subscribing.__enter__().channel
        return self

    def __exit__(self, *_: object) -> None:
        self._subscribing.__exit__()

    async def last_event_id(self) -> str:
        """The id of the newest stored event; "0" when there is none yet.

        Raises:
            SessionNotFound: there is no such session.
        """
        return str(await _catch_up(self._channel, self._session_id, ground=self._ground))


async def _catch_up(channel: Channel[SessionEvent], session_id: SessionId, *, ground: Ground) -> int:
    """Tell a channel where its session stands, unless it knows better; returns the number of the newest event. For who subscribed before.

    Raises:
        SessionNotFound: the session is gone.
    """
    standing = await ground.standings.ask(session_id)
    if standing is None:
        raise SessionNotFound
    if standing.elsewhere is not None and channel.last_seq is None:
        _join(channel, standing.elsewhere)
    channel.begin_at(standing.last_seq)
    # The channel may be behind the database: another process stored what it has not heard of yet.
    return max(standing.last_seq, channel.last_seq or 0)


def _join(channel: Channel[SessionEvent], elsewhere: Elsewhere) -> None:
    turn = elsewhere.turn
    channel.join(Begins(turn.id, turn.attempt), started_seq=turn.started_seq or 0, text=turn.partial)
    for stored in elsewhere.later:
        channel.publish(stored.seq, to_event(stored))


async def read_session(
    session_id: SessionId,
    *,
    hub: Hub[SessionEvent],
    ground: Ground,
    after: str | None,
    with_text: bool,
    has_closed: Callable[[], bool],
) -> AsyncGenerator[list[SessionEvent]]:
    """The events of a session after the id `after` (None: from now on), those together that are there at once, until the session is gone
    or `has_closed`.

    Raises:
        SessionNotFound: there is no such session.
    """
    with hub.subscribe(session_id) as subscription:
        reader = SessionReader(session_id, subscription.channel, ground=ground, with_text=with_text)
        if missed := await reader.begin(after):
            yield missed
        while not has_closed() and not subscription.channel.closed:
            if taken := await reader.take():
                yield taken
            else:
                await subscription.wait()
