"""A3: whoever comes back with the id of anything they saw gets exactly what comes after it, at every point of every kind of turn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from deskhand.models.port import ModelError, ToolCall
from deskhand.sessions import SessionStatus
from deskhand.testing.scripted_model import Gate, ScriptedModel
from deskhand.turns import TurnRules
from turns.desk import PATIENCE_SECONDS, CountedTool, Desk, Follower, HeldClock, eventually, open_desk, type_of
from turns.pieces import Key, Piece, View, as_json, check_follows, id_of, key_of, pieces_of, rest_after, seen_until

LONG = "Your order 😀 left our warehouse yesterday evening, naïvely wrapped, and is on its way to you. "


@dataclass(slots=True)
class Walk:
    """A desk, a reader who saw everything live, and the count of cuts that were tried."""

    desk: Desk
    session: str
    follower: Follower
    is_exact: bool
    cuts: int = 0
    later: list[tuple[Key, Follower]] = field(default_factory=list)

    def seen(self) -> list[Piece]:
        return pieces_of(as_json(self.follower.events))

    async def try_every_cut(self, *, keep_every: int = 40) -> None:
        """Come back after each thing that was seen so far, each character of text, and get what the live reader got after it."""
        pieces = self.seen()
        check_follows(pieces, after=(0,))
        keys: list[Key] = [(0,), *(key for piece in pieces for key in piece.cuts)]
        for key in keys[:-1]:
            await self._come_back(pieces, key)
        self.cuts += len(keys) - 1
        self.later += [(key, Follower(self.desk.turns, self.session, after=id_of(key))) for key in keys[::keep_every]]

    async def _come_back(self, pieces: list[Piece], key: Key) -> None:
        got = []
        stream = self.desk.turns.stream_events(self.session, after=id_of(key))
        async with asyncio.timeout(PATIENCE_SECONDS), contextlib.aclosing(stream) as batches:
            async for batch in batches:
                got.extend(batch)
                if key_of(batch[-1].id) >= pieces[-1].key:
                    break
        rest = pieces_of(as_json(got))
        check_follows(rest, after=key)
        if self.is_exact:
            assert rest == rest_after(pieces, key)
        assert View.of([*seen_until(pieces, key), *rest]) == View.of(pieces)

    async def check_those_who_stayed(self) -> None:
        """Whoever came back at a cut and stayed got everything from there, once and in order."""
        pieces = self.seen()
        for key, follower in self.later:
            await follower.until(lambda reader: bool(reader.events) and key_of(reader.events[-1].id) >= pieces[-1].key)
            rest = pieces_of(as_json(follower.events))
            check_follows(rest, after=key)
            assert View.of([*seen_until(pieces, key), *rest]) == View.of(pieces)
            await follower.close()


@contextlib.asynccontextmanager
async def walking(url: str, model: ScriptedModel, *, clock: HeldClock | None, tool: CountedTool) -> AsyncIterator[Walk]:
    rules = TurnRules()
    async with open_desk(url, model=model, clock=clock, rules=rules, tools=[tool.tool()]) as desk:
        session = await desk.open_session()
        async with desk.follow(session) as follower:
            yield Walk(desk, session, follower, is_exact=url.startswith("sqlite"))


async def until_seen(walk: Walk, gate: Gate) -> None:
    """The model stands at the gate, and the live reader has all that was said until then."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await gate.reached.wait()
    running = walk.desk.turns._worker._running[walk.session]
    await walk.follower.until(lambda reader: View.of(pieces_of(as_json(reader.events))).text == running.answer.text)


async def test_ten_thousand_cuts_leave_no_gap_and_repeat_nothing(database_url: str) -> None:
    is_sqlite = database_url.startswith("sqlite")
    size = 8 if is_sqlite else 1
    gates = [Gate() for _ in range(5)]
    tool = CountedTool("look", idempotent=True)
    tool.gate.set()
    text = [piece + " " for piece in (LONG * size).split(" ")]
    model = ScriptedModel(
        [*text, ToolCall("1", "look", "{}")],
        [*text, gates[0], "And more. ", gates[1], "The end."],
        [*text, gates[2], "never shown"],
        ["Half of it", gates[3], ModelError("The model broke.")],
        [*text, gates[4], "never shown"],
    )
    clock = HeldClock() if is_sqlite else None
    async with walking(database_url, model, clock=clock, tool=tool) as walk:
        await walk.desk.say(walk.session, "One?")
        await until_seen(walk, gates[0])
        await walk.desk.say(walk.session, "Two, while one is answered?")
        await walk.desk.say(walk.session, "And one thing more")
        await walk.follower.until_type("acknowledged", times=3)
        await walk.try_every_cut()
        gates[0].open()
        await until_seen(walk, gates[1])
        await walk.try_every_cut()
        gates[1].open()
        await until_seen(walk, gates[2])
        await walk.try_every_cut()
        await walk.desk.turns.cancel(walk.session)
        await walk.follower.until_type("cancelled")
        await walk.desk.say(walk.session, "Three?")
        await until_seen(walk, gates[3])
        await walk.try_every_cut()
        gates[3].open()
        await walk.follower.until_type("error")
        await walk.try_every_cut()
        await walk.desk.say(walk.session, "Four?")
        await until_seen(walk, gates[4])
        await walk.desk.say(walk.session, "Five, which waits?")
        await walk.desk.turns.change_status(walk.session, SessionStatus.ESCALATED)
        await walk.follower.until_type("mode")
        await walk.desk.say(walk.session, "For a person")
        await walk.follower.until_type("acknowledged", times=7)
        await walk.try_every_cut()
        await walk.check_those_who_stayed()
        await walk.desk.history(walk.session)
        assert walk.cuts >= (10_000 if is_sqlite else 1_000)


