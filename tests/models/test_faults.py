"""C3 at the model port: every kind of fault, over HTTP, has its error, its number of tries, and an end in time."""

import time

import pytest

from deskhand.models.openai_chat import OpenAIChatModel
from deskhand.models.port import EndReason
from deskhand.testing.faults import KINDS
from deskhand.testing.model_server import ModelServer
from models.asking import ask, connect, request

# kind: code, requests it takes, whether text is kept
FAILING = {
    "429": ("model_rate_limited", 3, False),
    "500": ("model_unavailable", 3, False),
    "502": ("model_unavailable", 3, False),
    "503": ("model_unavailable", 3, False),
    "401": ("model_rejected", 1, False),
    "400": ("model_rejected", 1, False),
    "dropped": ("model_unavailable", 3, False),
    "html": ("provider_protocol", 1, False),
    "html_502": ("model_unavailable", 3, False),
    "html_as_stream": ("provider_protocol", 1, False),
    "wrong_type": ("provider_protocol", 1, False),
    "not_streamed": ("provider_protocol", 1, False),
    "slow_first": ("model_timeout", 1, False),
    "no_head": ("model_timeout", 1, False),
    "stall": ("model_timeout", 1, True),
    "truncated": ("provider_protocol", 1, True),
    "cut": ("provider_protocol", 1, True),
    "cut after=0": ("provider_protocol", 3, False),
    "no_end": ("provider_protocol", 1, True),
    "malformed": ("provider_protocol", 1, True),
    "wrong_shape": ("provider_protocol", 1, True),
    "bad_utf8": ("provider_protocol", 1, True),
    "unknown_end": ("provider_protocol", 1, True),
    "error_inside": ("model_unavailable", 1, True),
    "error_inside after=0": ("model_unavailable", 3, False),
    "error_inside after=0 code=429": ("model_rate_limited", 3, False),
    "error_inside after=0 code=401": ("model_rejected", 1, False),
    "empty": ("model_empty", 1, False),
    "refusal": ("model_refused", 1, False),
    "content_filter": ("model_refused", 1, True),
    "runaway": ("provider_protocol", 1, True),
    "huge_arguments": ("provider_protocol", 1, False),
}
# kind: how it ends, text, names of the tools it asks for
ENDING = {
    "answer": (EndReason.STOP, True, []),
    "no_done": (EndReason.STOP, True, []),
    "duplicate": (EndReason.STOP, True, []),
    "length": (EndReason.LENGTH, True, []),
    "tool": (EndReason.TOOL_CALLS, False, ["search_knowledge"]),
    "tool_loop": (EndReason.TOOL_CALLS, False, ["search_knowledge"]),
    "unknown_tool": (EndReason.TOOL_CALLS, False, ["launch_rocket"]),
    "wrong_arguments": (EndReason.TOOL_CALLS, False, ["search_knowledge"]),
    "malformed_arguments": (EndReason.TOOL_CALLS, False, ["search_knowledge"]),
    "duplicate_calls": (EndReason.TOOL_CALLS, False, ["search_knowledge", "search_knowledge"]),
}


def test_every_kind_of_fault_is_tested() -> None:
    assert {kind.split()[0] for kind in (*FAILING, *ENDING)} == set(KINDS)


@pytest.mark.parametrize("kind", FAILING)
async def test_a_fault_has_its_code_its_tries_and_an_end_in_time(kind: str, server: ModelServer, model: OpenAIChatModel) -> None:
    code, tries, keeps_text = FAILING[kind]
    asked = request(f"Help [model: {kind}]")
    started = time.monotonic()
    heard = await ask(model, asked)
    assert heard.error is not None
    assert heard.error.code == code
    assert heard.error.details is not None
    assert heard.error.details["tries"] == tries
    assert server.counts[asked.messages[0].content] == tries
    assert heard.end is None
    assert bool(heard.text) is keeps_text
    assert not heard.calls
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("kind", ENDING)
async def test_what_is_odd_but_whole_ends_well_at_the_first_try(kind: str, server: ModelServer, model: OpenAIChatModel) -> None:
    reason, has_text, tools = ENDING[kind]
    heard = await ask(model, request(f"Help [model: {kind}]"))
    assert heard.error is None
    assert heard.end is not None
    assert heard.end.reason is reason
    assert bool(heard.text) is has_text
    assert [call.name for call in heard.calls] == tools
    assert len({call.id for call in heard.calls}) == len(tools)
    assert server.counts.total() == 1


@pytest.mark.parametrize("kind", ["429", "503", "dropped", "cut after=0", "error_inside after=0"])
async def test_a_fault_that_passes_is_healed_by_the_next_try(kind: str, server: ModelServer, model: OpenAIChatModel) -> None:
    heard = await ask(model, request(f"Help [model: {kind} times=2]"))
    assert heard.error is None
    assert heard.end is not None
    assert server.counts.total() == 3


async def test_an_endpoint_that_refuses_connections_is_unavailable(free_port: int) -> None:
    model = connect(f"http://127.0.0.1:{free_port}/v1")
    heard = await ask(model)
    await model.close()
    assert heard.error is not None
    assert heard.error.code == "model_unavailable"
    assert heard.error.details == {"tries": 3}
