"""The stream of an OpenAI-compatible endpoint, from bytes to model events. Pure: no I/O, no clock.

The invariant: `ModelEnded` is given only after a whole `finish_reason` was read. Bytes that are not the protocol raise, whatever they are.
"""

from typing import Final

import msgspec

from deskhand.models.openai_faults import ErrorBody, ModelCutOff, error_from_body, find_error_body
from deskhand.models.openai_tool_calls import ToolCallDelta, ToolCallParts
from deskhand.models.port import (
    EndReason,
    ModelEmpty,
    ModelEnded,
    ModelError,
    ModelEvent,
    ModelProtocolError,
    ModelRefused,
    TextDelta,
    ToolCallRequested,
    UsageReported,
)

_LONGEST_EVENT_BYTES: Final = 1 << 20
_CHARACTERS_PER_TOKEN: Final = 16
_SPARE_CHARACTERS: Final = 4_096
_BYTES_PER_TOKEN: Final = 4_096
_SPARE_BYTES: Final = 4 << 20

# Names that servers give to the same ends. A name that is not here may be a garbled one, so it is not taken for an end.
_ENDS: Final = {
    "stop": EndReason.STOP,
    "eos": EndReason.STOP,
    "eos_token": EndReason.STOP,
    "end_turn": EndReason.STOP,
    "stop_sequence": EndReason.STOP,
    "tool_calls": EndReason.TOOL_CALLS,
    "tool_use": EndReason.TOOL_CALLS,
    "function_call": EndReason.TOOL_CALLS,
    "length": EndReason.LENGTH,
    "max_tokens": EndReason.LENGTH,
    "model_length": EndReason.LENGTH,
    "content_filter": EndReason.REFUSAL,
    "refusal": EndReason.REFUSAL,
    "safety": EndReason.REFUSAL,
}


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None
    index: int | None = 0


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: ErrorBody | str | None = None


# A line that begins with a colon is a comment, which servers send to keep the connection open.
_OTHER_FIELDS: Final = frozenset({b"", b"id", b"retry"})

_chunks: Final = msgspec.json.Decoder(_Chunk)


