"""What must hold of a session's rows at every moment, whatever was killed: S2 to S6, S8 and S10 to S13 of the turn's rules.

It is read with SQL of its own and folds the events by itself, so that it shares no mistake with the code that wrote them.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Any
Select = Callable[[str, dict[str, Any]], Sequence[Row]]

ACTIVE = ("running", "streaming", "awaiting")
TERMINAL = {"complete": "completed", "error": "failed", "cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class Event:
    seq: int
    turn_id: str | None
    fence: int
    attempt: int
    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredMessage:
    id: str
    seq: int
    role: str
    content: str
    status: str
    client_message_id: str | None
    turn_id: str | None


@dataclass(frozen=True, slots=True)
class StoredTurn:
    id: str
    seq: int
    state: str
    attempt: int
    fence: int
    lease_until: float | None
    partial: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class History:
    """All that is stored of one session, each list in order."""

    session_id: str
    status: str
    last_seq: int
    events: tuple[Event, ...]
    messages: tuple[StoredMessage, ...]
    turns: tuple[StoredTurn, ...]
    intents: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()


@dataclass(slots=True)
class _Fold:
    """The transcript as a reader of the events has it, and what was wrong on the way."""

    messages: list[tuple[str, int, str, str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    status: str = "active"
    running: str | None = None
    attempts: dict[str, int] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    first_starts: list[str] = field(default_factory=list)
    fence: int = 0
    started_fence: int = -1

    def take(self, event: Event) -> None:
        if event.turn_id is not None and event.turn_id in self.ended:
            self.wrong.append(f"S5: event {event.seq} ({event.type}) of {event.turn_id} comes after its end")
        if event.fence < self.fence:
            self.wrong.append(f"S4: event {event.seq} carries fence {event.fence} after {self.fence}")
        self.fence = event.fence
        match event.type:
            case "acknowledged":
                self.messages.append((event.data["message_id"], event.seq, "customer", event.data["content"], "complete"))
            case "started":
                self._start(event)
            case "mode":
                self.status = event.data["status"]
            case "message":
                self.messages.append((event.data["message_id"], event.seq, "operator", event.data["content"], "complete"))
            case "complete" | "error" | "cancelled":
                self._end(event)

    def _start(self, event: Event) -> None:
        turn_id = event.turn_id or ""
        if self.status != "active":
            self.wrong.append(f"S13: {turn_id} starts at {event.seq} while the session is {self.status}")
        if self.running not in (None, turn_id):
            self.wrong.append(f"S7: {turn_id} starts at {event.seq} while {self.running} runs")
        if event.fence <= self.started_fence:
            self.wrong.append(f"S4: the start at {event.seq} has fence {event.fence}, the one before {self.started_fence}")
        if event.attempt != self.attempts.get(turn_id, 0) + 1 or event.data["attempt"] != event.attempt:
            self.wrong.append(f"S8: attempt {event.attempt} of {turn_id} at {event.seq} follows {self.attempts.get(turn_id, 0)}")
        if turn_id not in self.attempts:
            self.first_starts.append(turn_id)
        self.started_fence = event.fence
        self.attempts[turn_id] = event.attempt
        self.running = turn_id

    def _end(self, event: Event) -> None:
        turn_id = event.turn_id or ""
        self.ended[turn_id] = event.type
        if self.running == turn_id:
            self.running = None
        if event.type == "complete":
            self.messages.append((event.data["message_id"], event.seq, "assistant", event.data["message"], "complete"))
        elif event.data["message_id"] is not None:
            self.messages.append((event.data["message_id"], event.seq, "assistant", event.data["partial"], "incomplete"))
        elif event.data["partial"]:
            self.wrong.append(f"S10: the text at {event.seq} has no message")


def check_history(history: History, *, max_attempts: int = 3) -> list[str]:
    """What is wrong with it, as sentences; empty when all holds."""
    fold = _Fold()
    for event in history.events:
        fold.take(event)
    wrong = fold.wrong
    if [event.seq for event in history.events] != list(range(1, len(history.events) + 1)) or history.last_seq != len(history.events):
        wrong.append(f"S6: events {[event.seq for event in history.events]}, last {history.last_seq}")
    if fold.status != history.status:
        wrong.append(f"S10: the events say {fold.status}, the session {history.status}")
    stored = [(message.id, message.seq, message.role, message.content, message.status) for message in history.messages]
    if fold.messages != stored:
        wrong.append(f"S10: events fold to {fold.messages}, stored are {stored}")
    return [*wrong, *_check_messages(history), *_check_turns(history, fold, max_attempts=max_attempts)]


def _check_messages(history: History) -> list[str]:
    wrong = []
    client_ids = [message.client_message_id for message in history.messages if message.client_message_id is not None]
    if len(client_ids) != len(set(client_ids)):
        wrong.append(f"S2: a client_message_id is stored twice: {sorted(client_ids)}")
    answered = [message.turn_id for message in history.messages if message.role == "assistant"]
    if len(answered) != len(set(answered)):
        wrong.append(f"S2: a turn has two answers: {answered}")
    known = {turn.id for turn in history.turns}
    said = {message.turn_id for message in history.messages if message.role == "customer"}
    if known != said - {None}:
        wrong.append(f"S2: turns {known} do not belong to messages {said}")
    return wrong


def _check_turns(history: History, fold: _Fold, *, max_attempts: int) -> list[str]:
    wrong = []
    active = [turn.id for turn in history.turns if turn.state in ACTIVE]
    if len(active) > 1:
        wrong.append(f"S3: {active} are active together")
    if history.status != "active" and any(turn.state in (*ACTIVE, "queued") for turn in history.turns):
        wrong.append(f"S13: turns go on while the session is {history.status}")
    order = [turn.id for turn in history.turns]
    if fold.first_starts != [turn_id for turn_id in order if turn_id in fold.attempts]:
        wrong.append(f"S11: turns started as {fold.first_starts}, said as {order}")
    for turn in history.turns:
        ending = fold.ended.get(turn.id)
        if (TERMINAL[ending] if ending else None) != (turn.state if turn.state in TERMINAL.values() else None):
            wrong.append(f"S5: {turn.id} is {turn.state}, its events say {ending}")
        if turn.attempt > max_attempts or turn.attempt != fold.attempts.get(turn.id, 0):
            wrong.append(f"S8: {turn.id} has attempt {turn.attempt}, its events {fold.attempts.get(turn.id, 0)}")
        if (turn.lease_until is not None) != (turn.state in ACTIVE):
            wrong.append(f"S3: {turn.id} is {turn.state} with lease {turn.lease_until}")
        if turn.state == "completed" and turn.id in history.intents:
            wrong.append(f"S9: {turn.id} is completed while an action of it is open")
        if turn.error_code == "needs_human" and turn.id not in history.tickets:
            wrong.append(f"P8: {turn.id} needs a person and nobody was told")
    complete = {turn.id for turn in history.turns if turn.state == "completed"}
    wrong += [
        f"S12: {message.id} is {message.status}, its turn {'is' if message.turn_id in complete else 'is not'} completed"
        for message in history.messages
        if message.role == "assistant" and (message.status == "complete") != (message.turn_id in complete)
    ]
    return wrong


def read_history(select: Select, session_id: str) -> History | None:
    """Read one session with `select(sql, parameters)`, which may return JSON as text or as objects; None when it is gone."""
    here = {"session_id": session_id}
    session = select("SELECT status, last_seq FROM session WHERE id = :session_id", here)
    if not session:
        return None
    events = select("SELECT seq, turn_id, fence, attempt, type, data FROM event WHERE session_id = :session_id ORDER BY seq", here)
    messages = select(
        "SELECT id, seq, role, content, status, client_message_id, turn_id FROM message WHERE session_id = :session_id ORDER BY seq", here
    )
    turns = select(
        "SELECT id, seq, state, attempt, fence, lease_until, partial, error_code FROM turn WHERE session_id = :session_id ORDER BY seq",
        here,
    )
    intents = select("SELECT turn_id FROM tool_call WHERE session_id = :session_id AND state = 'intent'", here)
    tickets = select("SELECT turn_id, brief FROM ticket WHERE session_id = :session_id ORDER BY episode", here)
    return History(
        session_id=session_id,
        status=session[0][0],
        last_seq=session[0][1],
        events=tuple(Event(*row[:5], _as_object(row[5])) for row in events),
        messages=tuple(StoredMessage(*row) for row in messages),
        turns=tuple(StoredTurn(*row) for row in turns),
        intents=tuple(row[0] for row in intents),
        tickets=tuple(turn_id for row in tickets for turn_id in _turns_of_ticket(*row)),
    )


def _turns_of_ticket(turn_id: str | None, brief: Any) -> list[str]:
    """The turns whose end people were told of by one ticket."""
    told = [turn_id, *(reason["turn_id"] for reason in _as_object(brief).get("also", ()))]
    return [each for each in told if each is not None]


def _as_object(value: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return decoded
