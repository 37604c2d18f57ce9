"""What is sent, what is learnt about a server, what is checked, and that the key stays with us."""

import io
import traceback

import pytest
from structlog.testing import capture_logs

from deskhand.models.openai_chat import OpenAIChatModel
from deskhand.models.port import ModelError, ModelMessage, ModelRequest, Role, ToolCall, ToolSpec
from deskhand.testing.faults import KINDS
from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import refuse_status
from models.asking import KEY, QUICK, ask, connect, request


async def test_a_whole_conversation_is_sent_as_the_protocol_has_it(server: ModelServer, model: OpenAIChatModel) -> None:
    schema = {"type": "object", "properties": {"query": {"type": "string"}}}
    call = ToolCall("call_1", "search_knowledge", '{"query": "reset"}')
    messages = (
        ModelMessage(Role.SYSTEM, "Be brief."),
        ModelMessage(Role.USER, "Reset?"),
        ModelMessage(Role.ASSISTANT, "", tool_calls=(call,)),
        ModelMessage(Role.TOOL, "It is on the sign-in page.", tool_call_id="call_1"),
    )
    await ask(model, ModelRequest(messages, tools=(ToolSpec("search_knowledge", "Searches.", schema),), max_output_tokens=77))
    seen = server.requests[-1]
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    assert seen.json == {
        "model": "test",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 77,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Reset?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "search_knowledge", "arguments": '{"query": "reset"}'}}
                ],
            },
            {"role": "tool", "content": "It is on the sign-in page.", "tool_call_id": "call_1"},
        ],
        "tools": [{"type": "function", "function": {"name": "search_knowledge", "description": "Searches.", "parameters": schema}}],
    }


async def test_without_a_key_no_key_is_sent(server: ModelServer) -> None:
    model = connect(server.base_url + "/", key=None)
    assert (await ask(model)).end is not None
    assert "Authorization" not in server.requests[-1].headers
    await model.close()


async def test_what_a_server_does_not_know_is_said_differently_from_then_on(server: ModelServer, model: OpenAIChatModel) -> None:
    server.reply_with(
        refuse_status(400, message="Unrecognized request argument supplied: stream_options"),
        refuse_status(400, message="'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
    )
    assert (await ask(model)).end is not None
    assert (await ask(model)).end is not None
    bodies = [seen.json for seen in server.requests]
    assert ["stream_options" in body for body in bodies] == [True, False, False, False]
    assert ["max_completion_tokens" in body for body in bodies] == [False, False, True, True]
    assert ["max_tokens" in body for body in bodies] == [True, True, False, False]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"slow_first", "no_head"}))
async def test_the_key_and_what_the_provider_wrote_are_in_no_error_and_no_log(
    kind: str, server: ModelServer, model: OpenAIChatModel
) -> None:
    with capture_logs() as logs:
        heard = await ask(model, request(f"[model: {kind}]"))
    assert KEY not in str(logs)
    if heard.error is not None:
        assert KEY not in shown(heard.error)


async def test_a_provider_that_writes_the_key_back_does_not_get_it_into_an_error(server: ModelServer, model: OpenAIChatModel) -> None:
    server.reply_with(refuse_status(401, message=f"Incorrect API key provided: {KEY}"))
    with capture_logs() as logs:
        heard = await ask(model)
    assert heard.error is not None
    assert KEY not in shown(heard.error)
    assert KEY not in str([entry for entry in logs if entry["log_level"] != "debug"])
    failed = next(entry for entry in logs if entry["event"] == "model_failed")
    assert (failed["status"], failed["remedy"]) == (401, "Check DESKHAND_MODEL_API_KEY.")


async def test_check_is_content_with_an_endpoint_that_is_there(model: OpenAIChatModel) -> None:
    await model.check()


async def test_check_says_what_to_do_about_an_endpoint_that_is_not(free_port: int) -> None:
    model = connect(f"http://127.0.0.1:{free_port}/v1")
    with pytest.raises(ModelError) as caught:
        await model.check()
    assert caught.value.code == "model_unavailable"
    assert "DESKHAND_MODEL_BASE_URL" in caught.value.remedy
    await model.close()


async def test_check_accepts_a_server_without_a_list_of_models(server: ModelServer) -> None:
    model = connect(server.base_url.removesuffix("/v1") + "/elsewhere", limits=QUICK)
    await model.check()
    await model.close()


def shown(error: ModelError) -> str:
    """All that a log or a response could show of an error."""
    trace = io.StringIO()
    traceback.print_exception(error, file=trace)
    return f"{error!r} {error.message} {error.remedy} {error.details} {trace.getvalue()}"