class StreamDecoder:
    """One answer. Feed it what the network gives, in pieces of any size, until `is_done`; then, or when the bytes end, call `finish`.

    `has_end_marker` says that the answer is whole: what may still come is the count of tokens.
    """

    __slots__ = (
        "_bytes_left",
        "_calls",
        "_characters_left",
        "_end",
        "_fault",
        "_refusal",
        "_rest",
        "_usage",
        "_visible",
        "is_done",
    )

    def __init__(self, *, max_output_tokens: int) -> None:
        self._rest = b""
        self._calls = ToolCallParts()
        self._characters_left = max_output_tokens * _CHARACTERS_PER_TOKEN + _SPARE_CHARACTERS
        self._bytes_left = max_output_tokens * _BYTES_PER_TOKEN + _SPARE_BYTES
        self._end: EndReason | None = None
        self._fault: ModelError | None = None
        self._usage: _Usage | None = None
        self._refusal = False
        self._visible = False
        self.is_done = False

    @property
    def has_end_marker(self) -> bool:
        return self._end is not None

    def feed(self, data: bytes) -> list[ModelEvent]:
        """The text that `data` completes, in one piece. Tool calls come from `finish`: only then are they whole.

        A fault that comes after text in the same piece is kept for `finish`, so that the text is not lost.

        Raises:
            ModelError: the server said so, or the bytes are not the protocol.
        """
        texts: list[str] = []
        try:
            self._take(data, texts)
        except ModelError as error:
            if not texts:
                raise
            self._fault = error
            self.is_done = True
        return [TextDelta("".join(texts))] if texts else []

    def finish(self) -> list[ModelEvent]:
        """What was left, the tool calls, the usage if it was reported, and the end.

        Raises:
            ModelCutOff: there was no end marker. `ModelProtocolError` if what came could not have become one.
            ModelRefused: it declined, or a filter stopped it.
            ModelEmpty: it ended without text and without a tool call.
        """
        if self._fault is not None:
            raise self._fault
        events: list[ModelEvent] = []
        if self._end is None and not self.is_done:
            texts: list[str] = []
            self._take_unended_event(texts)
            events.extend(TextDelta(text) for text in texts)
        if self._end is None:
            raise ModelCutOff("The model's answer was cut off before its end.")
        if self._refusal or self._end is EndReason.REFUSAL:
            raise ModelRefused("The model declined to answer.")
        calls = self._calls.assemble(may_be_cut=self._end is EndReason.LENGTH)
        if not calls and not self._visible:
            raise ModelEmpty("The model ended without an answer.")
        events.extend(ToolCallRequested(call) for call in calls)
        if self._usage is not None:
            events.append(UsageReported(self._usage.prompt_tokens or 0, self._usage.completion_tokens or 0))
        # Several servers say "stop" after tool calls.
        reason = EndReason.TOOL_CALLS if calls and self._end is EndReason.STOP else self._end
        events.append(ModelEnded(reason))
        return events

    def _take(self, data: bytes, texts: list[str]) -> None:
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise ModelProtocolError("The model sent far more than it was asked for.")
        if b"\r" in data:
            # Inside JSON text a carriage return is escaped, so a bare one is part of a line's end.
            data = data.replace(b"\r", b"")
        blocks = (self._rest + data).split(b"\n\n") if self._rest else data.split(b"\n\n")
        self._rest = blocks.pop()
        if len(self._rest) > _LONGEST_EVENT_BYTES:
            raise ModelProtocolError("The model sent an event without end.")
        for block in blocks:
            self._take_block(block, texts)
            if self.is_done:
                return

    def _take_block(self, block: bytes, texts: list[str]) -> None:
        """One event of the stream, without the blank line that ends it."""
        data = block[6:] if block.startswith(b"data: ") and b"\n" not in block else _data_of(block)
        if data.startswith(b"{"):
            try:
                chunk = _chunks.decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ModelProtocolError("The model sent an event that cannot be read.") from error
            self._take_chunk(chunk, texts)
        elif data == b"[DONE]":
            self.is_done = True
        elif data:
            raise ModelProtocolError("The model sent an event that is not one of its protocol.")

    def _take_unended_event(self, texts: list[str]) -> None:
        """Some servers close without the blank line after the last event. Half an event is not JSON, so it cannot pass for one."""
        if self._rest.lstrip().startswith(b"<"):
            raise ModelProtocolError("The model's server sent a page instead of an event stream.")
        try:
            self._take_block(self._rest, texts)
        except ModelProtocolError:
            self._end = None

    def _take_chunk(self, chunk: _Chunk, texts: list[str]) -> None:
        if chunk.error is not None:
            raise error_from_body(chunk.error)
        if chunk.usage is not None:
            self._usage = chunk.usage
        for choice in chunk.choices or ():
            if not choice.index and self._end is None:
                self._take_choice(choice, texts)

    def _take_choice(self, choice: _Choice, texts: list[str]) -> None:
        delta = choice.delta
        if delta is not None:
            if delta.content:
                self._take_text(delta.content, texts)
            if delta.tool_calls:
                for part in delta.tool_calls:
                    self._calls.add(part)
            if delta.refusal:
                self._refusal = True
        if choice.finish_reason:
            self._end = _ENDS.get(choice.finish_reason)
            if self._end is None:
                raise ModelProtocolError(
                    "The model ended in a way that is not known.", details={"finish_reason": choice.finish_reason[:40]}
                )

    def _take_text(self, text: str, texts: list[str]) -> None:
        self._characters_left -= len(text)
        if self._characters_left < 0:
            raise ModelProtocolError("The model wrote far more than it was asked for.")
        if not self._visible and not text.isspace():
            self._visible = True
        texts.append(text)


def _data_of(block: bytes) -> bytes:
    """The data of an event with other fields, comments, or data of several lines; empty if it has none.

    An `event: error` without an error object is given the shape of one.
    """
    data: list[bytes] = []
    is_error = False
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            is_error = value.strip() == b"error"
        elif name not in _OTHER_FIELDS:
            raise ModelProtocolError("The model sent bytes that are not an event stream.")
    joined = b"\n".join(data).strip()
    if is_error and find_error_body(joined) is None:
        return msgspec.json.encode({"error": joined[:300].decode("utf-8", "replace")})
    return joined
