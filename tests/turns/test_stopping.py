"""A turn that is cancelled, handed to a person, ended or deleted stops at once, and what was said of it is kept."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deskhand.ids import SessionId
from deskhand.models.port import ModelError
from deskhand.sessions import SessionNotFound, SessionStatus
from deskhand.testing.scripted_model import Gate, ScriptedModel
from turns.desk import Desk, eventually, open_desk, type_of


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def desk(database_url: str, gate: Gate) -> AsyncIterator[Desk]:
    """Its first answer stops half-way, at the gate."""
    async with open_desk(database_url, model=ScriptedModel(["Half of ", "it", gate, " and the rest."])) as opened:
        yield opened


async def test_cancelling_keeps_what_was_said_as_incomplete(desk: Desk, gate: Gate) -> None:
    session = await desk.open_session()
    accepted = await desk.say(session, "Hello")
    await gate.reached.wait()
    assert await desk.turns.cancel(session) == accepted.turn_id
    outcome = await desk.outcome(session, accepted)
    assert (type_of(outcome), outcome.partial, outcome.reason) == ("cancelled", "Half of it", "cancelled_by_customer")
    history = await desk.history(session)
    assert [(message.content, message.status) for message in history.messages] == [("Hello", "complete"), ("Half of it", "incomplete")]
    assert history.messages[-1].id == outcome.message_id


async def test_nothing_of_a_cancelled_answer_is_shown_afterwards(desk: Desk, gate: Gate) -> None:
    session = await desk.open_session()
    async with desk.follow(session) as follower:
        await desk.say(session, "Hello")
        await follower.until_type("text")
        await desk.turns.cancel(session)
        gate.open()
        assert type_of(await desk.ask(session, "And now?")) == "complete"
        await follower.until_type("complete")
        types = follower.types()
        assert types[: types.index("cancelled")].count("text") > 0
        assert list(dict.fromkeys(types[types.index("cancelled") :])) == [
            "cancelled",
            "acknowledged",
            "started",
            "status",
            "text",
            "complete",
        ]
    assert desk.model.abandoned == 1
    assert desk.faults() == 0


async def test_a_message_that_waits_is_answered_after_a_cancel(desk: Desk, gate: Gate) -> None:
    session = await desk.open_session()
    await desk.say(session, "One?")
    await gate.reached.wait()
    second = await desk.say(session, "Two?")
    await desk.turns.cancel(session)
    assert type_of(await desk.outcome(session, second)) == "complete"
    assert [turn.state for turn in (await desk.history(session)).turns] == ["cancelled", "completed"]


async def test_a_turn_that_waits_can_be_cancelled_before_it_begins(database_url: str, gate: Gate) -> None:
    async with open_desk(database_url, model=ScriptedModel([gate, "Done."]), concurrency=1) as desk:
        busy, session = await desk.open_session(), await desk.open_session()
        await desk.say(busy, "Keep the only place")
        await gate.reached.wait()
        accepted = await desk.say(session, "Hello")
        assert await desk.turns.cancel(session) == accepted.turn_id
        gate.open()
        outcome = await desk.outcome(session, accepted)
        assert (type_of(outcome), outcome.message_id) == ("cancelled", None)
        assert len((await desk.history(session)).messages) == 1


async def test_cancelling_when_nothing_runs_changes_nothing(desk: Desk, gate: Gate) -> None:
    gate.open()
    session = await desk.open_session()
    assert await desk.turns.cancel(session) is None
    await desk.ask(session, "Hello")
    before = await desk.history(session)
    assert await desk.turns.cancel(session) is None
    assert await desk.history(session) == before
    with pytest.raises(SessionNotFound):
        await desk.turns.cancel("sess_000000000000")


async def test_of_many_who_cancel_one_does(desk: Desk, gate: Gate) -> None:
    session = await desk.open_session()
    accepted = await desk.say(session, "Hello")
    await gate.reached.wait()
    cancelled = await asyncio.gather(*(desk.turns.cancel(session) for _ in range(10)))
    assert sorted(cancelled, key=str) == [None] * 9 + [accepted.turn_id]
    await desk.history(session)


async def test_a_cancel_that_races_with_the_end_leaves_one_end(database_url: str) -> None:
    async with open_desk(database_url) as desk:
        sessions = [await desk.open_session() for _ in range(20)]

        async def say_and_cancel(session: str, pauses: int) -> str:
            accepted = await desk.say(session, "Hello")
            for _ in range(pauses):
                await asyncio.sleep(0)
            await desk.turns.cancel(session)
            return type_of(await desk.outcome(session, accepted))

        await asyncio.gather(*(say_and_cancel(session, 3 * number) for number, session in enumerate(sessions)))
        for session in sessions:
            await desk.history(session)
        assert desk.faults() == 0


async def test_when_a_person_takes_over_the_agent_falls_silent_and_nothing_waits(desk: Desk, gate: Gate) -> None:
    session = await desk.open_session()
    async with desk.follow(session) as follower:
        first = await desk.say(session, "One?")
        await gate.reached.wait()
        second = await desk.say(session, "Two?")
        await desk.turns.change_status(session, SessionStatus.ESCALATED)
        gate.open()
        outcomes = [await desk.outcome(session, accepted) for accepted in (first, second)]
        assert [(type_of(outcome), outcome.reason) for outcome in outcomes] == [("cancelled", "session_escalated")] * 2
        assert (await desk.say(session, "Three?")).turn_id is None
        await follower.until_type("acknowledged", times=3)
        types = follower.types()
        assert "text" not in types[types.index("cancelled") :]
    history = await desk.history(session)
    assert [event.type for event in history.events[-4:]] == ["cancelled", "cancelled", "mode", "acknowledged"]
    assert [(turn.state, turn.attempt) for turn in history.turns] == [("cancelled", 1), ("cancelled", 0)]


async def test_the_agent_answers_again_once_it_is_given_the_session_back(desk: Desk, gate: Gate) -> None:
    gate.open()
    session = await desk.open_session()
    await desk.turns.change_status(session, SessionStatus.ESCALATED)
    await desk.say(session, "For a person")
    await desk.turns.change_status(session, SessionStatus.ACTIVE)
    assert type_of(await desk.ask(session, "For the agent")) == "complete"
    assert [message.role for message in (await desk.history(session)).messages] == ["customer", "customer", "assistant"]


async def test_a_hand_over_by_the_agent_opens_a_ticket_and_ends_what_waits(database_url: str) -> None:
    async with open_desk(database_url) as desk:
        session = await desk.open_session()
        accepted = await desk.say(session, "I want to talk to a human being, please.")
        outcome = await desk.outcome(session, accepted)
        assert outcome.requires_escalation
        history = await desk.history(session)
        assert [event.type for event in history.events] == ["acknowledged", "started", "escalation", "complete", "mode"]
        assert history.status == "escalated"
        assert history.tickets == (accepted.turn_id,)
        assert (await desk.say(session, "Thank you")).turn_id is None


async def test_ending_a_session_frees_what_the_agent_kept(desk: Desk, gate: Gate) -> None:
    gate.open()
    session = await desk.open_session()
    await desk.ask(session, "Hello")
    assert await desk.agent.session_store.get(SessionId(session)) is not None
    await desk.turns.change_status(session, SessionStatus.ENDED)
    assert await desk.agent.session_store.get(SessionId(session)) is None


async def test_changing_to_the_present_status_changes_nothing(desk: Desk) -> None:
    session = await desk.open_session()
    await desk.turns.change_status(session, SessionStatus.ACTIVE)
    assert (await desk.history(session)).events == ()


async def test_deleting_a_session_stops_its_turn_and_ends_its_readers(desk: Desk, gate: Gate) -> None:
    session = await desk.open_session()
    async with desk.follow(session) as follower:
        accepted = await desk.say(session, "Hello")
        await gate.reached.wait()
        await desk.say(session, "And this waits")
        waiting = asyncio.ensure_future(desk.outcome(session, accepted))
        await follower.until_type("acknowledged", times=2)
        await desk.turns.delete_session(session)
        await follower.until_end()
        with pytest.raises(SessionNotFound):
            await waiting
    with pytest.raises(SessionNotFound):
        await desk.turns.delete_session(session)

    async def nothing_runs() -> bool:
        return desk.turns.running_count == 0

    await eventually(nothing_runs)
    assert desk.model.abandoned == 1
    assert desk.faults() == 0


async def test_a_session_that_is_deleted_while_its_turn_ends_leaves_no_fault(database_url: str) -> None:
    gates = [Gate() for _ in range(10)]
    async with open_desk(database_url, model=ScriptedModel(*(["Text", gate, ModelError("The model broke.")] for gate in gates))) as desk:
        for gate in gates:
            session = await desk.open_session()
            await desk.say(session, "Hello")
            await gate.reached.wait()
            gate.open()
            await desk.turns.delete_session(session)

        async def nothing_runs() -> bool:
            return desk.turns.running_count == 0

        await eventually(nothing_runs)
        assert desk.faults() == 0


async def test_readers_and_workers_leave_nothing_behind(desk: Desk, gate: Gate) -> None:
    gate.open()
    session = await desk.open_session()
    async with desk.follow(session):
        await desk.ask(session, "Hello")

    async def no_channel_is_left() -> bool:
        return desk.turns._hub.find_channel(session) is None

    await eventually(no_channel_is_left)
