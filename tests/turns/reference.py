"""What the turn engine should do, in the plainest form that says it: the model that the real store is compared with, step by step.

Times are those of the virtual clock. Nothing here knows of fences, transactions or SQL: a claim is the current one, or it is not.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from deskhand.sessions import MessageConflict, QueueFull, SessionEnded, SessionStatus
from deskhand.turns import TurnRules

State = Literal["queued", "active", "completed", "failed", "cancelled"]


@dataclass(slots=True)
class ModelCall:
    """A tool call of a turn. `begun` counts how often somebody was told to make it."""

    has_effect: bool
    keys: set[str] = field(default_factory=set)
    begun: int = 0
    state: Literal["intent", "done", "failed", "unknown"] | None = None
    result: dict[str, Any] | None = None


@dataclass(slots=True)
class ModelTurn:
    id: str
    messages: list[str]
    state: State = "queued"
    attempt: int = 0
    worker: str = ""
    lease_until: float = 0.0
    deadline: float | None = None
    partial: str = ""
    calls: dict[tuple[int, str], ModelCall] = field(default_factory=dict)
    error_code: str | None = None
    is_ticketed: bool = False

    @property
    def is_open(self) -> bool:
        return self.state in ("queued", "active")

    def give_up_effects(self) -> bool:
        """Nobody knows what came of the actions that are begun; False when there are none."""
        begun = [call for call in self.calls.values() if call.has_effect and call.state == "intent"]
        for call in begun:
            call.state = "unknown"
        return bool(begun)


@dataclass(slots=True)
class ModelMessage:
    id: str
    content: str
    turn_id: str | None
    client_message_id: str | None


@dataclass(slots=True)
class ModelSession:
    id: str
    status: SessionStatus = SessionStatus.ACTIVE
    turns: list[ModelTurn] = field(default_factory=list)
    messages: list[ModelMessage] = field(default_factory=list)
    # What was said by answers, whole or in part, in order: (turn, text, status).
    answers: list[tuple[str, str, str]] = field(default_factory=list)

    def find_sent(self, client_message_id: str | None) -> ModelMessage | None:
        if client_message_id is None:
            return None
        return next((message for message in self.messages if message.client_message_id == client_message_id), None)

    def refusal(self, client_message_id: str | None, content: str, rules: TurnRules) -> type[Exception] | None:
        """Why a message is not taken now; None when it is, or was before."""
        if (known := self.find_sent(client_message_id)) is not None:
            return MessageConflict if known.content != content else None
        if self.status is SessionStatus.ENDED:
            return SessionEnded
        waiting = self.waiting() if self.status is SessionStatus.ACTIVE else None
        return QueueFull if waiting is not None and len(waiting.messages) >= rules.queue_limit else None

    def open_turns(self) -> list[ModelTurn]:
        return [turn for turn in self.turns if turn.is_open]

    def waiting(self) -> ModelTurn | None:
        return next((turn for turn in reversed(self.turns) if turn.state == "queued"), None)

    def end(self, turn: ModelTurn, state: State, *, text: str, error_code: str | None = None) -> None:
        turn.state = state
        turn.error_code = error_code
        if text or state == "completed":
            self.answers.append((turn.id, text, "complete" if state == "completed" else "incomplete"))

    def fail(self, turn: ModelTurn, *, text: str, error_code: str) -> None:
        is_uncertain = turn.give_up_effects()
        self.end(turn, "failed", text=text, error_code="needs_human" if is_uncertain else error_code)
        if is_uncertain:
            self.leave_ai(SessionStatus.ESCALATED)

    def cancel(self, turn: ModelTurn, *, text: str) -> None:
        turn.is_ticketed = turn.give_up_effects()
        self.end(turn, "cancelled", text=text)

    def claim(self, now: float, rules: TurnRules, *, worker: str) -> ModelTurn | None:
        """The turn that a claim now begins. What is hopeless before it ends."""
        for turn in self.open_turns() if self.status is SessionStatus.ACTIVE else []:
            if turn.state == "active":
                if turn.lease_until >= now:
                    return None
                if (failure := self._hopeless(turn, now, rules)) is not None:
                    self.end(turn, "failed", text=turn.partial, error_code=failure)
                    if failure == "needs_human":
                        self.leave_ai(SessionStatus.ESCALATED)
                        return None
                    continue
            turn.state = "active"
            turn.attempt += 1
            turn.worker = worker
            turn.lease_until = now + rules.lease_seconds
            turn.deadline = now + rules.timeout_seconds if turn.deadline is None else turn.deadline
            turn.partial = ""
            return turn
        return None

    def leave_ai(self, status: SessionStatus) -> list[ModelTurn]:
        """Change who answers; returns the turns that this ends."""
        self.status = status
        ended = self.open_turns() if status is not SessionStatus.ACTIVE else []
        for turn in ended:
            self.cancel(turn, text=turn.partial)
        return ended

    @staticmethod
    def _hopeless(turn: ModelTurn, now: float, rules: TurnRules) -> str | None:
        if turn.give_up_effects():
            return "needs_human"
        if turn.attempt >= rules.max_attempts:
            return "attempts_exhausted"
        return "turn_timeout" if turn.deadline is not None and turn.deadline <= now else None