async def test_a_new_attempt_voids_the_text_of_the_one_before(database_url: str) -> None:
    """The turn is taken over twice; each reader is told so, and at every cut comes to the same text."""
    gates = [Gate() for _ in range(3)]
    scripts = [[f"Attempt {number}: {LONG}", gate] for number, gate in enumerate(gates, start=1)]
    async with contextlib.AsyncExitStack() as opened:
        desks = [await opened.enter_async_context(open_desk(database_url, model=ScriptedModel(script), starts=False)) for script in scripts]
        session = await desks[0].open_session()
        follower = await opened.enter_async_context(desks[0].follow(session))
        walk = Walk(desks[0], session, follower, is_exact=False)
        await desks[0].say(session, "Hello")
        await until_seen(walk, gates[0])
        await walk.try_every_cut()
        # A server that stops gives its leases up; the readers of another that watches see the new attempt.
        watched = await opened.enter_async_context(desks[1].follow(session))
        await desks[0].turns.drain()
        await desks[1].turns.start()
        walk = Walk(desks[1], session, watched, is_exact=False)
        await until_seen(walk, gates[1])
        await walk.try_every_cut()
        await desks[1].turns.drain()
        last = await opened.enter_async_context(desks[2].follow(session))
        await desks[2].turns.start()
        walk = Walk(desks[2], session, last, is_exact=False)
        await until_seen(walk, gates[2])
        await walk.try_every_cut()
        gates[2].open()
        await last.until_type("complete")
        await walk.check_those_who_stayed()
        history = await desks[2].history(session)
        assert history.turns[0].attempt == 3
        assert history.messages[-1].content == f"Attempt 3: {LONG}"


@pytest.mark.parametrize("event_id", ["999", "7.1.5", "abc", "1.2", "-1", "\u0663", "1.1.1.1.1", "9" * 60])
async def test_an_id_that_is_none_of_this_session_is_answered_with_a_resync(database_url: str, event_id: str) -> None:
    async with open_desk(database_url) as desk:
        session = await desk.open_session()
        await desk.ask(session, "Hello")
        async with desk.follow(session, after=event_id) as follower:
            resync = await follower.until_type("resync")
            assert resync.id == "3"
            await desk.ask(session, "And again?")
            await follower.until_type("complete")
            assert [event.id for event in follower.events if "." not in event.id] == ["3", "4", "5", "6"]


async def test_a_reader_from_now_on_gets_nothing_of_before(database_url: str) -> None:
    gate = Gate()
    async with open_desk(database_url, model=ScriptedModel(["Before."], ["Now ", gate, "and later."])) as desk:
        session = await desk.open_session()
        await desk.ask(session, "Hello")
        async with desk.follow(session, after=None) as follower:
            accepted = await desk.say(session, "And again?")
            await gate.reached.wait()

            async def has_begun() -> bool:
                return bool(follower.events)

            # It may have begun before or after the message, or after the first words: these make it show itself.
            await eventually(has_begun)
            gate.open()
            await desk.outcome(session, accepted)
            await follower.until_type("complete")
            assert min(key_of(event.id) for event in follower.events) > (3,)


async def test_many_readers_of_one_answer_get_the_same(database_url: str) -> None:
    gate = Gate()
    async with open_desk(database_url, model=ScriptedModel([*LONG.split(), gate, *LONG.split()])) as desk:
        session = await desk.open_session()
        followers = [Follower(desk.turns, session, after="0") for _ in range(20)]
        await desk.say(session, "Hello")
        await gate.reached.wait()
        followers += [Follower(desk.turns, session, after="0") for _ in range(20)]
        # Who comes when the answer has ended gets it whole, without its pieces.
        await asyncio.gather(*(follower.until_type("started") for follower in followers))
        gate.open()
        await asyncio.gather(*(follower.until_type("complete") for follower in followers))
        views = [pieces_of(as_json(follower.events)) for follower in followers]
        assert all(view == views[0] for view in views)
        for follower in followers:
            await follower.close()


