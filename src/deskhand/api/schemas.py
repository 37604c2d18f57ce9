"""The bodies of requests and answers. One source of truth: the OpenAPI document, and with it the pages' types, come from here and from
the union of events.

A request refuses fields it does not know; the one exception is `tool_metadata`, an old spelling of `metadata`.
"""

from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from deskhand.clock import to_iso
from deskhand.sessions import Message, OpenedSession, Session, SessionStatus

_LARGEST_METADATA_BYTES = 16_384


def _saying_something(value: Any) -> Any:
    """The schema's pattern demands it, too; a person does not read patterns."""
    if isinstance(value, str) and not value.strip():
        raise ValueError("it is empty")
    return value


NOT_BLANK = BeforeValidator(_saying_something)
# Something besides white space, and no null character, which not every database can hold.
SAYS_SOMETHING = r"^[^\x00]*[^\x00\s][^\x00]*$"

Said = Annotated[str, StringConstraints(min_length=1, max_length=1_000_000, pattern=SAYS_SOMETHING), NOT_BLANK]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
ClientMessageId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
FILE_ID = r"^file_[0-9a-f]{24}$"
AttachmentName = Annotated[str, StringConstraints(pattern=FILE_ID)]


def _whole(value: Any) -> Any:
    """To JSON Schema 5.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


class Schema(BaseModel):
    """Studied when it is first used: most are not, in most processes, and all together take a tenth of the time of a start."""

    model_config = ConfigDict(defer_build=True)


class Request(Schema):
    model_config = ConfigDict(extra="forbid", strict=True)


class Parameters(Request):
    """What follows the `?` of an address: text, so read less strictly. Studied at once, because the framework reads them itself."""

    model_config = ConfigDict(strict=False, defer_build=False)


class CreateSession(Request):
    """`user_id` is believed when staff open the session; of anybody else it unlocks nothing."""

    user_id: Name | None = None
    model_config = ConfigDict(json_schema_extra={"not": {"required": ["metadata", "tool_metadata"]}})

    metadata: dict[str, Any] = Field(default_factory=dict, description="At most 16 KiB as JSON.")
    tool_metadata: dict[str, Any] | None = Field(None, description="An old spelling of `metadata`.", json_schema_extra={"deprecated": True})

    @model_validator(mode="after")
    def _one_spelling(self) -> Self:
        if {"metadata", "tool_metadata"} <= self.model_fields_set:
            raise ValueError("give metadata or tool_metadata, not both")
        if len(msgspec.json.encode(self.effective_metadata)) > _LARGEST_METADATA_BYTES:
            raise ValueError(f"metadata is larger than {_LARGEST_METADATA_BYTES} bytes")
        return self

    @property
    def effective_metadata(self) -> dict[str, Any]:
        return self.metadata if self.tool_metadata is None else self.tool_metadata


class ChangeStatus(Request):
    status: Literal["active", "escalated", "ended"]


class SendMessage(Request):
    message: Said
    client_message_id: ClientMessageId | None = Field(None, description="Send it again with the same id: it appears once.")
    attachments: list[AttachmentName] = Field(default_factory=list, max_length=50)


class SearchKnowledge(Request):
    query: Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=SAYS_SOMETHING), NOT_BLANK]
    limit: Whole = Field(5, ge=1, le=20)


class Error(Schema):
    """Every error, everywhere. `support` says what to do."""

    error: str
    message: str
    request_id: str
    support: str
    details: dict[str, Any] | None = None


class SessionView(Schema):
    session_id: str = Field(pattern=r"^sess_[0-9a-f]{12}$")
    user_id: str | None
    thread_id: str = Field(pattern=r"^thread_[0-9a-f]{12}$")
    status: SessionStatus
    created_at: str
    updated_at: str
    last_activity: str
    metadata: dict[str, Any]

    @classmethod
    def of(cls, session: Session) -> "SessionView":
        return cls(**_fields(session))


class NewSession(SessionView):
    token: str = Field(description="The visitor's token. It is shown here only.")

    @classmethod
    def opened(cls, opened: OpenedSession) -> "NewSession":
        return cls(**_fields(opened.session), token=opened.token)


class SessionDeleted(Schema):
    message: str
    session_id: str


class SessionsCleaned(Schema):
    message: str
    sessions_deleted: int
    cutoff_date: str


class SourceView(Schema):
    """A passage that an answer used. Of one whose document was changed or taken away since, nothing is shown but `withdrawn`."""

    content: str
    metadata: dict[str, Any] = Field(
        description="`source` and `title`; `url`, `page` and `section` where known; `document_id` and `chunk_id`; or `withdrawn`."
    )
    relevance_score: float = Field(ge=0, le=1)
    rank: int = Field(ge=1)


class AnswerView(Schema):
    """The answer of one turn."""

    message: str
    message_id: str
    turn_id: str
    sources: list[SourceView]
    requires_escalation: bool
    confidence: float = Field(ge=0, le=1)
    session_id: str
    timestamp: str
    processing_time: float
    tools_used: list[str]
    metadata: dict[str, Any]


class CancelledView(Schema):
    """The turn that was stopped; null when none ran or waited."""

    turn_id: str | None


class AcceptedView(Schema):
    """The message is stored: the fields of the answer, without one yet. `turn_id` is null when a person, not the AI, will answer, which
    `message` then says."""

    message: str
    message_id: str
    turn_id: str | None
    sources: list[SourceView] = Field(max_length=0)
    requires_escalation: bool
    confidence: float = Field(ge=0, le=0)
    session_id: str
    timestamp: str
    processing_time: float
    tools_used: list[str] = Field(max_length=0)
    metadata: dict[str, Any]
    duplicate: bool


class MessageView(Schema):
    message_id: str
    event_id: str
    role: Literal["customer", "assistant", "operator", "system"]
    content: str
    status: Literal["complete", "incomplete"]
    turn_id: str | None
    client_message_id: str | None
    created_at: str
    sources: list[SourceView]
    attachments: list[dict[str, Any]]
    author_name: str | None = Field(default=None, description="Of an operator.")
    feedback: Literal["up", "down"] | None = Field(default=None, description="What the customer thinks of this answer.")
    details: dict[str, Any]

    @classmethod
    def of(cls, message: Message, *, feedback: Literal["up", "down"] | None = None) -> "MessageView":
        details = dict(message.data)
        details.pop("author_id", None)
        return cls(
            message_id=message.id,
            event_id=str(message.seq),
            role=message.role.value,
            content=message.content,
            status=message.status.value,
            turn_id=message.turn_id,
            client_message_id=message.client_message_id,
            created_at=to_iso(message.created_at),
            sources=details.pop("sources", []),
            attachments=details.pop("attachments", []),
            author_name=details.pop("author_name", None),
            feedback=feedback,
            details=details,
        )


# Where the document has the events that may stand between messages.
_NOTICES = {"items": {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Escalation", "Handoff", "ModeChanged")]}}
Notices = Annotated[
    list[dict[str, Any]],
    Field(
        json_schema_extra=_NOTICES,
        description="What became of the conversation between these messages, as the events that told of it, in order.",
    ),
]


class Transcript(Schema):
    """`has_more`: there are older messages than these; ask for them with `before`, the `event_id` of the first one."""

    messages: list[MessageView]
    notices: Notices
    has_more: bool
    total: int
    session_id: str
    rating: int | None = Field(default=None, description="From 1 to 5, once the customer has rated the conversation.")


class UploadView(Schema):
    """`processed` is false when no text could be read in the file; `error` then says why."""

    attachment_id: str
    filename: str
    size_mb: float
    content_type: str
    processed: bool
    preview: str | None
    error: str | None


class Health(Schema):
    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: str
    version: str
    services: dict[str, str]


class Root(Schema):
    name: str
    version: str
    environment: str
    status: Literal["operational"]
    docs: str
    health: str
    metrics: str
    session_store: str
    session_stats: dict[str, Any]
    stats: dict[str, Any]


class UploadRules(Schema):
    accept: list[str]
    max_bytes: int
    max_files: int


class PublicConfig(Schema):
    name: str
    company: str
    suggestions: list[str]
    upload: UploadRules
    message_max_characters: int
    api_prefix: str


class IdentifyCustomer(Request):
    user_token: str = Field(min_length=1, max_length=4_096, description="A JWT that the company's own site signed.")


class ListSessions(Parameters):
    """The query of the list of sessions."""

    user_id: Name | None = None
    status: SessionStatus | None = None
    limit: int = Field(20, ge=1, le=200)
    offset: int = Field(0, ge=0, le=10_000_000)


class Page(Parameters):
    """Which part of the transcript: counted from its beginning, or the newest before an event."""

    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=10_000_000)
    before: int | None = Field(
        None, ge=1, le=2**53, description="The `event_id` of the oldest message that is known: the newest before it. Without `offset`."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.before is not None and self.offset:
            raise ValueError("give before or offset, not both")
        return self


class Cleanup(Parameters):
    days: int = Field(30, ge=1, le=36_500)


def show_moment(epoch_seconds: float | None) -> str | None:
    """As `to_iso`; None for what has not happened, or never will."""
    return None if epoch_seconds is None else to_iso(epoch_seconds)


def _fields(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.id,
        "user_id": session.user_id,
        "thread_id": session.thread_id,
        "status": session.status,
        "created_at": to_iso(session.created_at),
        "updated_at": to_iso(session.updated_at),
        "last_activity": to_iso(session.last_activity),
        "metadata": session.metadata,
    }
