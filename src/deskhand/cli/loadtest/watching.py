"""What one reader of a session is sent, event by event, and what is wrong with it. Knows no network and no clock.

Invariant: `faults` holds only what a server did: something lost, doubled, out of order, or other than what it said it was.
"""

from dataclasses import dataclass, field, replace
from typing import Any

_TERMINAL = frozenset({"complete", "error", "cancelled"})

Event = dict[str, Any]


def place(event_id: str) -> tuple[int, ...]:
    """The ids of a session grow when they are compared like this."""
    return tuple(int(part) for part in event_id.split("."))


@dataclass(frozen=True, slots=True)
class Watch:
    """What was seen up to `cursor`. Where `sees_all`, every stored event of the session passes here, so that none may be missing."""

    sees_all: bool = False
    cursor: str = "0"
    turn_id: str | None = None
    attempt: int = 0
    text: str = ""
    ended: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()

    def take(self, event: Event) -> "Watch":
        """What is known once `event` came behind the others."""
        here, before = place(event["id"]), place(self.cursor)
        if here <= before:
            return self._wrong(f"event {event['id']} came after {self.cursor}", cursor=self.cursor)
        seen = self
        if self.sees_all and len(here) == 1 and here[0] != before[0] + 1:
            seen = seen._wrong(f"event {event['id']} came after {self.cursor}: some are missing", cursor=event["id"])
        seen = replace(seen, cursor=event["id"])
        turn_id = event.get("turn_id")
        if turn_id is not None and turn_id in self.ended:
            return seen._wrong(f"{event['type']} came after the end of its turn", cursor=event["id"])
        match event["type"]:
            case "started":
                if seen.turn_id is not None and seen.turn_id != turn_id:
                    seen = seen._wrong("a turn started while another ran", cursor=event["id"])
                return replace(seen, turn_id=turn_id, attempt=event["attempt"], text="")
            case "text":
                return seen._read(event, here)
            case kind if kind in _TERMINAL and turn_id is not None:
                return seen._end(event, turn_id)
            case _:
                return seen

    def _read(self, event: Event, here: tuple[int, ...]) -> "Watch":
        if event["turn_id"] != self.turn_id or here[1] != self.attempt:
            return self._wrong("text of a turn or an attempt that does not run", cursor=event["id"])
        text = self.text + event["delta"]
        seen = replace(self, text=text)
        return seen if len(text) == here[2] else seen._wrong(f"the text at {event['id']} has {len(text)} characters", cursor=event["id"])

    def _end(self, event: Event, turn_id: str) -> "Watch":
        whole = event["message"] if event["type"] == "complete" else event["partial"]
        seen = replace(self, turn_id=None, text="", ended=self.ended | {turn_id})
        # Who comes when an answer has ended is told it whole, at once; of one that was cut off, more may have been shown than was kept.
        if self.turn_id != turn_id or whole.startswith(self.text) or (event["type"] != "complete" and self.text.startswith(whole)):
            return seen
        return seen._wrong("an answer ended as another than was shown", cursor=event["id"])

    def _wrong(self, what: str, *, cursor: str) -> "Watch":
        return replace(self, faults=(*self.faults, what), cursor=cursor)


@dataclass(slots=True)
class Reader:
    """A watch over one connection after the other.

    On a WebSocket, events may pass before the server hears `resume`; the ids then step back once, and what came before counts as not seen.
    So it does when the connection ends before they did.
    """

    watch: Watch
    _before: Watch | None = field(default=None)
    _is_ahead: bool = field(default=False)

    def reconnect(self, *, may_step_back: bool) -> None:
        if self._before is not None and self._is_ahead:
            self.watch = self._before
        self._before = self.watch if may_step_back else None
        self._is_ahead = False

    def take(self, event: Event) -> bool:
        """Whether the event is a new one."""
        here, seen = place(event["id"]), place(self.watch.cursor)
        if self._before is not None and here <= seen:
            self.watch, self._before = self._before, None
            if here <= place(self.watch.cursor):
                return False
        elif self._before is self.watch:
            # The first one: whether something between it and what was seen is missing.
            self._is_ahead = here[0] != seen[0] + (len(here) == 1)
        self.watch = self.watch.take(event)
        return True


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a customer said and was promised, and what came of it. `answer` is None where no whole one came."""

    client_message_id: str
    content: str
    acknowledged: bool
    answer: str | None


def check_transcript(exchanges: list[Exchange], stored: list[dict[str, Any]]) -> list[str]:
    """What a session's transcript lacks, has twice, or has in another order than it was said in.

    `stored` are the messages as the API lists them. Something that was sent and never acknowledged may be there or not.
    """
    wrong: list[str] = []
    contents = [message["content"] for message in stored if message["role"] == "customer"]
    must = [exchange.content for exchange in exchanges if exchange.acknowledged]
    may = {exchange.content for exchange in exchanges}
    wrong += [f"lost: {content!r} was acknowledged" for content in must if content not in contents]
    wrong += [f"doubled: {content!r}" for content in sorted(set(contents)) if contents.count(content) > 1]
    wrong += [f"strange: {content!r} was not said here" for content in contents if content not in may]
    said = [exchange.content for exchange in exchanges]
    in_order = [said.index(content) for content in contents if content in may]
    if in_order != sorted(in_order):
        wrong.append("out of order: what was said is stored in another order")
    answers = [message["content"] for message in stored if message["role"] == "assistant" and message["status"] == "complete"]
    expected = [exchange.answer for exchange in exchanges if exchange.answer is not None]
    position = 0
    for answer in expected:
        if answer not in answers[position:]:
            wrong.append("lost: an answer that was shown is not stored, or not in its place")
            break
        position = answers.index(answer, position) + 1
    if len(answers) > len(exchanges):
        wrong.append(f"doubled: {len(answers)} answers to {len(exchanges)} messages")
    return wrong
