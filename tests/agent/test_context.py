"""The context: from the store, or rebuilt from the transcript, and never more than it may be."""

import pytest

from agent.conftest import Desk
from deskhand.agent.history import Bounds, before_turn, fold
from deskhand.ids import SessionId
from deskhand.models.port import ModelMessage, Role
from deskhand.session_store import AgentContext
from deskhand.session_store.redis import RedisSessionStore
from deskhand.sessions import Author, MessageStatus
from deskhand.testing.scripted_model import ScriptedModel


def said(messages: tuple[ModelMessage, ...]) -> list[str]:
    return [message.content for message in messages if message.role is not Role.SYSTEM]


async def test_the_model_is_sent_what_was_said_before(desk: Desk) -> None:
    session_id = await desk.open_session()
    model = ScriptedModel(("A1",), ("A2",), ("A3",))
    agent = desk.agent(model)
    for text in ("Q1", "Q2", "Q3"):
        await desk.take_turn(agent, session_id, text)
    assert said(model.requests[2].messages) == ["Q1", "A1", "Q2", "A2", "Q3"]


@pytest.mark.parametrize("lost", ["deleted", "behind", "foreign"])
async def test_a_context_that_is_lost_or_behind_is_rebuilt(desk: Desk, lost: str) -> None:
    session_id = await desk.open_session()
    model = ScriptedModel(("A1",), ("A2",), ("A3",))
    agent = desk.agent(model)
    await desk.take_turn(agent, session_id, "Q1")
    before = await desk.store.get(session_id)
    assert before is not None
    await desk.take_turn(agent, session_id, "Q2")
    after = await desk.store.get(session_id)
    match lost:
        case "deleted":
            await desk.store.delete(session_id)
        case "behind":
            await desk.store.set(session_id, before)
        case _:
            await desk.store.set(session_id, AgentContext(session_id=session_id))
    assert await agent.get_or_create_context(session_id) == after
    await desk.take_turn(agent, session_id, "Q3")
    assert said(model.requests[2].messages) == ["Q1", "A1", "Q2", "A2", "Q3"]


async def test_a_fresh_context_is_not_rebuilt(desk: Desk) -> None:
    session_id = await desk.open_session()
    agent = desk.agent(ScriptedModel())
    await desk.take_turn(agent, session_id, "Q1")
    await desk.take_turn(agent, session_id, "Q2")
    stored = await desk.store.get(session_id)
    assert await agent.get_or_create_context(session_id) is stored


async def test_a_message_that_waits_for_its_own_turn_is_not_history(desk: Desk) -> None:
    session_id = await desk.open_session()
    first, second = desk.new_turn(), desk.new_turn()
    await desk.say(session_id, "Q1", turn_id=first)
    await desk.say(session_id, "Q2", turn_id=second)
    agent = desk.agent(ScriptedModel())
    assert (await agent.get_or_create_context(session_id, before=first)).messages == ()
    await desk.say(session_id, "A1", turn_id=first, role=Author.ASSISTANT)
    await desk.store.delete(session_id)
    context = await agent.get_or_create_context(session_id, before=second)
    assert [message.text for message in context.messages] == ["Q1", "A1"]
    await desk.say(session_id, "A2", turn_id=second, role=Author.ASSISTANT)
    context = await agent.get_or_create_context(session_id)
    assert [message.text for message in context.messages] == ["Q1", "A1", "Q2", "A2"]


async def test_what_a_colleague_said_and_what_was_interrupted_is_marked(desk: Desk) -> None:
    session_id = await desk.open_session()
    model = ScriptedModel()
    agent = desk.agent(model)
    await desk.take_turn(agent, session_id, "Q1")
    failed = desk.new_turn()
    await desk.say(session_id, "Q2", turn_id=failed)
    await desk.say(session_id, "Half", turn_id=failed, role=Author.ASSISTANT, status=MessageStatus.INCOMPLETE)
    await desk.say(session_id, "Hello, Kim here", turn_id=None, role=Author.OPERATOR)
    await desk.take_turn(agent, session_id, "Q3")
    sent = said(model.requests[1].messages)
    assert sent[-4:] == ["Q2", "Half (interrupted)", "(A colleague answered:) Hello, Kim here", "Q3"]


async def test_turn_two_hundred_is_sent_and_read_as_little_as_turn_ten(desk: Desk) -> None:
    session_id = await desk.open_session()
    model = ScriptedModel(otherwise=lambda _: ("Answer",))
    agent = desk.agent(model, context_messages=10)
    for number in range(200):
        await desk.take_turn(agent, session_id, f"Q{number}")
    assert len(said(model.requests[9].messages)) == len(said(model.requests[199].messages)) == 11
    assert said(model.requests[199].messages)[0] == "Q194"
    context = await desk.store.get(session_id)
    assert context is not None
    newer = await desk.sessions.list_recent_messages(session_id, limit=10, after_seq=context.last_seq)
    assert newer == []


async def test_long_messages_make_room_too(desk: Desk) -> None:
    session_id = await desk.open_session()
    model = ScriptedModel(otherwise=lambda _: ("y" * 100,))
    agent = desk.agent(model, context_characters=1_000)
    for _ in range(4):
        await desk.take_turn(agent, session_id, "x" * 400)
    assert sum(map(len, said(model.requests[3].messages)[:-1])) <= 1_000


async def test_folding_turn_by_turn_and_rebuilding_agree(desk: Desk) -> None:
    session_id = await desk.open_session()
    agent = desk.agent(ScriptedModel(otherwise=lambda _: ("Answer",)), context_messages=7)
    for number in range(12):
        await desk.take_turn(agent, session_id, f"Q{number}", "and more")
    everything = (await desk.sessions.read_transcript(session_id, limit=1_000)).messages
    rebuilt = fold(AgentContext(session_id=session_id), before_turn(everything, None), Bounds(7, 40_000))
    assert await desk.store.get(session_id) == rebuilt


async def test_a_session_that_ended_leaves_nothing_in_the_store(desk: Desk) -> None:
    session_id = await desk.open_session()
    agent = desk.agent(ScriptedModel())
    await desk.take_turn(agent, session_id, "Q1")
    await agent.cleanup_session(session_id)
    assert not await desk.store.exists(session_id)


async def test_without_its_store_the_agent_works_from_the_transcript(desk: Desk, free_port: int) -> None:
    desk.store = RedisSessionStore(f"redis://127.0.0.1:{free_port}/0")
    session_id = await desk.open_session()
    model = ScriptedModel(("A1",), ("A2",))
    agent = desk.agent(model)
    await desk.take_turn(agent, session_id, "Q1")
    await desk.take_turn(agent, session_id, "Q2")
    await agent.cleanup_session(session_id)
    await agent.cleanup()
    assert said(model.requests[1].messages) == ["Q1", "A1", "Q2"]


async def test_contexts_in_redis_serve_another_instance(desk: Desk, redis_url: str) -> None:
    desk.store = RedisSessionStore(redis_url)
    session_id = await desk.open_session()
    await desk.take_turn(desk.agent(ScriptedModel(("A1",))), session_id, "Q1")
    other = RedisSessionStore(redis_url)
    context = await other.get(SessionId(session_id))
    assert context is not None
    assert [message.text for message in context.messages] == ["Q1", "A1"]
    await desk.store.close()
    await other.close()
