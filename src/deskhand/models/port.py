"""The model port: what Deskhand asks of a language model, and what comes back.

The port is a stream because the loop journals every step and shows text as it comes. An implementation yields any number of
`TextDelta`, `ToolCallRequested` and `UsageReported`, then exactly one `ModelEnded`. A stream that stops without `ModelEnded` was cut
off, and its text is never shown as complete. A caller that may leave a stream early wraps it in `contextlib.aclosing`, so that the
connection is given back at once.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from deskhand.errors import DeskhandError


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class EndReason(StrEnum):
    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model asks for. `arguments` is the raw JSON text as the model wrote it; it may be malformed."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """One message of the conversation as the model sees it. `tool_calls` only on assistant messages, `tool_call_id` only on tool ones."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as shown to the model. `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """`seconds_left` is what remains of the turn's time: tries and waits end within it. `None`: the model's own limit alone."""

    messages: tuple[ModelMessage, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int = 1024
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str
    type: Literal["text"] = field(default="text", init=False)


@dataclass(frozen=True, slots=True)
class ToolCallRequested:
    """A whole tool call, sent once its arguments are complete."""

    call: ToolCall
    type: Literal["tool_call"] = field(default="tool_call", init=False)


@dataclass(frozen=True, slots=True)
class UsageReported:
    input_tokens: int
    output_tokens: int
    type: Literal["usage"] = field(default="usage", init=False)


@dataclass(frozen=True, slots=True)
class ModelEnded:
    """The provider's own end marker. `confidence` in [0, 1] is given only by a model that can state one."""

    reason: EndReason
    confidence: float | None = None
    type: Literal["ended"] = field(default="ended", init=False)


ModelEvent = TextDelta | ToolCallRequested | UsageReported | ModelEnded


class ChatModel(Protocol):
    """A model that answers a conversation, one step at a time."""

    name: str

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream one step of the model.

        Raises:
            ModelError: a subclass that says which fault it was; raised by the iterator, possibly after some text.
        """
        ...

    async def check(self) -> None:
        """Ask the endpoint whether it is there.

        Raises:
            ModelError: it is not, and why.
        """
        ...

    async def close(self) -> None: ...


class ModelError(DeskhandError):
    """The model did not answer as it should. Ends the turn as failed with this code; the partial text is kept as incomplete."""

    code = "model_failed"
    status = 503
    support = "Please try again in a moment, or ask to talk to a person."


class ModelUnavailable(ModelError):
    """Could not be reached, or answered with 5xx on every try."""

    code = "model_unavailable"


class ModelRateLimited(ModelError):
    """Answered 429 on every try that the turn's time allowed."""

    code = "model_rate_limited"


class ModelTimeout(ModelError):
    """No first or next piece within the idle limit."""

    code = "model_timeout"


class ModelRejected(ModelError):
    """Answered with a 4xx that a retry cannot heal: key, model name, request."""

    code = "model_rejected"


class ModelProtocolError(ModelError):
    """Sent bytes that are not the protocol: bad JSON, bad UTF-8, cut off before its end marker."""

    code = "provider_protocol"


class ModelRefused(ModelError):
    """Declined to answer: content filter or refusal."""

    code = "model_refused"


class ModelEmpty(ModelError):
    """Ended without text and without a tool call."""

    code = "model_empty"
