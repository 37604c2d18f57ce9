"""What happens to what a customer says: kept, answered in order, once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deskhand.sessions import AttachmentNotFound, MessageConflict, QueueFull, SessionEnded, SessionNotFound, SessionStatus
from deskhand.testing.scripted_model import Gate, ScriptedModel
from turns.desk import Desk, open_desk, type_of


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with open_desk(database_url) as opened:
        yield opened


async def test_what_is_said_is_answered_and_both_are_kept(desk: Desk) -> None:
    session = await desk.open_session()
    outcome = await desk.ask(session, "How do I reset my password?")
    assert type_of(outcome) == "complete"
    history = await desk.history(session)
    assert [(message.role, message.content, message.status) for message in history.messages] == [
        ("customer", "How do I reset my password?", "complete"),
        ("assistant", "You can reset your password on the sign-in page.", "complete"),
    ]
    assert [event.type for event in history.events] == ["acknowledged", "started", "complete"]


async def test_a_message_is_stored_before_it_is_acknowledged(desk: Desk) -> None:
    session = await desk.open_session()
    accepted = await desk.say(session, "Hello")
    messages = (await desk.sessions.read_transcript(session, limit=10)).messages
    assert accepted.message_id in [message.id for message in messages]


async def test_a_retried_send_is_one_message_and_one_answer(desk: Desk) -> None:
    session = await desk.open_session()
    first = await desk.say(session, "Hello", client_message_id="c1")
    sent = await asyncio.gather(*(desk.say(session, "Hello", client_message_id="c1") for _ in range(20)))
    assert {(again.message_id, again.turn_id, again.duplicate) for again in sent} == {(first.message_id, first.turn_id, True)}
    answers = await asyncio.gather(*(desk.outcome(session, again) for again in [first, *sent]))
    assert len({answer.id for answer in answers}) == 1
    late = await desk.say(session, "Hello", client_message_id="c1")
    assert (await desk.outcome(session, late)).id == answers[0].id
    assert len((await desk.history(session)).messages) == 2
    assert len(desk.model.requests) == 1


async def test_sends_of_one_message_that_race_are_one_message(desk: Desk) -> None:
    session = await desk.open_session()
    sent = await asyncio.gather(*(desk.say(session, "Hello", client_message_id="c1") for _ in range(20)))
    assert len({again.message_id for again in sent}) == 1
    assert [again.duplicate for again in sent].count(False) == 1


async def test_the_same_id_with_other_words_is_a_conflict(desk: Desk) -> None:
    session = await desk.open_session()
    await desk.ask(session, "Hello")
    await desk.say(session, "Hello", client_message_id="c1")
    with pytest.raises(MessageConflict):
        await desk.say(session, "Good bye", client_message_id="c1")


async def test_the_same_client_id_in_another_session_is_another_message(desk: Desk) -> None:
    one, other = await desk.open_session(), await desk.open_session()
    first = await desk.say(one, "Hello", client_message_id="c1")
    second = await desk.say(other, "Hello", client_message_id="c1")
    assert not second.duplicate
    assert first.message_id != second.message_id


async def test_a_burst_before_the_turn_begins_is_one_turn(database_url: str) -> None:
    gate = Gate()
    async with open_desk(database_url, model=ScriptedModel(["Wait.", gate]), concurrency=1) as desk:
        busy, session = await desk.open_session(), await desk.open_session()
        await desk.say(busy, "Keep the only place")
        await gate.reached.wait()
        sent = [await desk.say(session, words) for words in ("My order", "number 7", "is late")]
        gate.open()
        assert len({accepted.turn_id for accepted in sent}) == 1
        outcomes = await asyncio.gather(*(desk.outcome(session, accepted) for accepted in sent))
        assert len({outcome.id for outcome in outcomes}) == 1
        said = "\n".join(message.content for message in desk.model.requests[1].messages)
        assert said.index("My order") < said.index("number 7") < said.index("is late")
        assert [message.role for message in (await desk.history(session)).messages] == ["customer"] * 3 + ["assistant"]


async def test_what_is_said_while_an_answer_runs_is_answered_after_it(database_url: str) -> None:
    gate = Gate()
    model = ScriptedModel(["First ", gate, "answer."], ["Second answer."])
    async with open_desk(database_url, model=model) as desk:
        session = await desk.open_session()
        first = await desk.say(session, "One?")
        await gate.reached.wait()
        second = await desk.say(session, "Two?")
        third = await desk.say(session, "Three?")
        gate.open()
        assert (await desk.outcome(session, third)).message == "Second answer."
        assert second.turn_id == third.turn_id != first.turn_id
        history = await desk.history(session)
        assert [message.content for message in history.messages] == ["One?", "Two?", "Three?", "First answer.", "Second answer."]
        assert [event.type for event in history.events if event.type != "acknowledged"] == ["started", "complete"] * 2


async def test_a_queue_that_is_full_refuses_and_says_when_to_come_back(database_url: str) -> None:
    gate = Gate()
    async with open_desk(database_url, model=ScriptedModel([gate, "Done."])) as desk:
        session = await desk.open_session()
        await desk.say(session, "Zero")
        await gate.reached.wait()
        for number in range(5):
            await desk.say(session, f"More {number}", client_message_id=f"c{number}")
        with pytest.raises(QueueFull) as refused:
            await desk.say(session, "Too much")
        assert refused.value.status == 429
        assert refused.value.retry_after_seconds
        assert (await desk.say(session, "More 4", client_message_id="c4")).duplicate
        gate.open()


async def test_turns_of_many_sessions_run_side_by_side(database_url: str) -> None:
    gates = [Gate() for _ in range(8)]
    async with open_desk(database_url, model=ScriptedModel(*([gate, "Done."] for gate in gates))) as desk:
        sessions = [await desk.open_session() for _ in gates]
        accepted = [await desk.say(session, "Hello") for session in sessions]
        await asyncio.gather(*(gate.reached.wait() for gate in gates))
        assert desk.turns.running_count == 8
        for gate in gates:
            gate.open()
        await asyncio.gather(*(desk.outcome(session, each) for session, each in zip(sessions, accepted, strict=True)))


async def test_a_session_that_a_person_answers_gets_no_turn(desk: Desk) -> None:
    session = await desk.open_session()
    await desk.turns.change_status(session, SessionStatus.ESCALATED)
    accepted = await desk.say(session, "Are you there?")
    assert accepted.turn_id is None
    assert [message.content for message in (await desk.history(session)).messages] == ["Are you there?"]
    assert desk.model.requests == []


async def test_a_session_that_ended_takes_nothing_but_knows_what_it_took(desk: Desk) -> None:
    session = await desk.open_session()
    sent = await desk.say(session, "Hello", client_message_id="c1")
    await desk.outcome(session, sent)
    await desk.turns.change_status(session, SessionStatus.ENDED)
    with pytest.raises(SessionEnded):
        await desk.say(session, "Hello again")
    assert (await desk.say(session, "Hello", client_message_id="c1")).message_id == sent.message_id


async def test_nothing_is_said_in_a_session_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(SessionNotFound):
        await desk.say("sess_000000000000", "Hello")


async def test_a_message_that_names_an_unknown_file_is_not_stored(desk: Desk) -> None:
    session = await desk.open_session()
    with pytest.raises(AttachmentNotFound):
        await desk.turns.accept(session, content="See file", attachments=["file_000000000000000000000000"])
    assert (await desk.history(session)).messages == ()


async def test_no_turn_is_begun_for_which_there_is_no_place(database_url: str) -> None:
    """A turn that was begun and waits for a place would lose its lease, and with it an attempt."""
    gate = Gate()
    model = ScriptedModel(otherwise=lambda _request: [gate, "Done."])
    async with open_desk(database_url, model=model, concurrency=2) as desk:
        sessions = [await desk.open_session() for _ in range(6)]
        accepted = await asyncio.gather(*(desk.say(session, "Hello") for session in sessions))
        states = [(await desk.turn(each.turn_id)).state for each in accepted]
        assert sorted(states) == ["queued"] * 4 + ["running"] * 2
        gate.open()
        await asyncio.gather(*(desk.outcome(session, each) for session, each in zip(sessions, accepted, strict=True)))
        for session in sessions:
            assert (await desk.history(session)).turns[0].attempt == 1
