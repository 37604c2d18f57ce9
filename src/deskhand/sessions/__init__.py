"""Sessions, messages, turns, events: the transcript, the only truth. Written by `turns` alone."""

from deskhand.sessions.access import Anonymous, Principal, Staff, Visitor
from deskhand.sessions.errors import (
    AttachmentNotFound,
    IdentificationOff,
    MessageConflict,
    OtherCustomer,
    QueueFull,
    SessionEnded,
    SessionNotFound,
    UserTokenRefused,
)
from deskhand.sessions.model import (
    Attachment,
    Author,
    Message,
    MessageStatus,
    Session,
    SessionStatus,
    StoredEvent,
    ToolCallState,
    Turn,
    TurnState,
)
from deskhand.sessions.service import OpenedSession, SessionService
from deskhand.sessions.user_tokens import UserClaims, UserTokenVerifier

__all__ = [
    "Anonymous",
    "Attachment",
    "AttachmentNotFound",
    "Author",
    "IdentificationOff",
    "Message",
    "MessageConflict",
    "MessageStatus",
    "OpenedSession",
    "OtherCustomer",
    "Principal",
    "QueueFull",
    "Session",
    "SessionEnded",
    "SessionNotFound",
    "SessionService",
    "SessionStatus",
    "Staff",
    "StoredEvent",
    "ToolCallState",
    "Turn",
    "TurnState",
    "UserClaims",
    "UserTokenRefused",
    "UserTokenVerifier",
    "Visitor",
]
