"""A turn that cannot be answered ends all the same, says why, and keeps what was said."""

import pytest

from deskhand.models.port import EndReason, ModelEnded, ModelError, ToolCall
from deskhand.testing.scripted_model import Gate, ScriptedModel
from deskhand.turns import TurnRules
from turns.desk import CountedTool, open_desk, type_of


async def test_a_broken_model_ends_the_turn_out_loud_and_keeps_what_was_said(database_url: str) -> None:
    async with open_desk(database_url, model=ScriptedModel(["So ", "far", ModelError("The model broke.")])) as desk:
        session = await desk.open_session()
        outcome = await desk.ask(session, "Hello")
        assert (type_of(outcome), outcome.error, outcome.partial) == ("error", "model_failed", "So far")
        assert outcome.support
        history = await desk.history(session)
        assert [(message.content, message.status) for message in history.messages] == [("Hello", "complete"), ("So far", "incomplete")]
        assert [(turn.state, turn.error_code) for turn in history.turns] == [("failed", "model_failed")]
        assert type_of(await desk.ask(session, "Again?")) == "complete"


async def test_a_failure_without_a_word_stores_no_message(database_url: str) -> None:
    async with open_desk(database_url, model=ScriptedModel([ModelError("The model broke.")])) as desk:
        session = await desk.open_session()
        outcome = await desk.ask(session, "Hello")
        assert (outcome.partial, outcome.message_id) == ("", None)
        assert len((await desk.history(session)).messages) == 1


async def test_an_answer_that_is_cut_off_is_never_complete(database_url: str) -> None:
    async with open_desk(database_url, model=ScriptedModel(["Cut ", ModelEnded(EndReason.LENGTH)])) as desk:
        session = await desk.open_session()
        outcome = await desk.ask(session, "Hello")
        assert (type_of(outcome), outcome.error) == ("error", "answer_truncated")
        assert (await desk.history(session)).messages[-1].status == "incomplete"


async def test_a_crash_inside_a_turn_tells_the_customer_nothing_of_its_cause(database_url: str) -> None:
    tool = CountedTool("crash", idempotent=True, fails_with=RuntimeError("secret detail"))
    tool.gate.set()
    async with open_desk(database_url, model=ScriptedModel(["Let me see.", ToolCall("1", "crash", "{}")]), tools=[tool.tool()]) as desk:
        session = await desk.open_session()
        outcome = await desk.ask(session, "Hello")
        assert (outcome.error, outcome.partial) == ("internal_error", "Let me see.")
        assert "secret detail" not in str((await desk.history(session)).events)
        assert type_of(await desk.ask(session, "Again?")) == "complete"


async def test_a_turn_that_takes_too_long_is_stopped(database_url: str) -> None:
    gate = Gate()
    model = ScriptedModel(["So ", "far", gate, " never shown"])
    async with open_desk(database_url, model=model, rules=TurnRules(timeout_seconds=0.3)) as desk:
        session = await desk.open_session()
        outcome = await desk.ask(session, "Hello")
        assert (outcome.error, outcome.partial) == ("turn_timeout", "So far")
        assert model.abandoned == 1
        await desk.history(session)


async def test_an_effect_that_was_carried_out_before_a_crash_is_kept_in_the_journal(database_url: str) -> None:
    tool = CountedTool("refund", idempotent=False)
    tool.gate.set()
    model = ScriptedModel([ToolCall("1", "refund", "{}")], [ModelError("The model broke.")])
    async with open_desk(database_url, model=model, tools=[tool.tool()]) as desk:
        session = await desk.open_session()
        assert (await desk.ask(session, "Refund me")).error == "model_failed"
        assert len(tool.keys) == 1
        assert (await desk.history(session)).intents == ()


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_tool_is_told_the_key_that_all_attempts_share(database_url: str, idempotent: bool) -> None:
    tool = CountedTool("look", idempotent=idempotent)
    tool.gate.set()
    async with open_desk(database_url, model=ScriptedModel([ToolCall("1", "look", "{}")], ["Done."]), tools=[tool.tool()]) as desk:
        session = await desk.open_session()
        assert (await desk.ask(session, "Hello")).tools_used == ["look"]
        assert len(tool.keys) == 1
        assert len(tool.keys[0]) == 64


REFUND = ToolCall("1", "refund", "{}")


async def test_an_action_that_does_not_answer_in_time_goes_to_a_person_and_is_not_tried_again(database_url: str) -> None:
    tool = CountedTool("refund", idempotent=False)
    model = ScriptedModel([REFUND], [REFUND], ["Refunded twice."])
    async with open_desk(database_url, model=model, tools=[tool.tool()], tool_seconds=0.1) as desk:
        session = await desk.open_session()
        accepted = await desk.say(session, "Refund me")
        assert (await desk.outcome(session, accepted)).error == "needs_human"
        assert len(tool.keys) == 1
        assert await desk.tool_calls() == ["unknown"]
        history = await desk.history(session)
        assert (history.status, history.tickets) == ("escalated", (accepted.turn_id,))


async def test_a_search_that_does_not_answer_in_time_is_for_the_model_to_cope_with(database_url: str) -> None:
    tool = CountedTool("look", idempotent=True)
    model = ScriptedModel([ToolCall("1", "look", "{}")], ["I could not look it up."])
    async with open_desk(database_url, model=model, tools=[tool.tool()], tool_seconds=0.1) as desk:
        session = await desk.open_session()
        assert (await desk.ask(session, "Where is it?")).message.startswith("I could not look it up.")
        assert "timed_out" in model.requests[1].messages[-1].content


async def test_an_action_that_crashes_goes_to_a_person(database_url: str) -> None:
    tool = CountedTool("refund", idempotent=False, fails_with=RuntimeError("after the money left"))
    tool.gate.set()
    async with open_desk(database_url, model=ScriptedModel([REFUND]), tools=[tool.tool()]) as desk:
        session = await desk.open_session()
        assert (await desk.ask(session, "Refund me")).error == "needs_human"
        assert await desk.tool_calls() == ["unknown"]
        await desk.history(session)


async def test_an_action_that_the_end_of_the_turn_cuts_off_goes_to_a_person(database_url: str) -> None:
    tool = CountedTool("refund", idempotent=False)
    async with open_desk(database_url, model=ScriptedModel([REFUND]), tools=[tool.tool()], rules=TurnRules(timeout_seconds=0.3)) as desk:
        session = await desk.open_session()
        assert (await desk.ask(session, "Refund me")).error == "needs_human"
        assert await desk.tool_calls() == ["unknown"]
        await desk.history(session)


async def test_an_action_that_a_cancel_cuts_off_is_told_to_a_person(database_url: str) -> None:
    tool = CountedTool("refund", idempotent=False)
    async with open_desk(database_url, model=ScriptedModel([REFUND]), tools=[tool.tool()]) as desk:
        session = await desk.open_session()
        accepted = await desk.say(session, "Refund me")
        await tool.reached.wait()
        await desk.turns.cancel(session)
        assert type_of(await desk.outcome(session, accepted)) == "cancelled"
        assert await desk.tool_calls() == ["unknown"]
        history = await desk.history(session)
        assert (history.status, history.tickets) == ("active", (accepted.turn_id,))
