"""What the model server sends: replies as data, good ones and every kind of fault.

The invariant: a reply is a value, encoded before it is sent. The server only writes it, so it costs next to nothing under load.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import msgspec

DONE: Final = b"data: [DONE]\n\n"
_EVENTS_A_WRITE: Final = 10
_WORDS: Final = ("You", " can", " reset", " your", " password", " on", " the", " sign-in", " page", ".", " ")


class Ending(StrEnum):
    """`WHOLE`: the response ends as HTTP wants. `ABORT`: the connection is cut. `HANG`: it stays open and silent until the client
    leaves."""

    WHOLE = "whole"
    ABORT = "abort"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response. `pieces` are (seconds to wait, bytes to write). Without `has_head` the connection ends before any byte."""

    pieces: tuple[tuple[float, bytes], ...] = ()
    status: int = 200
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = Ending.WHOLE
    has_head: bool = True

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    def cut(self, length: int, *, ending: Ending = Ending.ABORT) -> "Reply":
        """The first `length` bytes of the body in one piece, then `ending`."""
        return replace(self, pieces=((0.0, self.body[:length]),), ending=ending)


def event(value: Any) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def chunk(delta: Mapping[str, Any], *, finish_reason: str | None = None) -> bytes:
    """One event of a completion, with the fields that servers send beside those we read."""
    return event(
        {
            "id": "chatcmpl-test",
            "object": "chat.completion.chunk",
            "created": 1700000000,
            "model": "test",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
        }
    )


def usage(*, input_tokens: int, output_tokens: int) -> bytes:
    tokens = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens, "total_tokens": input_tokens + output_tokens}
    return event({"id": "chatcmpl-test", "object": "chat.completion.chunk", "choices": [], "usage": tokens})


def words(count: int) -> list[str]:
    """`count` tokens of an answer."""
    return [_WORDS[index % len(_WORDS)] for index in range(count)]


def stream(events: Sequence[bytes], *, first_seconds: float = 0.0, between_seconds: float = 0.0, ending: Ending = Ending.WHOLE) -> Reply:
    """`events` one by one, or several in a write where there is no wait between them."""
    if between_seconds > 0:
        pieces = [(between_seconds, item) for item in events]
    else:
        pieces = [(0.0, b"".join(events[at : at + _EVENTS_A_WRITE])) for at in range(0, len(events), _EVENTS_A_WRITE)]
    if pieces:
        pieces[0] = (first_seconds, pieces[0][1])
    return Reply(pieces=tuple(pieces), ending=ending)


@lru_cache(maxsize=256)
def answer(tokens: int = 50, *, first_seconds: float = 0.0, between_seconds: float = 0.0) -> Reply:
    """A good answer of so many tokens."""
    return say(*words(tokens), first_seconds=first_seconds, between_seconds=between_seconds)


def say(*texts: str, first_seconds: float = 0.0, between_seconds: float = 0.0) -> Reply:
    """A good answer of these tokens, with its usage and both end markers."""
    opening = chunk({"role": "assistant", "content": ""})
    events = [chunk({"content": text}) for text in texts]
    closing = chunk({}, finish_reason="stop") + usage(input_tokens=100, output_tokens=len(texts)) + DONE
    if events:
        events[0] = opening + events[0]
    else:
        events = [opening]
    return stream([*events[:-1], events[-1] + closing], first_seconds=first_seconds, between_seconds=between_seconds)


def call_tools(*calls: tuple[str, str], text: str = "", finish_reason: str = "tool_calls", input_tokens: int = 100) -> Reply:
    """A reply that asks for tools: (name, arguments as JSON text) each, the arguments in pieces as models send them."""
    events = [chunk({"role": "assistant", "content": text or None})]
    for index, (name, arguments) in enumerate(calls):
        function = {"name": name, "arguments": ""}
        events.append(chunk({"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": function}]}))
        step = min(max(len(arguments) // 4, 1), 16_384)
        events += [
            chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments[at : at + step]}}]})
            for at in range(0, len(arguments), step)
        ]
    return stream([*events, chunk({}, finish_reason=finish_reason), usage(input_tokens=input_tokens, output_tokens=20), DONE])


def refuse_status(status: int, *, retry_after: str | None = None, message: str = "no", kind: str = "server_error") -> Reply:
    """An error response as OpenAI writes them."""
    body = msgspec.json.encode({"error": {"message": message, "type": kind, "code": None}})
    headers = {"Retry-After": retry_after} if retry_after is not None else {}
    return Reply(pieces=((0.0, body),), status=status, content_type="application/json", headers=headers)
