"""Every kind of fault a model's server was seen to have, by name, and the directive that asks for one.

A message that holds `[model: kind name=value …]` is answered with that kind; `times=2` gives it to the first two requests with that
message, and a good answer after them. The kinds are in `KINDS`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from deskhand.testing.replies import DONE, Ending, Reply, answer, call_tools, chunk, event, refuse_status, stream, words

_DIRECTIVE: Final = re.compile(r"\[model: *([a-z0-9_]+)((?: +[a-z_]+=[^\s\]]+)*) *\]")
# What a provider says of a failure. It names a key and an account, as real ones do: nobody but an operator may ever read it.
COMPLAINT: Final = "Key sk-complaint-canary of account acct-complaint-canary was refused"
_HTML: Final = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1>" + COMPLAINT + "</body></html>"
).encode()
_HUGE_BYTES: Final = 10_000_000
_RUNAWAY_BYTES: Final = 64_000_000
_ARGUMENTS: Final = '{"query": "reset password"}'

Options = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Directive:
    """A reply asked for by a message. `times` is None when every request with that message gets it.

    `once_asked`: only for a request whose last message is the customer's, so that a tool is asked for once and its result is answered.
    """

    kind: str
    reply: Reply
    times: int | None
    once_asked: bool


@lru_cache(maxsize=1024)
def find_directive(message: str) -> Directive | None:
    """The directive in `message`; None when there is none.

    Raises:
        ValueError: it asks for a kind or a value that is not known.
    """
    found = _DIRECTIVE.search(message)
    if found is None:
        return None
    kind = found[1]
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of reply; there are {', '.join(sorted(KINDS))}")
    options = dict(pair.split("=", 1) for pair in found[2].split())
    times = options.pop("times", None)
    return Directive(kind=kind, reply=KINDS[kind](options), times=int(times) if times else None, once_asked=kind == "tool")


def _answer(options: Options) -> Reply:
    return answer(
        int(options.get("tokens", "50")),
        first_seconds=int(options.get("first_ms", "0")) / 1000,
        between_seconds=int(options.get("every_ms", "0")) / 1000,
    )


def _texts(count: int) -> list[bytes]:
    return [chunk({"role": "assistant", "content": ""}), *(chunk({"content": word}) for word in words(count))]


def _after(options: Options) -> int:
    return int(options.get("after", "3"))


def _broken(options: Options, piece: bytes, *, ending: Ending = Ending.WHOLE) -> Reply:
    return stream([*_texts(_after(options)), piece], ending=ending)


def _status(status: int) -> Callable[[Options], Reply]:
    def reply(options: Options) -> Reply:
        kind = "rate_limit_exceeded" if status == 429 else "invalid_request_error" if status < 500 else "server_error"
        return refuse_status(status, retry_after=options.get("retry_after"), message=COMPLAINT, kind=kind)

    return reply


def _truncated(options: Options) -> Reply:
    return answer().cut(int(options.get("at", "700")), ending=Ending(options.get("ending", "abort")))


def _no_done(_options: Options) -> Reply:
    return stream([*_texts(5), chunk({}, finish_reason="stop")])


def _no_end(options: Options) -> Reply:
    return stream([*_texts(_after(options)), DONE])


def _bad_utf8(options: Options) -> Reply:
    return _broken(options, chunk({"content": "caf\u00e9"}).replace(b"\xc3\xa9", b"\xc3\x28"))


def _duplicate(_options: Options) -> Reply:
    end = chunk({}, finish_reason="stop")
    return stream([*_texts(5), end, end, DONE, DONE])


def _tool(options: Options) -> Reply:
    call = (options.get("name", "search_knowledge"), options.get("arguments", _ARGUMENTS))
    return call_tools(*[call] * int(options.get("calls", "1")), input_tokens=int(options.get("input_tokens", "100")))


def _duplicate_calls(_options: Options) -> Reply:
    reply = call_tools(("search_knowledge", _ARGUMENTS), ("search_knowledge", _ARGUMENTS))
    return Reply(pieces=((0.0, reply.body.replace(b"call_1", b"call_0")),))


@lru_cache(maxsize=1)
def _huge_arguments_reply() -> Reply:
    return call_tools(("search_knowledge", '{"query": "' + "a" * _HUGE_BYTES + '"}'))


@lru_cache(maxsize=1)
def _runaway_reply() -> Reply:
    piece = chunk({"content": "word " * 50}) * 100
    return Reply(pieces=((0.0, piece),) * (_RUNAWAY_BYTES // len(piece)))


def _error_inside(options: Options) -> Reply:
    return _broken(options, event({"error": {"message": COMPLAINT, "type": "server_error", "code": int(options.get("code", "500"))}}))


KINDS: Final[Mapping[str, Callable[[Options], Reply]]] = {
    "answer": _answer,
    "tool": _tool,
    # Before the stream
    "429": _status(429),
    "500": _status(500),
    "502": _status(502),
    "503": _status(503),
    "401": _status(401),
    "400": _status(400),
    "dropped": lambda _options: Reply(has_head=False, ending=Ending.ABORT),
    "html": lambda _options: Reply(pieces=((0.0, _HTML),), content_type="text/html; charset=utf-8"),
    "html_502": lambda _options: Reply(pieces=((0.0, _HTML),), status=502, content_type="text/html; charset=utf-8"),
    "wrong_type": lambda _options: replace(answer(), content_type="application/octet-stream"),
    "not_streamed": lambda _options: Reply(
        pieces=((0.0, b'{"choices": [{"message": {"content": "hi"}}]}'),), content_type="application/json"
    ),
    "html_as_stream": lambda _options: Reply(pieces=((0.0, _HTML + b"\n"),)),
    # Time
    "slow_first": lambda options: answer(first_seconds=int(options.get("ms", "60000")) / 1000),
    "no_head": lambda _options: Reply(has_head=False, ending=Ending.HANG),
    "stall": lambda options: _broken(options, b"", ending=Ending.HANG),
    # The stream
    "truncated": _truncated,
    "cut": lambda options: _broken(options, b"", ending=Ending.ABORT),
    "no_done": _no_done,
    "no_end": _no_end,
    "malformed": lambda options: _broken(options, b'data: {"choices": [{"delta": {"content": "x"}, \n\n'),
    "wrong_shape": lambda options: _broken(options, event({"choices": {"delta": "x"}})),
    "bad_utf8": _bad_utf8,
    "duplicate": _duplicate,
    "error_inside": _error_inside,
    "unknown_end": lambda options: _broken(options, chunk({}, finish_reason="banana") + DONE),
    # The content
    "empty": lambda _options: stream([chunk({"role": "assistant", "content": ""}), chunk({}, finish_reason="stop"), DONE]),
    "refusal": lambda _options: stream([chunk({"refusal": "I cannot help with that."}), chunk({}, finish_reason="stop"), DONE]),
    "content_filter": lambda options: _broken(options, chunk({}, finish_reason="content_filter") + DONE),
    "length": lambda options: _broken(options, chunk({}, finish_reason="length") + DONE),
    "runaway": lambda _options: _runaway_reply(),
    # Tools, asked for again and again
    "tool_loop": _tool,
    "unknown_tool": lambda _options: call_tools(("launch_rocket", "{}")),
    "wrong_arguments": lambda _options: call_tools(("search_knowledge", '{"query": 7, "limit": "many"}')),
    "malformed_arguments": lambda _options: call_tools(("search_knowledge", '{"query": ')),
    "huge_arguments": lambda _options: _huge_arguments_reply(),
    "duplicate_calls": _duplicate_calls,
}
