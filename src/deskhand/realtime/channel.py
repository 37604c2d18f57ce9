"""One session that somebody reads or writes here: its running answer and its recent events, in memory.

Readers pull: a reader that is woken takes what stands after its own position. Nothing is queued per reader, so a slow one costs no
memory and gets larger pieces, and what it gets depends only on its position.

While an answer runs, its `timeline` fixes where in the text each note and each stored event stands. Every reader passes them in that
order, which makes a position exact.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

E = TypeVar("E")

_TAIL = 64
# A reader is told of new text this often: nobody sees the difference, and each telling costs as much as reading a token.
TEXT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Mark(Generic[E]):
    """Something that stands in the text of a running answer, `offset` characters in.

    A note has `number` (1 and up within the attempt) and `seq` None; a stored event has `seq`.
    """

    offset: int
    content: E
    seq: int | None = None
    number: int = 0


class Answer(Generic[E]):
    """The text of one attempt at a turn, as far as it is known here."""

    __slots__ = ("_joined", "_pieces", "begun", "ended", "length", "notes", "remote", "started_seq", "timeline")

    def __init__(self, begun: "Begins", *, remote: bool) -> None:
        self.begun = begun
        self.remote = remote
        # The number of the event that began it; known once that event is admitted to the channel.
        self.started_seq = 0
        self.ended = False
        self.timeline: list[Mark[E]] = []
        self.length = 0
        # The number of the newest note.
        self.notes = 0
        self._pieces: list[str] = []
        self._joined = ""

    @property
    def text(self) -> str:
        if self._pieces:
            self._joined += "".join(self._pieces)
            self._pieces.clear()
        return self._joined

    def append(self, piece: str) -> None:
        self._pieces.append(piece)
        self.length += len(piece)

    def add_note(self, content: E) -> None:
        self.place_note(Mark(offset=self.length, content=content, number=self.notes + 1))

    def place_note(self, note: Mark[E]) -> None:
        """Add a note that stands where the process that gives the answer said."""
        self.timeline.append(note)
        self.notes = note.number


@dataclass(frozen=True, slots=True)
class Begins:
    """The event starts an attempt at a turn."""

    turn_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Ends:
    """The event ends a turn."""

    turn_id: str


Classify = Callable[[E], Begins | Ends | None]


@dataclass(slots=True, eq=False)
class Channel(Generic[E]):
    """One session. `last_seq` is the newest event known here, `None` until somebody has asked the database."""

    classify: Classify[E]
    last_seq: int | None = None
    # A list, because an empty deque takes 0.7 KiB, and most channels are those of idle readers.
    tail: list[tuple[int, E]] = field(default_factory=list)
    answer: Answer[E] | None = None
    early: dict[int, E] = field(default_factory=dict)
    subscriptions: "set[Subscription[E]]" = field(default_factory=set)
    own_answers: dict[Begins, Answer[E]] = field(default_factory=dict)
    writers: int = 0
    closed: bool = False
    text_told_at: float = 0.0
    text_timer: asyncio.TimerHandle | None = None
    # Called when an answer that runs here grew, and when an answer that another process gives was joined in its middle.
    grew: Callable[[], None] | None = None
    joined: Callable[[], None] | None = None

    def show_text(self) -> None:
        """Show what was appended to the answer that runs here."""
        self.wake_for_text()
        if self.grew is not None:
            self.grew()

    def show_note(self) -> None:
        """Show a note that was added to the answer that runs here."""
        self.wake()
        if self.grew is not None:
            self.grew()

    def close(self) -> None:
        """Tell the readers that the session is gone."""
        self.closed = True
        self.wake()

    def wake_for_text(self) -> None:
        """Wake the readers for text: at once if they were not woken for it within `TEXT_SECONDS`, else when that has passed."""
        if self.text_timer is not None or not self.subscriptions:
            return
        loop = asyncio.get_running_loop()
        due = self.text_told_at + TEXT_SECONDS
        if loop.time() >= due:
            self._tell_text()
        else:
            self.text_timer = loop.call_at(due, self._tell_text)

    def _tell_text(self) -> None:
        self.text_timer = None
        self.text_told_at = asyncio.get_running_loop().time()
        self.wake()

    def wake(self) -> None:
        for subscription in self.subscriptions:
            subscription.wake()

    def own_answer(self, begun: Begins) -> Answer[E]:
        """The text of an attempt that runs in this process. Readers see it as soon as the event that began it is admitted."""
        if self.answer is not None and self.answer.begun == begun:
            self.answer.remote = False
            return self.answer
        answer: Answer[E] = Answer(begun, remote=False)
        self.own_answers = {begun: answer}
        return answer

    def join(self, begun: "Begins", *, started_seq: int, text: str) -> None:
        """Take in an answer that another process gives, as far as it is known. Does nothing once the channel knows better."""
        if self.last_seq is not None:
            return
        self.answer = Answer(begun, remote=True)
        self.answer.started_seq = started_seq
        self.answer.append(text)
        self.begin_at(started_seq)
        if self.joined is not None:
            self.joined()

    def begin_at(self, seq: int) -> None:
        """State that everything up to `seq` is in the database. Does nothing once the channel knows better."""
        if self.last_seq is None:
            self.last_seq = seq
            self._admit_early()

    def publish(self, seq: int, event: E) -> None:
        """Add a stored event. Those that overtook an earlier one wait for it; one that is known already is dropped."""
        self.early[seq] = event
        if self.last_seq is not None:
            self._admit_early()

    def events_after(self, seq: int) -> list[tuple[int, E]] | None:
        """Events after `seq` in order, or `None` when some of them are only in the database."""
        if self.last_seq is None:
            return None
        if seq >= self.last_seq:
            return []
        if not self.tail or self.tail[0][0] > seq + 1:
            return None
        return [item for item in self.tail if item[0] > seq]

    @property
    def is_missing_events(self) -> bool:
        return bool(self.early)

    def _admit_early(self) -> None:
        assert self.last_seq is not None
        for seq in [seq for seq in self.early if seq <= self.last_seq]:
            del self.early[seq]
        while (event := self.early.pop(self.last_seq + 1, None)) is not None:
            self.last_seq += 1
            self._admit(self.last_seq, event)
        self.wake()

    def _admit(self, seq: int, event: E) -> None:
        self.tail.append((seq, event))
        if len(self.tail) > _TAIL:
            del self.tail[0]
        kind = self.classify(event)
        if isinstance(kind, Begins):
            if self.answer is not None:
                self.answer.ended = True
            self.answer = self.own_answers.get(kind) or Answer(kind, remote=True)
            self.answer.started_seq = seq
        elif self.answer is not None and not self.answer.ended:
            self.answer.timeline.append(Mark(offset=self.answer.length, content=event, seq=seq))
            self.answer.ended = isinstance(kind, Ends) and kind.turn_id == self.answer.begun.turn_id


class Subscription(Generic[E]):
    """A reader's place at a channel. Woken whenever there may be something new."""

    __slots__ = ("_waiter", "_woken", "channel")

    def __init__(self, channel: Channel[E]) -> None:
        self.channel = channel
        self._woken = False
        self._waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        self._woken = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Wait until woken since the last `wait` returned. For one task at a time: an `asyncio.Event` would take 0.7 KiB more."""
        if not self._woken:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._woken = False
