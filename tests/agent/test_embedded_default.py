"""The agent as it starts: the quoting model on the sample documents."""

from agent.conftest import Desk
from deskhand.ids import UserId
from deskhand.knowledge import sample_documents
from deskhand.models.quoting import QuotingModel
from deskhand.texts import texts_for


async def test_how_do_i_reset_my_password_is_answered_with_its_source(desk: Desk) -> None:
    await desk.knowledge.ingest(sample_documents(), sync_scope=None)
    agent = desk.agent(QuotingModel())
    session_id = await desk.open_session()
    taken = await desk.take_turn(agent, session_id, "How do I reset my password?")
    assert "\n2. Enter the e-mail address of your account" in taken.answered.text
    assert "[1]" in taken.answered.text
    assert taken.answered.sources[0].metadata["title"] == "Account and password"
    assert taken.answered.confidence > 0.6
    assert taken.answered.escalation is None

    unknown = await desk.take_turn(agent, session_id, "Who won the football match yesterday?")
    assert unknown.answered.text == texts_for("en").unknown
    assert unknown.answered.sources == ()
    assert unknown.answered.confidence < 0.45

    thanks = await desk.take_turn(agent, session_id, "Thanks!")
    assert thanks.answered.text == texts_for("en").thanks


async def test_what_is_offered_counts_as_no_answer_and_is_quoted_once_it_is_chosen(desk: Desk) -> None:
    await desk.knowledge.ingest(sample_documents(), sync_scope=None)
    agent = desk.agent(QuotingModel())
    session_id = await desk.open_session()
    unsure = await desk.take_turn(agent, session_id, "what happens if my card is declined")
    assert unsure.answered.text.startswith(texts_for("en").nearest)
    assert unsure.answered.sources == ()
    assert unsure.answered.metadata["answered"] is False
    number = next(line[0] for line in unsure.answered.text.split("\n") if line.endswith("Billing and invoices › A payment failed"))
    taken = await desk.take_turn(agent, session_id, number)
    assert "3, 7 and 14 days" in taken.answered.text
    assert taken.answered.sources[0].metadata["section"] == "A payment failed"
    assert taken.answered.metadata["answered"] is True


async def test_what_is_of_no_language_is_answered_and_handed_over_in_that_of_the_conversation(desk: Desk) -> None:
    agent = desk.agent(QuotingModel())
    session_id = await desk.open_session()
    texts = texts_for("de")
    assert (await desk.take_turn(agent, session_id, "Wie kündige ich?")).answered.text == texts.unknown
    assert (await desk.take_turn(agent, session_id, "iPhone?")).answered.text == texts.unknown
    assert (await desk.take_turn(agent, session_id, "Xbox?")).answered.text == f"{texts.unknown}\n\n{texts.handed_over_after_failures}"


async def test_a_follow_up_is_searched_with_what_was_asked_before(desk: Desk) -> None:
    await desk.knowledge.ingest(sample_documents(), sync_scope=None)
    agent = desk.agent(QuotingModel())
    session_id = await desk.open_session()
    await desk.take_turn(agent, session_id, "How long does shipping to Germany take?")
    taken = await desk.take_turn(agent, session_id, "and to Norway?")
    assert "Norway" in taken.answered.text
    assert taken.answered.sources[0].metadata["title"] == "Orders and shipping"


async def test_memory_works_by_words_alone(desk: Desk) -> None:
    agent = desk.agent(QuotingModel())
    first = await desk.open_session(user_id="anna")
    told = await desk.take_turn(agent, first, "Please remember that I prefer e-mail", user_id="anna")
    assert told.answered.text == texts_for("en").remembered
    second = await desk.open_session(user_id="anna")
    recalled = await desk.take_turn(agent, second, "What do you know about me?", user_id="anna")
    assert recalled.answered.text == f"{texts_for('en').recalled}\n- I prefer e-mail"
    forgotten = await desk.take_turn(agent, second, "Forget everything you know about me", user_id="anna")
    assert forgotten.answered.text == texts_for("en").forgotten
    assert await desk.memory.recall(UserId("anna")) == []
    again = await desk.take_turn(agent, second, "What do you know about me?", user_id="anna")
    assert again.answered.text == texts_for("en").nothing_known
