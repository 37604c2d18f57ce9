"""Carries what passes in sessions from the process where it happens to those that watch: stored events, and the text of running answers.

Nothing here is believed for its own sake. An event says its number and text its place in the answer, so what comes twice is dropped, and
what is missing is noticed and fetched: events from the database (`lagging`), text from the worker that produces it, which is asked to tell
the whole (`Want`). The invariant: a reader is given nothing here that it would not be given by the process that runs the turn.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from deskhand.realtime.bus import Bus
from deskhand.realtime.channel import TEXT_SECONDS, Answer, Begins, Channel, Mark

E = TypeVar("E")

_WANT_SECONDS: Final = 0.3
# Who answers a message wants the answer of the next one too: joining anew each time would cost more than staying.
_LINGER_SECONDS: Final = 15.0
_SESSION: Final = "session:"
_WORKER: Final = "worker:"


class Stored(msgspec.Struct, frozen=True, tag="stored", array_like=True):
    """An event that was committed, encoded."""

    seq: int
    event: bytes


class Note(msgspec.Struct, frozen=True, array_like=True):
    """A note of the running answer, `offset` characters in; the first of the attempt has the number 1."""

    offset: int
    number: int
    event: bytes


class Progress(msgspec.Struct, frozen=True, tag="progress", array_like=True):
    """The answer grew: `text` stands at `offset`, and `noted` notes stand before `notes`. `worker` can tell the whole."""

    worker: str
    turn_id: str
    attempt: int
    started_seq: int
    offset: int
    text: str
    notes: tuple[Note, ...]
    # Last and with a default: processes of earlier versions neither say nor read it.
    noted: int = 0


class Gone(msgspec.Struct, frozen=True, tag="gone", array_like=True):
    """The session was deleted."""


class Want(msgspec.Struct, frozen=True, array_like=True):
    """Said to a worker: tell the whole of the answer that runs in this session."""

    session_id: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Stored | Progress | Gone)
_want_decoder = msgspec.msgpack.Decoder(Want)


@dataclass(frozen=True, slots=True)
class Codec(Generic[E]):
    """How an event becomes bytes and is read again. `decode` raises ValueError for what is no event."""

    encode: Callable[[E], bytes]
    decode: Callable[[bytes], E]


@dataclass(slots=True)
class _Sent(Generic[E]):
    """How much of an answer was told."""

    answer: Answer[E]
    offset: int = 0
    notes: int = 0


class Relay(Generic[E]):
    """One process's part. `worker` is the name under which its turns run."""

    def __init__(self, bus: Bus, *, worker: str, codec: Codec[E], lagging: Callable[[str], None]) -> None:
        """`lagging` is told of each session of which something may be stored that is not known here."""
        self._bus = bus
        self._worker = worker
        self._codec = codec
        self._lagging = lagging
        self._channels: dict[str, Channel[E]] = {}
        self._watched: dict[str, asyncio.TimerHandle | None] = {}
        self._sent: dict[str, _Sent[E]] = {}
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._told_at: dict[str, float] = {}
        self._wanted_at: dict[str, float] = {}
        self._wanted: dict[str, asyncio.TimerHandle] = {}

    @property
    def is_connected(self) -> bool:
        return self._bus.is_connected

    def start(self) -> None:
        self._bus.join(_WORKER + self._worker, self._hear_want, joined=lambda: None)
        self._bus.start()

    def close(self) -> None:
        """Stop telling and hearing. The bus is closed by whoever made it."""
        for handle in [*self._due.values(), *self._wanted.values(), *(handle for handle in self._watched.values() if handle is not None)]:
            handle.cancel()
        self._due.clear()

    def open(self, session_id: str, channel: Channel[E]) -> None:
        """The channel lives from now on until `forget`."""
        self._channels[session_id] = channel
        channel.grew = lambda: self._grew(session_id)
        channel.joined = lambda: self._lagging(session_id)

    def forget(self, session_id: str) -> None:
        self._channels.pop(session_id, None)
        self._sent.pop(session_id, None)
        self._told_at.pop(session_id, None)
        self._wanted_at.pop(session_id, None)
        for timers in (self._due, self._wanted):
            if (handle := timers.pop(session_id, None)) is not None:
                handle.cancel()

    def watch(self, session_id: str) -> None:
        """Hear what passes in the session."""
        lingering = self._watched.get(session_id)
        if lingering is not None:
            lingering.cancel()
        is_new = session_id not in self._watched
        self._watched[session_id] = None
        if is_new:
            self._bus.join(_SESSION + session_id, lambda message: self._hear(session_id, message), joined=lambda: self._joined(session_id))

    def unwatch(self, session_id: str) -> None:
        """Nobody reads it here any more; it is heard on for a moment, in case somebody soon does again."""
        if session_id in self._watched and self._watched[session_id] is None:
            self._watched[session_id] = asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._leave, session_id)

    def tell_stored(self, session_id: str, seq: int, event: E) -> None:
        self._flush(session_id)
        self._tell(session_id, Stored(seq, self._codec.encode(event)))

    def tell_gone(self, session_id: str) -> None:
        self._tell(session_id, Gone())

    def want(self, session_id: str, worker: str) -> None:
        """Ask `worker` for the whole of the answer that it gives in the session."""
        if session_id in self._wanted:
            return
        loop = asyncio.get_running_loop()
        wait = self._wanted_at.get(session_id, -_WANT_SECONDS) + _WANT_SECONDS - loop.time()
        if wait > 0:
            # The last one may have been answered before there was anywhere to put the answer.
            self._wanted[session_id] = loop.call_later(wait, self._send_want, session_id, worker)
        else:
            self._send_want(session_id, worker)

    def _send_want(self, session_id: str, worker: str) -> None:
        self._wanted.pop(session_id, None)
        if session_id in self._channels:
            self._wanted_at[session_id] = asyncio.get_running_loop().time()
            self._bus.send(_WORKER + worker, _encoder.encode(Want(session_id)))

    def _leave(self, session_id: str) -> None:
        if self._watched.pop(session_id, None) is not None:
            self._bus.leave(_SESSION + session_id)

    def _tell(self, session_id: str, message: "Stored | Progress | Gone") -> None:
        self._bus.send(_SESSION + session_id, _encoder.encode(message))

    def _grew(self, session_id: str) -> None:
        """An answer grew here: tell it at once if nothing was told within `TEXT_SECONDS`, else when that has passed."""
        if session_id in self._due:
            return
        loop = asyncio.get_running_loop()
        due = self._told_at.get(session_id, -TEXT_SECONDS) + TEXT_SECONDS
        if loop.time() >= due:
            self._flush(session_id)
        else:
            self._due[session_id] = loop.call_at(due, self._flush, session_id)

    def _flush(self, session_id: str) -> None:
        if (handle := self._due.pop(session_id, None)) is not None:
            handle.cancel()
        channel = self._channels.get(session_id)
        answer = channel.answer if channel is not None else None
        if answer is None or answer.remote:
            return
        sent = self._sent.get(session_id)
        if sent is None or sent.answer is not answer:
            sent = self._sent[session_id] = _Sent(answer)
        notes = tuple(
            Note(mark.offset, mark.number, self._codec.encode(mark.content))
            for mark in answer.timeline
            if mark.seq is None and mark.number > sent.notes
        )
        if not notes and answer.length == sent.offset:
            return
        begun = answer.begun
        text = answer.text[sent.offset :]
        self._tell(
            session_id,
            Progress(
                self._worker, begun.turn_id, begun.attempt, answer.started_seq, offset=sent.offset, text=text, notes=notes, noted=sent.notes
            ),
        )
        sent.offset = answer.length
        sent.notes += len(notes)
        self._told_at[session_id] = asyncio.get_running_loop().time()

    def _joined(self, session_id: str) -> None:
        channel = self._channels.get(session_id)
        if channel is not None and channel.writers == 0:
            self._lagging(session_id)

    def _hear(self, session_id: str, message: bytes) -> None:
        channel = self._channels.get(session_id)
        if channel is None:
            return
        try:
            said: Stored | Progress | Gone = _decoder.decode(message)
        except (msgspec.DecodeError, msgspec.ValidationError):
            # Of another version, during a deployment; the database tells the same.
            return
        match said:
            case Stored():
                self._hear_stored(session_id, channel, said)
            case Progress():
                self._hear_progress(session_id, channel, said)
            case Gone():
                channel.close()

    def _hear_stored(self, session_id: str, channel: Channel[E], said: Stored) -> None:
        try:
            event = self._codec.decode(said.event)
        except ValueError:
            self._lagging(session_id)
            return
        channel.publish(said.seq, event)
        if channel.last_seq is not None and channel.is_missing_events:
            self._lagging(session_id)

    def _hear_progress(self, session_id: str, channel: Channel[E], said: Progress) -> None:
        begun = Begins(said.turn_id, said.attempt)
        answer = channel.answer
        if answer is None or answer.begun != begun:
            if channel.last_seq is not None and said.started_seq > channel.last_seq:
                self._lagging(session_id)
            return
        if not answer.remote or answer.ended:
            return
        if said.offset > answer.length or said.noted > answer.notes:
            self.want(session_id, said.worker)
            return
        try:
            notes = [Mark(note.offset, self._codec.decode(note.event), number=note.number) for note in said.notes]
        except ValueError:
            return
        _extend(answer, said.text, at=said.offset, notes=notes)
        channel.wake_for_text()

    def _hear_want(self, message: bytes) -> None:
        try:
            session_id = _want_decoder.decode(message).session_id
        except (msgspec.DecodeError, msgspec.ValidationError):
            return
        self._sent.pop(session_id, None)
        if session_id in self._channels:
            self._grew(session_id)


def _extend(answer: Answer[E], text: str, *, at: int, notes: list[Mark[E]]) -> None:
    """Take in what is new of `text`, which stands at `at`, and of `notes`, each in its place."""
    for note in notes:
        if note.number > answer.notes:
            _append(answer, text, at=at, until=note.offset)
            answer.place_note(note)
    _append(answer, text, at=at, until=at + len(text))


def _append(answer: Answer[E], text: str, *, at: int, until: int) -> None:
    if until > answer.length:
        answer.append(text[answer.length - at : until - at])
