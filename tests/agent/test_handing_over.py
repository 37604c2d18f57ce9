"""When the agent hands over, and that it always says so."""

import pytest

from agent.conftest import Desk
from deskhand.agent.run import StageChanged, TextProduced
from deskhand.handoff.policy import EscalationReason, HandoffRules, Priority
from deskhand.models.port import EndReason, ModelEnded, ToolCall
from deskhand.testing.scripted_model import ScriptedModel
from deskhand.texts import texts_for

SEARCH = (ToolCall("call_1", "search_knowledge", '{"query": "bananas"}'),)


async def test_who_asks_for_a_person_gets_one_without_the_model_being_asked(desk: Desk) -> None:
    model = ScriptedModel()
    taken = await desk.take_turn(desk.agent(model), await desk.open_session(), "My invoice is wrong.", "I want to talk to a human!")
    assert model.requests == []
    assert taken.events == [StageChanged("writing"), TextProduced(texts_for("en").handed_over), taken.answered]
    assert taken.answered.text == texts_for("en").handed_over
    escalation = taken.answered.escalation
    assert escalation is not None
    assert (escalation.reason, escalation.priority) == (EscalationReason.ASKED_FOR_PERSON, Priority.NORMAL)
    assert escalation.summary == "My invoice is wrong. I want to talk to a human!"


async def test_the_customer_is_told_in_their_own_language(desk: Desk) -> None:
    taken = await desk.take_turn(desk.agent(ScriptedModel()), await desk.open_session(), "Ich möchte mit einem Menschen sprechen")
    assert taken.answered.text == texts_for("de").handed_over


@pytest.mark.parametrize(
    ("text", "reason", "priority"),
    [
        ("This is ridiculous!", EscalationReason.ANGER, Priority.HIGH),
        ("My lawyer will contact you.", EscalationReason.SENSITIVE_MATTER, Priority.HIGH),
        ("I want to kill myself", EscalationReason.SENSITIVE_MATTER, Priority.URGENT),
    ],
)
async def test_anger_and_sensitive_matters_go_to_a_person(desk: Desk, text: str, reason: EscalationReason, priority: Priority) -> None:
    taken = await desk.take_turn(desk.agent(ScriptedModel()), await desk.open_session(), text)
    assert taken.answered.escalation is not None
    assert (taken.answered.escalation.reason, taken.answered.escalation.priority) == (reason, priority)


async def test_one_unanswered_question_does_not_hand_over_but_three_in_a_row_do(desk: Desk) -> None:
    session_id = await desk.open_session()
    agent = desk.agent(ScriptedModel(*([SEARCH, ("I do not know.",)] * 3)))
    first = await desk.take_turn(agent, session_id, "Do you sell bananas?")
    second = await desk.take_turn(agent, session_id, "Or yellow bananas?")
    third = await desk.take_turn(agent, session_id, "Any bananas?")
    assert first.answered.escalation is second.answered.escalation is None
    assert first.answered.metadata["answered"] is False
    assert third.answered.escalation is not None
    assert third.answered.escalation.reason is EscalationReason.REPEATED_FAILURE
    assert third.streamed == third.answered.text == f"I do not know.\n\n{texts_for('en').handed_over_after_failures}"


async def test_small_talk_between_failures_neither_counts_nor_heals(desk: Desk) -> None:
    session_id = await desk.open_session()
    agent = desk.agent(
        ScriptedModel(SEARCH, ("I do not know.",), ("You are welcome.",), SEARCH, ("I do not know.",)),
        handoff=HandoffRules(failures_in_a_row=2),
    )
    await desk.take_turn(agent, session_id, "Do you sell bananas?")
    assert (await desk.take_turn(agent, session_id, "ok thanks")).answered.escalation is None
    assert (await desk.take_turn(agent, session_id, "Any bananas?")).answered.escalation is not None


async def test_failures_are_counted_from_the_transcript_when_the_context_was_lost(desk: Desk) -> None:
    session_id = await desk.open_session()
    agent = desk.agent(ScriptedModel(*([SEARCH, ("I do not know.",)] * 3)))
    for text in ("Bananas?", "Bananas please?"):
        await desk.take_turn(agent, session_id, text)
    await desk.store.delete(session_id)
    assert (await desk.take_turn(agent, session_id, "Any bananas?")).answered.escalation is not None


async def test_a_hand_over_without_words_of_the_model_is_still_announced(desk: Desk) -> None:
    wish = ToolCall("call_1", "escalate_to_human", '{"reason": "policy", "summary": "x"}')
    agent = desk.agent(ScriptedModel((wish,), (ModelEnded(EndReason.STOP),)))
    taken = await desk.take_turn(agent, await desk.open_session(), "x")
    assert taken.streamed == taken.answered.text == texts_for("en").handed_over
    assert taken.answered.escalation is not None
