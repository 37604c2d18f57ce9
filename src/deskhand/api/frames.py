"""What passes over the WebSocket beside the events of the session."""

from typing import Annotated, Literal, cast

import msgspec

from deskhand.api.body import decode_json
from deskhand.errors import Malformed

ShortText = Annotated[str, msgspec.Meta(max_length=64)]


class ClientFrame(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, frozen=True):
    pass


class Authenticate(ClientFrame, frozen=True, tag="authenticate"):
    """The first frame, where the token was not sent as a subprotocol."""

    token: Annotated[str, msgspec.Meta(max_length=4_096)]


class SayMessage(ClientFrame, frozen=True, tag="message"):
    content: Annotated[str, msgspec.Meta(min_length=1, pattern=r"\S")]
    client_message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[!-~]+$")] | None = None
    attachments: Annotated[list[Annotated[str, msgspec.Meta(pattern=r"^file_[0-9a-f]{24}$")]], msgspec.Meta(max_length=50)] = []


class Resume(ClientFrame, frozen=True, tag="resume"):
    """Send everything after this id; "" or "0" is the beginning."""

    after: ShortText


class Typing(ClientFrame, frozen=True, tag="typing"):
    """The customer types. Passed on to the session's other connections."""


class Ping(ClientFrame, frozen=True, tag="ping"):
    pass


class Cancel(ClientFrame, frozen=True, tag="cancel"):
    """Stop the answer that runs."""


AnyClientFrame = Authenticate | SayMessage | Resume | Typing | Ping | Cancel


class Connected(msgspec.Struct, frozen=True, tag_field="type", tag="connected"):
    session_id: str
    client_id: str
    last_event_id: str


class SentAgain(msgspec.Struct, frozen=True, tag_field="type", tag="acknowledged"):
    """The answer to a message that was stored before, under the same `client_message_id`. It has no `id`: it is no new event."""

    message_id: str
    turn_id: str | None
    client_message_id: str | None
    duplicate: Literal[True] = True


class Refused(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """A frame was refused; the connection stays. It has no `id`, unlike the `error` that ends a turn."""

    error: str
    message: str
    support: str
    client_message_id: str | None = None
    retry_after: float | None = None


class TypingNotice(msgspec.Struct, frozen=True, tag_field="type", tag="typing"):
    author: Literal["customer", "operator"]


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    pass


_KINDS = ("authenticate", "message", "resume", "typing", "ping", "cancel")

AnyServerFrame = Connected | SentAgain | Refused | TypingNotice | Pong


def decode(raw: str | bytes) -> AnyClientFrame:
    """Raises Malformed: not one of the client's frames."""
    value = decode_json(raw, what="frame")
    try:
        return cast("AnyClientFrame", msgspec.convert(value, AnyClientFrame))
    except msgspec.ValidationError as error:
        fields = value if isinstance(value, dict) else {}
        if fields.get("type") not in _KINDS:
            raise Malformed(f"The frame is refused: {error}.", support=f"Send one of: {', '.join(_KINDS)}.") from error
        content = fields.get("content")
        if isinstance(content, str) and not content.strip():
            raise Malformed("content: it is empty.", support="Send a message that says something.") from error
        raise Malformed(f"The frame is refused: {error}.", support="Correct the frame and send it again.") from error
