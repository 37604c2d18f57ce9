"""The scripted model does what it is told, and lets a test hold it anywhere."""

import asyncio

from deskhand.models.port import EndReason, ModelEnded, ModelUnavailable, TextDelta, ToolCall
from deskhand.testing.scripted_model import DEFAULT_SCRIPT, Gate, ScriptedModel
from models.asking import ask, request


async def test_scripts_are_played_in_order_and_then_the_default() -> None:
    call = ToolCall("call_1", "search_knowledge", "{}")
    model = ScriptedModel(["Let me see. ", call], [ModelUnavailable("down")], ["Partly", ModelUnavailable("cut")])
    first, second, third, fourth = [await ask(model, request(f"{number}")) for number in range(4)]
    assert (first.text, first.calls, first.end) == ("Let me see. ", [call], ModelEnded(EndReason.TOOL_CALLS))
    assert second.error is not None
    assert second.error.message == "down"
    assert third.text == "Partly"
    assert third.error is not None
    assert fourth.text == "".join(str(step) for step in DEFAULT_SCRIPT)
    assert [asked.messages[0].content for asked in model.requests] == ["0", "1", "2", "3"]
    assert model.abandoned == 0


async def test_an_empty_script_is_an_empty_answer() -> None:
    heard = await ask(ScriptedModel([]))
    assert heard.error is not None
    assert heard.error.code == "model_empty"


async def test_a_gate_holds_the_answer_until_it_is_opened() -> None:
    gate = Gate()
    model = ScriptedModel(["before ", gate, "after"])
    stream = model.stream(request())
    assert await anext(stream) == TextDelta("before ")
    rest = asyncio.ensure_future(anext(stream))
    await gate.reached.wait()
    assert not rest.done()
    gate.open()
    assert await rest == TextDelta("after")
    await stream.aclose()
    assert model.abandoned == 1
