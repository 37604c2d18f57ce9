"""The database goes away in the middle of turns: what was acknowledged is there afterwards, and turns end once it is back."""

import asyncio
import contextlib
import signal

import pysqlite3.dbapi2
import pytest

from deskhand.persistence import DatabaseUnavailable
from deskhand.testing.scripted_model import Gate, ScriptedModel
from parts.postgres import PostgresServer
from turns.desk import Desk, eventually, open_desk

pytestmark = pytest.mark.serial


async def has_ended(desk: Desk, session: str) -> bool:
    with contextlib.suppress(DatabaseUnavailable):
        return all(turn.state == "completed" for turn in (await desk.history(session)).turns)
    return False


async def test_an_answer_is_stored_once_the_lock_on_the_database_is_gone(tmp_path) -> None:
    path = tmp_path / "deskhand.db"
    gate = Gate()
    async with open_desk(f"sqlite:///{path}", model=ScriptedModel(["The answer.", gate])) as desk:
        session = await desk.open_session()
        accepted = await desk.say(session, "Hello")
        await gate.reached.wait()
        with contextlib.closing(pysqlite3.dbapi2.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            gate.open()
            with pytest.raises(DatabaseUnavailable):
                await desk.say(session, "Not taken, and told so")
            other.execute("ROLLBACK")
        assert (await desk.outcome(session, accepted)).message == "The answer."
        history = await desk.history(session)
        assert [message.content for message in history.messages] == ["Hello", "The answer."]
        assert history.turns[0].attempt == 1


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGQUIT])
async def test_turns_survive_a_restart_of_postgres(own_postgres_server: PostgresServer, with_signal: signal.Signals) -> None:
    gates = [Gate() for _ in range(10)]
    model = ScriptedModel(*([f"Answer {number}.", gate] for number, gate in enumerate(gates)))
    async with open_desk(own_postgres_server.create_database(), model=model) as desk:
        sessions = [await desk.open_session() for _ in gates]
        acknowledged: list[tuple[str, str]] = []
        for session in sessions:
            await desk.say(session, "Before")
        await asyncio.gather(*(gate.reached.wait() for gate in gates))

        async def go_on_saying(session: str) -> None:
            for _ in range(200):
                with contextlib.suppress(DatabaseUnavailable):
                    accepted = await desk.say(session, "Meanwhile", client_message_id="c1")
                    acknowledged.append((session, accepted.message_id))
                    return
                await asyncio.sleep(0.05)

        restarting = asyncio.ensure_future(asyncio.to_thread(own_postgres_server.restart, with_signal=with_signal))
        for gate in gates:
            gate.open()
        await asyncio.gather(*(go_on_saying(session) for session in sessions))
        await restarting
        for session in sessions:
            await eventually(lambda session=session: has_ended(desk, session))
            kept = {message.id for message in (await desk.history(session)).messages}
            assert {message_id for where, message_id in acknowledged if where == session} <= kept
        assert len(acknowledged) == len(sessions)
