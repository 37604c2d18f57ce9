"""The nouns of the transcript as values. They know nothing of how they are stored."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deskhand.ids import AttachmentId, MessageId, SessionId, ThreadId, TurnId, UserId


class SessionStatus(StrEnum):
    """Who answers: the AI (`active`), a person (`escalated`), nobody any more (`ended`)."""

    ACTIVE = "active"
    ESCALATED = "escalated"
    ENDED = "ended"


class Author(StrEnum):
    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    OPERATOR = "operator"
    SYSTEM = "system"


class MessageStatus(StrEnum):
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


class TurnState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    STREAMING = "streaming"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ToolCallState(StrEnum):
    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Session:
    id: SessionId
    thread_id: ThreadId
    user_id: UserId | None
    user_is_verified: bool
    status: SessionStatus
    metadata: dict[str, Any]
    last_seq: int
    fence: int
    created_at: float
    updated_at: float
    last_activity: float

    @property
    def customer_id(self) -> UserId | None:
        """Who the customer is, as far as we may rely on it; None for somebody who only says so."""
        return self.user_id if self.user_is_verified else None


@dataclass(frozen=True, slots=True)
class Message:
    id: MessageId
    session_id: SessionId
    seq: int
    role: Author
    content: str
    status: MessageStatus
    client_message_id: str | None
    turn_id: TurnId | None
    data: dict[str, Any]
    created_at: float


@dataclass(frozen=True, slots=True)
class Turn:
    id: TurnId
    session_id: SessionId
    seq: int
    state: TurnState
    attempt: int
    fence: int
    worker: str | None
    started_seq: int | None
    partial: str
    error_code: str | None
    cancel_reason: str | None
    deadline: float | None
    lease_until: float | None
    created_at: float


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One row of a session's log. `data` is what a client is sent, without `id`, `type` and `timestamp`."""

    session_id: SessionId
    seq: int
    turn_id: TurnId | None
    fence: int
    attempt: int
    type: str
    data: dict[str, Any]
    created_at: float


@dataclass(frozen=True, slots=True)
class Attachment:
    id: AttachmentId
    session_id: SessionId
    filename: str
    content_type: str
    size_bytes: int
    text: str
