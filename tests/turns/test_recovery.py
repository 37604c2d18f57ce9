"""A worker that dies, freezes or loses the database: the turn goes on elsewhere, and nobody speaks who lost it.

On SQLite time is held by the test, and two desks on one file stand for the server before and after. On PostgreSQL leases are short and
time is the database's.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from deskhand.clock import Clock, SystemClock
from deskhand.models.port import ToolCall
from deskhand.persistence import Transaction
from deskhand.sessions.tables import turns as turn_table
from deskhand.testing.scripted_model import Gate, ScriptedModel
from deskhand.turns import TurnRules
from turns.desk import CountedTool, Desk, HeldClock, eventually, open_desk, type_of

REFUND = ToolCall("1", "refund", "{}")


@dataclass(frozen=True, slots=True)
class Times:
    """The clock and rules of the desks of a test, and how a lease runs out."""

    clock: Clock
    rules: TurnRules

    async def run_out(self, desk: Desk) -> None:
        """Let every lease be over, and hold the workers that had them to it: their clocks are past it as well."""
        if isinstance(self.clock, HeldClock):
            self.clock.seconds += self.rules.lease_seconds + 1

        def end_leases(tx: Transaction) -> None:
            tx.execute(sa.update(turn_table).where(turn_table.c.lease_until.is_not(None)).values(lease_until=1.0))

        await desk.database.write(end_leases)


@pytest.fixture
def times(database_url: str) -> Times:
    return Times(HeldClock() if database_url.startswith("sqlite") else SystemClock(), TurnRules())


@pytest.fixture
def open_here(database_url: str, times: Times) -> Callable[..., object]:
    def opened(model: ScriptedModel, **options: object) -> object:
        return open_desk(database_url, model=model, clock=times.clock, rules=times.rules, **options)

    return opened


async def test_another_worker_takes_over_and_the_customer_gets_one_answer(open_here, times: Times) -> None:
    gate = Gate()
    async with open_here(ScriptedModel(["Lost half", gate, " of an answer."])) as frozen:
        session = await frozen.open_session()
        async with frozen.follow(session) as follower:
            accepted = await frozen.say(session, "Hello")
            await gate.reached.wait()
            await times.run_out(frozen)
            async with open_here(ScriptedModel(["The whole answer."])) as other:
                outcome = await other.outcome(session, accepted)
                assert outcome.message == "The whole answer."
                gate.open()
                assert (await frozen.outcome(session, accepted)).id == outcome.id
                await follower.until_type("complete")
                history = await other.history(session)
        assert [event.type for event in history.events] == ["acknowledged", "started", "started", "complete"]
        assert [(turn.state, turn.attempt) for turn in history.turns] == [("completed", 2)]
        if isinstance(times.clock, HeldClock):
            # Elsewhere the worker's clock does not know that its lease was taken from it, until it writes.
            assert " of an answer." not in follower.text()


async def test_a_worker_that_was_frozen_past_its_lease_shows_nothing_more(tmp_path: Path) -> None:
    clock = HeldClock()
    gate = Gate()
    async with open_desk(f"sqlite:///{tmp_path / 'deskhand.db'}", model=ScriptedModel(["Before", gate, " after."]), clock=clock) as frozen:
        session = await frozen.open_session()
        async with frozen.follow(session) as follower:
            accepted = await frozen.say(session, "Hello")
            await gate.reached.wait()
            await follower.until_type("text")
            clock.seconds += TurnRules().lease_seconds + 1
            gate.open()
            # The same worker may take its own turn up again, as a new attempt.
            outcome = await frozen.outcome(session, accepted)
            assert type_of(outcome) == "complete"
            await follower.until_type("complete")
            assert " after." not in follower.text()
            assert follower.types().count("started") == 2
            await frozen.history(session)


async def test_text_is_checkpointed_and_survives_a_cancel_on_another_server(open_here, times: Times) -> None:
    first, second = Gate(), Gate()
    async with open_here(ScriptedModel(["One ", first, "two ", second, "three"])) as desk:
        session = await desk.open_session()
        accepted = await desk.say(session, "Hello")
        await first.reached.wait()
        if isinstance(times.clock, HeldClock):
            times.clock.seconds += 1.0
        else:
            await asyncio.sleep(0.55)  # a checkpoint is due after half a second of the server's clock, which cannot be held here
        first.open()
        await second.reached.wait()

        async def is_kept() -> bool:
            return (await desk.turn(accepted.turn_id)).partial == "One two "

        await eventually(is_kept)
        assert (await desk.turn(accepted.turn_id)).state == "streaming"
        async with open_here(ScriptedModel()) as other:
            await other.turns.cancel(session)
            outcome = await other.outcome(session, accepted)
            assert outcome.partial == "One two "
            second.open()
            await other.history(session)


async def test_a_lease_is_renewed_while_the_model_is_silent(database_url: str) -> None:
    gate = Gate()
    async with open_desk(database_url, model=ScriptedModel([gate, "At last."]), rules=TurnRules(lease_seconds=1.0)) as desk:
        session = await desk.open_session()
        accepted = await desk.say(session, "Hello")
        await gate.reached.wait()
        first = (await desk.turn(accepted.turn_id)).lease_until or 0.0

        async def is_renewed_past_its_first_end() -> bool:
            return ((await desk.turn(accepted.turn_id)).lease_until or 0.0) > first + 0.9

        async with open_desk(database_url, rules=TurnRules(lease_seconds=1.0)):
            await eventually(is_renewed_past_its_first_end)
            gate.open()
            assert (await desk.outcome(session, accepted)).message == "At last."
        assert (await desk.history(session)).turns[0].attempt == 1


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_takeover_replays_what_a_tool_answered(open_here, times: Times, idempotent: bool) -> None:
    tool = CountedTool("refund", idempotent=idempotent)
    tool.gate.set()
    gate = Gate()
    async with open_here(ScriptedModel([REFUND], [gate]), tools=[tool.tool()]) as frozen:
        session = await frozen.open_session()
        accepted = await frozen.say(session, "Refund me")
        await gate.reached.wait()
        await times.run_out(frozen)
        model = ScriptedModel([REFUND], ["Refunded."])
        async with open_here(model, tools=[tool.tool()]) as other:
            assert (await other.outcome(session, accepted)).message == "Refunded."
            assert len(tool.keys) == 1
            assert '"calls":1' in model.requests[1].messages[-1].content
            await other.history(session)


async def test_an_action_that_may_have_happened_goes_to_a_person(open_here, times: Times) -> None:
    tool = CountedTool("refund", idempotent=False)
    async with open_here(ScriptedModel([REFUND], ["Refunded."]), tools=[tool.tool()]) as frozen:
        session = await frozen.open_session()
        accepted = await frozen.say(session, "Refund me")
        await tool.reached.wait()
        await frozen.say(session, "Are you there?")
        await times.run_out(frozen)
        async with open_here(ScriptedModel([REFUND], ["Refunded again."]), tools=[tool.tool()]) as other:
            outcome = await other.outcome(session, accepted)
            assert (type_of(outcome), outcome.error) == ("error", "needs_human")
            tool.gate.set()

            async def is_recorded() -> bool:
                return await other.tool_calls() == ["done"]

            # Whoever made the call knows what came of it, although the turn is no longer its own.
            await eventually(is_recorded)
            history = await other.history(session)
        assert len(tool.keys) == 1
        assert history.tickets == (accepted.turn_id,)
        assert history.status == "escalated"
        assert [turn.state for turn in history.turns] == ["failed", "cancelled"]


async def test_a_call_without_effect_is_made_again(open_here, times: Times) -> None:
    tool = CountedTool("refund", idempotent=True)
    async with open_here(ScriptedModel([REFUND], ["Never."]), tools=[tool.tool()]) as frozen:
        session = await frozen.open_session()
        accepted = await frozen.say(session, "Look it up")
        await tool.reached.wait()
        await times.run_out(frozen)
        tool.reached.clear()
        async with open_here(ScriptedModel([REFUND], ["Found."]), tools=[tool.tool()]) as other:
            await tool.reached.wait()
            tool.gate.set()
            assert (await other.outcome(session, accepted)).message == "Found."
            assert len(tool.keys) == 2
            assert len(set(tool.keys)) == 1
            await other.history(session)


async def test_a_turn_that_kills_every_worker_ends_after_three_attempts(open_here, times: Times) -> None:
    gates = [Gate() for _ in range(3)]
    session = ""
    async with open_here(ScriptedModel(["One", gates[0]])) as first:
        session = await first.open_session()
        accepted = await first.say(session, "Hello")
        await gates[0].reached.wait()
        await times.run_out(first)
        async with open_here(ScriptedModel(["Two", gates[1]])) as second:
            await gates[1].reached.wait()
            await times.run_out(second)
            async with open_here(ScriptedModel(["Three", gates[2]])) as third:
                await gates[2].reached.wait()
                await times.run_out(third)
                async with open_here(ScriptedModel(["Four"])) as fourth:
                    outcome = await fourth.outcome(session, accepted)
                    assert (outcome.error, (await fourth.history(session)).turns[0].attempt) == ("attempts_exhausted", 3)
                    assert fourth.model.requests == []


async def test_a_turn_whose_time_is_over_is_not_tried_again(open_here, times: Times) -> None:
    gate = Gate()
    async with open_here(ScriptedModel(["Half", gate])) as frozen:
        session = await frozen.open_session()
        accepted = await frozen.say(session, "Hello")
        await gate.reached.wait()
        waiting = await frozen.say(session, "And this?")

        def end_time(tx: Transaction) -> None:
            tx.execute(sa.update(turn_table).where(turn_table.c.id == accepted.turn_id).values(deadline=1.0))

        await frozen.database.write(end_time)
        await times.run_out(frozen)
        async with open_here(ScriptedModel(["The next."])) as other:
            assert (await other.outcome(session, accepted)).error == "turn_timeout"
            assert (await other.outcome(session, waiting)).message == "The next."
            await other.history(session)


async def test_a_server_that_stops_leaves_its_turn_to_another_at_once(open_here) -> None:
    gate = Gate()
    async with open_here(ScriptedModel(["Half", gate])) as stopping:
        session = await stopping.open_session()
        async with stopping.follow(session) as follower:
            accepted = await stopping.say(session, "Hello")
            await gate.reached.wait()
            await stopping.turns.drain()
            await follower.until_end()
    async with open_here(ScriptedModel(["Whole."])) as other:
        assert (await other.outcome(session, accepted)).message == "Whole."
        history = await other.history(session)
    assert [event.type for event in history.events] == ["acknowledged", "started", "started", "complete"]


async def test_a_server_that_stops_lets_a_short_answer_end(database_url: str) -> None:
    gate = Gate()
    async with open_desk(database_url, model=ScriptedModel(["Half ", gate, "whole."]), drain_seconds=10) as desk:
        session = await desk.open_session()
        accepted = await desk.say(session, "Hello")
        await gate.reached.wait()
        draining = asyncio.ensure_future(desk.turns.drain())
        waiting = asyncio.ensure_future(desk.outcome(session, accepted))
        gate.open()
        assert (await waiting).message == "Half whole."
        await draining
        assert (await desk.history(session)).turns[0].attempt == 1


async def test_a_server_that_is_alone_takes_over_at_once(database_url: str) -> None:
    gate = Gate()
    async with open_desk(database_url, model=ScriptedModel(["Half", gate])) as dead:
        session = await dead.open_session()
        accepted = await dead.say(session, "Hello")
        await gate.reached.wait()
        async with open_desk(database_url, model=ScriptedModel(["Whole."]), starts=False) as other:
            await other.turns.start(alone=True)
            assert (await other.outcome(session, accepted)).message == "Whole."
            await other.history(session)


async def test_a_server_that_stops_while_it_claims_begins_nothing(database_url: str) -> None:
    model = ScriptedModel(otherwise=lambda _request: [Gate()])
    async with open_desk(database_url, model=model, drain_seconds=0.0) as stopping:
        sessions = [await stopping.open_session() for _ in range(8)]
        for session in sessions:
            await stopping.say(session, "Hello")
        async with asyncio.timeout(5):
            await stopping.turns.drain()
    async with open_desk(database_url) as other:
        for session in sessions:
            async with other.follow(session) as follower:
                await follower.until_type("complete")


async def test_what_waited_when_a_server_died_is_answered_by_the_next(database_url: str) -> None:
    async with open_desk(database_url, model=ScriptedModel([Gate()]), concurrency=1, drain_seconds=0.0) as dead:
        busy, session = await dead.open_session(), await dead.open_session()
        await dead.say(busy, "Keep the only place")
        accepted = await dead.say(session, "Hello")
    async with open_desk(database_url) as other:
        assert type_of(await other.outcome(session, accepted)) == "complete"
