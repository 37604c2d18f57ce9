"""What a run of the agent is given and what it yields. The agent touches neither HTTP, nor the transcript, nor locks.

A run yields any number of `StageChanged`, `TextProduced` and `SourcesFound`, then exactly one `Answered`; or it raises. The texts of
all `TextProduced` joined are the text of `Answered`.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.ids import AttachmentId, MessageId, SessionId, TurnId, UserId

Stage = Literal["searching", "using_tool", "writing"]


@dataclass(frozen=True, slots=True)
class CustomerMessage:
    id: MessageId
    content: str
    attachments: tuple[AttachmentId, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCallKey:
    """Where a tool call stands in its turn. It does not change from one attempt to the next."""

    step: int
    index: int
    name: str


class ToolJournal(Protocol):
    """The record of a turn's tool calls. A call that has a result is never made again: its result is replayed."""

    async def begin(self, key: ToolCallKey, *, arguments: dict[str, Any], idempotent: bool) -> "Replayed | Begun":
        """Record the intent before the call.

        Raises:
            OutcomeUnknown: an earlier attempt began this call, which is not idempotent, and did not record how it ended.
        """
        ...

    async def finish(self, begun: "Begun", *, result: dict[str, Any], failed: bool) -> None:
        """Record how the call ended."""
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """Make the call now. `idempotency_key` is sent to whatever the tool calls."""

    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """An earlier attempt made this call; this is what came of it."""

    result: dict[str, Any]
    failed: bool


class Unrecorded:
    """A journal for a run that nobody takes over, such as a draft or a question without a transcript: it keeps nothing."""

    async def begin(self, key: ToolCallKey, *, arguments: dict[str, Any], idempotent: bool) -> Begun:  # noqa: ARG002 - the port's
        return Begun(idempotency_key=secrets.token_hex(16))

    async def finish(self, begun: Begun, *, result: dict[str, Any], failed: bool) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of the agent inside a turn. `seconds_left` is what remains of the turn's time when the run starts.

    `history_until` is the number of the newest message that is not of this turn; None when it is not known.
    """

    session_id: SessionId
    user_id: UserId | None
    turn_id: TurnId
    attempt: int
    messages: Sequence[CustomerMessage]
    journal: ToolJournal
    seconds_left: float
    history_until: int | None = None


@dataclass(frozen=True, slots=True)
class UsedSource:
    """A passage the answer used. `relevance` is in [0, 1]; `rank` counts from 1 and is the number cited in the text."""

    content: str
    metadata: dict[str, Any]
    relevance: float
    rank: int


@dataclass(frozen=True, slots=True)
class EscalationRequest:
    reason: EscalationReason
    priority: Priority
    summary: str


@dataclass(frozen=True, slots=True)
class StageChanged:
    stage: Stage
    tool: str | None = None


@dataclass(frozen=True, slots=True)
class TextProduced:
    text: str


@dataclass(frozen=True, slots=True)
class SourcesFound:
    sources: tuple[UsedSource, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The end of a run. `confidence` is in [0, 1]; `escalation` is set when the conversation must go to a person."""

    text: str
    sources: tuple[UsedSource, ...]
    confidence: float
    tools_used: tuple[str, ...]
    escalation: EscalationRequest | None
    metadata: dict[str, Any] = field(default_factory=dict)


RunEvent = StageChanged | TextProduced | SourcesFound | Answered
