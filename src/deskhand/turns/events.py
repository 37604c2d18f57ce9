"""The union of events: what every reader of a session gets, over SSE and the WebSocket alike.

A stored event is named by its number in the session, `seq`. What passes while an answer runs is not stored and is named by its place
behind the turn's `started` event: `seq.attempt.offset` for text (characters of the answer so far, this piece included) and
`seq.attempt.offset.n` for a note (the n-th of the attempt, made when the text was `offset` long). Compared as tuples of numbers, the
ids of a session only grow.
"""

from typing import Any, Literal

import msgspec

Stage = Literal["searching", "using_tool", "writing"]


class Source(msgspec.Struct, frozen=True):
    """A passage that an answer used. `relevance_score` is in [0, 1]; `rank` counts from 1 and is the number the answer cites: [1]."""

    content: str
    metadata: dict[str, Any]
    relevance_score: float
    rank: int


class AttachmentSummary(msgspec.Struct, frozen=True):
    attachment_id: str
    filename: str
    content_type: str
    size_bytes: int


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True, omit_defaults=False):
    """What all events carry. `timestamp` is RFC 3339 in UTC."""

    id: str
    timestamp: str


class Acknowledged(Event, frozen=True, tag="acknowledged", kw_only=True):
    """A customer's message is stored and will not be lost. `turn_id` is null when a person, not the AI, will answer it."""

    message_id: str
    turn_id: str | None
    client_message_id: str | None
    content: str
    attachments: list[AttachmentSummary]


class Started(Event, frozen=True, tag="started", kw_only=True):
    """An attempt at the turn begins. Text of an earlier attempt is void: a reader drops it."""

    turn_id: str
    attempt: int


class Status(Event, frozen=True, tag="status", kw_only=True):
    turn_id: str
    stage: Stage
    tool: str | None = None


class Text(Event, frozen=True, tag="text", kw_only=True):
    """The next piece of the running answer; appended to what came before in this attempt."""

    turn_id: str
    delta: str


class Sources(Event, frozen=True, tag="sources", kw_only=True):
    turn_id: str
    sources: list[Source]


class Escalation(Event, frozen=True, tag="escalation", kw_only=True):
    """The conversation was handed to a person."""

    ticket_id: str
    reason: str
    priority: str
    turn_id: str | None = None


class PersonMessage(Event, frozen=True, tag="message", kw_only=True):
    """A person behind the desk said something."""

    message_id: str
    author: Literal["operator"]
    author_name: str
    content: str
    client_message_id: str | None = None
    attachments: list[AttachmentSummary] = []


class Handoff(Event, frozen=True, tag="handoff", kw_only=True):
    """What became of a conversation that people have: `text` tells the customer, in their language."""

    state: Literal["assigned", "waiting", "snoozed", "returned", "resolved"]
    text: str
    ticket_id: str
    agent_name: str | None = None


class Complete(Event, frozen=True, tag="complete", kw_only=True):
    """The turn ended with this answer: the same fields as the REST answer."""

    turn_id: str
    message_id: str
    session_id: str
    message: str
    sources: list[Source]
    requires_escalation: bool
    confidence: float
    processing_time: float
    tools_used: list[str]
    metadata: dict[str, Any]


class Failed(Event, frozen=True, tag="error", kw_only=True):
    """The turn ended without an answer. `message` is for the customer; what was already said is kept in `partial`, marked incomplete."""

    turn_id: str
    error: str
    message: str
    support: str
    message_id: str | None = None
    partial: str = ""


class Cancelled(Event, frozen=True, tag="cancelled", kw_only=True):
    """The turn was stopped. What was already said is kept in `partial`, marked incomplete."""

    turn_id: str
    reason: str
    message_id: str | None = None
    partial: str = ""


class ModeChanged(Event, frozen=True, tag="mode", kw_only=True):
    """Who answers from here on: the AI (`active`), a person (`escalated`), nobody (`ended`)."""

    status: Literal["active", "escalated", "ended"]


class Resync(Event, frozen=True, tag="resync", kw_only=True):
    """The reader's position is not one of this session. It reads the transcript again and goes on from this event's `id`."""

    reason: str


SessionEvent = (
    Acknowledged
    | Started
    | Status
    | Text
    | Sources
    | Escalation
    | PersonMessage
    | Handoff
    | Complete
    | Failed
    | Cancelled
    | ModeChanged
    | Resync
)

TERMINAL_TYPES = frozenset({"complete", "error", "cancelled"})
