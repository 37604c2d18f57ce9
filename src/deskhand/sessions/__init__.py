"""Sessions, messages, turns, events: the transcript, the only truth. Written by `turns` alone."""

from deskhand.sessions.access import Anonymous, Principal, Staff, Visitor
from deskhand.sessions.errors import AttachmentNotFound, MessageConflict, QueueFull, SessionEnded, SessionNotFound
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

__all__ = [
    "Anonymous",
    "Attachment",
    "AttachmentNotFound",
    "Author",
    "Message",
    "MessageConflict",
    "MessageStatus",
    "OpenedSession",
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
    "Visitor",
]
