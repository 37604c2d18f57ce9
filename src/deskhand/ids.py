"""Identifiers: one `NewType` per noun, and how each is made. None of them is a credential."""

import secrets
from typing import NewType

SessionId = NewType("SessionId", str)
ThreadId = NewType("ThreadId", str)
MessageId = NewType("MessageId", str)
TurnId = NewType("TurnId", str)
TicketId = NewType("TicketId", str)
AttachmentId = NewType("AttachmentId", str)
FactId = NewType("FactId", str)
UserId = NewType("UserId", str)


def new_session_id() -> SessionId:
    return SessionId(f"sess_{secrets.token_hex(6)}")


def new_thread_id() -> ThreadId:
    return ThreadId(f"thread_{secrets.token_hex(6)}")


def new_message_id() -> MessageId:
    return MessageId(f"msg_{secrets.token_hex(12)}")


def new_turn_id() -> TurnId:
    return TurnId(f"turn_{secrets.token_hex(12)}")


def new_ticket_id() -> TicketId:
    return TicketId(f"ticket_{secrets.token_hex(8)}")


def new_attachment_id() -> AttachmentId:
    return AttachmentId(f"file_{secrets.token_hex(12)}")


def new_fact_id() -> FactId:
    return FactId(f"fact_{secrets.token_hex(12)}")


def new_visitor_token() -> str:
    """A bearer token of 256 random bits. Only its hash is stored."""
    return f"vt_{secrets.token_urlsafe(32)}"
