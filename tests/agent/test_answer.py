"""A run of the agent: its text, its end, and the limits that end it."""

import asyncio

import pytest

from agent.conftest import Desk
from deskhand.agent.errors import AnswerTruncated, TokenLimit, ToolLoop, TurnTimeout
from deskhand.agent.run import Run, StageChanged, TextProduced
from deskhand.errors import ConfigurationError
from deskhand.models.port import (
    EndReason,
    ModelEmpty,
    ModelEnded,
    ModelProtocolError,
    ModelRefused,
    ModelRequest,
    ModelUnavailable,
    Role,
    ToolCall,
    UsageReported,
)
from deskhand.testing.scripted_model import Gate, ScriptedModel


async def test_text_passes_as_it_comes_and_joins_to_the_answer(desk: Desk) -> None:
    agent = desk.agent(ScriptedModel(("You can ", "reset it ", "yourself.")))
    taken = await desk.take_turn(agent, await desk.open_session(), "How?")
    assert [event.text for event in taken.events if isinstance(event, TextProduced)] == ["You can ", "reset it ", "yourself."]
    assert taken.answered.text == taken.streamed == "You can reset it yourself."
    assert taken.events[0] == StageChanged("writing")
    assert 0 <= taken.answered.confidence <= 1


async def test_the_model_is_told_who_it_is_and_what_it_may_use(desk: Desk) -> None:
    model = ScriptedModel()
    agent = desk.agent(model, company_name="Northwind {x}", instructions="Be brief. {y}")
    await desk.take_turn(agent, await desk.open_session(), "Hello there, can you explain plans?")
    request = model.requests[0]
    assert request.messages[0].role is Role.SYSTEM
    assert "Northwind {x}" in request.messages[0].content
    assert "Be brief. {y}" in request.messages[0].content
    assert [tool.name for tool in request.tools] == list(agent.tools)
    assert all(tool.parameters["type"] == "object" for tool in request.tools)


async def test_messages_of_a_burst_are_one_question(desk: Desk) -> None:
    model = ScriptedModel()
    await desk.take_turn(desk.agent(model), await desk.open_session(), "I have a problem.", "It is slow.")
    assert model.requests[0].messages[-1].content == "I have a problem.\n\nIt is slow."


async def test_only_the_tools_that_are_chosen_are_there(desk: Desk) -> None:
    agent = desk.agent(ScriptedModel(), tools=("recall",))
    assert agent.tools == ("recall",)
    with pytest.raises(ConfigurationError, match="fly_to_moon"):
        desk.agent(ScriptedModel(), tools=("fly_to_moon",))


async def test_an_answer_that_was_cut_off_by_its_length_is_not_called_complete(desk: Desk) -> None:
    agent = desk.agent(ScriptedModel(("Half an", ModelEnded(EndReason.LENGTH))))
    with pytest.raises(AnswerTruncated):
        await desk.take_turn(agent, await desk.open_session(), "How?")


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (("I", ModelEnded(EndReason.REFUSAL)), ModelRefused),
        ((ModelEnded(EndReason.STOP),), ModelEmpty),
        (("Half", ModelUnavailable()), ModelUnavailable),
    ],
)
async def test_a_fault_of_the_model_ends_the_run_with_its_own_error(desk: Desk, script: tuple[object, ...], error: type[Exception]) -> None:
    agent = desk.agent(ScriptedModel(script))
    with pytest.raises(error):
        await desk.take_turn(agent, await desk.open_session(), "How?")


class CutOffModel(ScriptedModel):
    async def stream(self, request: ModelRequest):
        async for event in super().stream(request):
            if isinstance(event, ModelEnded):
                return
            yield event


async def test_a_stream_without_its_end_marker_is_no_answer(desk: Desk) -> None:
    with pytest.raises(ModelProtocolError):
        await desk.take_turn(desk.agent(CutOffModel()), await desk.open_session(), "How?")


async def test_a_model_that_only_calls_tools_is_stopped(desk: Desk) -> None:
    model = ScriptedModel(otherwise=lambda _: (ToolCall("call", "recall", "{}"),))
    with pytest.raises(ToolLoop):
        await desk.take_turn(desk.agent(model), await desk.open_session(), "How?")
    assert len(model.requests) == 8


async def test_too_many_calls_at_once_are_not_made(desk: Desk) -> None:
    calls = tuple(ToolCall(f"call_{number}", "recall", f'{{"query": "{number}"}}') for number in range(17))
    with pytest.raises(ToolLoop):
        await desk.take_turn(desk.agent(ScriptedModel(calls)), await desk.open_session(), "How?")


async def test_the_tokens_of_a_turn_are_counted_over_its_rounds(desk: Desk) -> None:
    model = ScriptedModel(otherwise=lambda _: (UsageReported(900, 200), ToolCall("call", "recall", "{}")))
    with pytest.raises(TokenLimit):
        await desk.take_turn(desk.agent(model, max_total_tokens=2_000), await desk.open_session(), "How?")
    assert len(model.requests) == 2
    assert model.requests[1].max_output_tokens == 900


async def test_tokens_are_estimated_when_the_model_reports_none(desk: Desk) -> None:
    model = ScriptedModel(("x" * 4_000, ToolCall("call", "recall", "{}")))
    with pytest.raises(TokenLimit):
        await desk.take_turn(desk.agent(model, max_total_tokens=1_000), await desk.open_session(), "How?")


async def test_a_model_that_does_not_stop_writing_is_stopped(desk: Desk) -> None:
    model = ScriptedModel(tuple("word " for _ in range(10_000)))
    with pytest.raises(TokenLimit):
        await desk.take_turn(desk.agent(model, max_output_tokens=100), await desk.open_session(), "How?")
    assert model.abandoned == 1


async def test_a_turn_ends_with_its_time_and_leaves_the_model(desk: Desk) -> None:
    model = ScriptedModel(("Wait", Gate()))
    with pytest.raises(TurnTimeout):
        await desk.take_turn(desk.agent(model), await desk.open_session(), "How?", seconds_left=0.05)
    assert model.abandoned == 1
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_time_that_runs_out_while_nobody_waits_interrupts_nobody(desk: Desk) -> None:
    session_id = await desk.open_session()
    agent = desk.agent(ScriptedModel(("One", "Two")))
    taken = await desk.take_turn(agent, session_id, "How?", keep=False)
    run = Run(session_id, None, desk.new_turn(), 1, [], taken.journal, 0.05)
    events = desk.agent(ScriptedModel(("One", "Two"))).answer(run)
    assert await anext(events) == StageChanged("writing")
    await asyncio.sleep(0.1)
    with pytest.raises(TurnTimeout):
        async for _ in events:
            pass


async def test_who_leaves_a_run_closes_the_models_stream(desk: Desk) -> None:
    model = ScriptedModel(("One", Gate()))
    session_id = await desk.open_session()
    run = Run(session_id, None, desk.new_turn(), 1, [], (await desk.take_turn(desk.agent(ScriptedModel()), session_id, "x")).journal, 20)
    events = desk.agent(model).answer(run)
    await anext(events)
    await events.aclose()
    assert model.abandoned == 1