async def test_a_reader_goes_on_at_another_server_wherever_it_stood(postgres_url: str) -> None:
    """Two servers share a database. One answers; the other knows of it what was checkpointed, and joins at any point."""
    first, second, third = Gate(), Gate(), Gate()
    model = ScriptedModel(["Here is ", "the ", first, "long ", second, "answer ", third, "to it."])
    async with open_desk(postgres_url, model=model) as here, open_desk(postgres_url) as there:
        session = await here.open_session()
        async with here.follow(session) as watching_here, there.follow(session) as watching_there:
            accepted = await here.say(session, "Hello")
            await first.reached.wait()
            await there.say(session, "Said at the other server, in the middle")
            await until_text(watching_here, "Here is the ")
            await asyncio.sleep(0.55)  # a checkpoint is due after half a second of the server's clock, which cannot be held here
            first.open()
            await second.reached.wait()
            await until_text(watching_there, "Here is the long ")
            await here.say(session, "And at this one")
            await watching_here.until_type("acknowledged", times=3)
            await watching_there.until_type("acknowledged", times=3)
            seen_here, seen_there = (pieces_of(as_json(follower.events)) for follower in (watching_here, watching_there))
            moved: list[tuple[list[Piece], Key, Follower]] = []
            for pieces in (seen_here, seen_there):
                for key in [(0,), *(key for piece in pieces for key in piece.cuts)]:
                    moved += [(pieces, key, Follower(desk.turns, session, after=id_of(key))) for desk in (here, there)]
            second.open()
            await third.reached.wait()
            async with open_desk(postgres_url) as late:
                for key in [(0,), *(key for piece in seen_here for key in piece.cuts)]:
                    moved.append((seen_here, key, Follower(late.turns, session, after=id_of(key))))
                third.open()
                assert type_of(await here.outcome(session, accepted)) == "complete"
                for pieces, key, follower in moved:
                    await follower.until_type("complete")
                    rest = pieces_of(as_json(follower.events))
                    check_follows(rest, after=key)
                    View.of([*seen_until(pieces, key), *rest])
                    await follower.close()


async def until_text(follower: Follower, text: str) -> None:
    await follower.until(lambda reader: View.of(pieces_of(as_json(reader.events))).text == text)


async def test_a_reader_who_joins_at_another_server_sees_the_answer_that_runs(postgres_url: str) -> None:
    first, second = Gate(), Gate()
    async with open_desk(postgres_url, model=ScriptedModel(["Here is ", first, "the answer.", second])) as here:
        session = await here.open_session()
        accepted = await here.say(session, "Hello")
        await first.reached.wait()
        await asyncio.sleep(0.55)  # see above
        first.open()
        await second.reached.wait()

        async def is_kept() -> bool:
            return (await here.turn(accepted.turn_id)).partial == "Here is the answer."

        await eventually(is_kept)
        async with open_desk(postgres_url) as there, there.follow(session) as follower:
            await until_text(follower, "Here is the answer.")
            second.open()
            await follower.until_type("complete")


async def test_a_position_that_another_server_gave_is_good_before_this_one_has_heard_of_it(postgres_url: str) -> None:
    async with open_desk(postgres_url) as here, open_desk(postgres_url) as there:
        session = await here.open_session()
        async with there.follow(session, after="0"):
            await here.ask(session, "Hello")
            async with there.follow(session, after="3") as follower:
                await here.ask(session, "And again?")
                await follower.until_type("complete")
                assert "resync" not in follower.types()


async def test_a_reader_who_saw_the_end_elsewhere_is_not_shown_the_beginning_again(postgres_url: str) -> None:
    """The other server still believes that the answer runs, until it asks the database again."""
    gate = Gate()
    async with open_desk(postgres_url, model=ScriptedModel(["Here is ", gate, "the answer."])) as here, open_desk(postgres_url) as there:
        session = await here.open_session()
        async with there.follow(session) as watching:
            accepted = await here.say(session, "Hello")
            await gate.reached.wait()
            await watching.until_type("started")
            gate.open()
            end = await here.outcome(session, accepted)
            async with there.follow(session, after=end.id) as follower:
                await here.ask(session, "And again?")
                await follower.until_type("complete")
                rest = pieces_of(as_json(follower.events))
                check_follows(rest, after=key_of(end.id))
                assert [piece for piece in rest if piece.content is not None and piece.content.get("turn_id") == accepted.turn_id] == []
