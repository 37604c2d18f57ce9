"""The context of a live session as a value, and its form on the wire: plain JSON with a version, checked field by field when read.

The invariant: bytes that are not exactly this schema never become a context. They are thrown away and counted, never repaired.
"""

from typing import Annotated, Literal

import msgspec

SCHEMA_VERSION: Literal[1] = 1

Text = Annotated[str, msgspec.Meta(max_length=200_000)]


class ContextMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message as the agent remembers it. `interrupted`: the answer was cut off; `files`: what came with it, as a model is told.

    `cites` are the documents and chunks of the knowledge base that an answer was taken from.
    """

    role: Literal["customer", "assistant", "operator"]
    text: Text
    interrupted: bool = False
    files: tuple[Text, ...] = ()
    cites: tuple[tuple[str, int], ...] = ()


class AgentContext(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the agent needs of a session to answer its next turn.

    `last_seq` is the number of the newest message known to be folded in, 0 for none, and `last_turn_id` the turn folded in last, all of
    which is folded in even where its number is greater. `messages` are the last ones, oldest first. `notes` is what an
    anonymous visitor asked to be remembered; it ends with the session. `unanswered_in_a_row` counts the last turns without an answer.
    """

    session_id: str
    last_seq: int = 0
    last_turn_id: str | None = None
    messages: tuple[ContextMessage, ...] = ()
    notes: tuple[Text, ...] = ()
    unanswered_in_a_row: int = 0
    counters: dict[str, int] = {}


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    context: AgentContext


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Payload)


def encode_context(context: AgentContext) -> bytes:
    return _encoder.encode(_Payload(version=SCHEMA_VERSION, context=context))


def decode_context(payload: bytes, session_id: str) -> AgentContext | None:
    """Read a stored context; None when it is not one, or that of another session."""
    try:
        context = _decoder.decode(payload).context
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return None
    return context if context.session_id == session_id else None
