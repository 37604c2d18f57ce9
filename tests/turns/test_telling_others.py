"""Two servers on one database that hear of each other: what happens at one is seen at the other at once, and nothing depends on it."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deskhand.clock import SystemClock
from deskhand.models.port import ToolCall
from deskhand.realtime import Bus
from deskhand.realtime.bus.redis import RedisBus
from deskhand.redis_link.redis import RedisLink
from deskhand.sealing import Sealer
from deskhand.testing.local_bus import LocalBus, LocalWire
from deskhand.testing.scripted_model import Gate, ScriptedModel
from turns.desk import CountedTool, Follower, open_desk, type_of
from turns.pieces import Key, Piece, View, as_json, check_follows, id_of, pieces_of, rest_after, seen_until


async def until_text(follower: Follower, text: str) -> None:
    await follower.until(lambda reader: View.of(pieces_of(as_json(reader.events))).text == text)


def buses(count: int = 2) -> list[LocalBus]:
    wire = LocalWire()
    return [LocalBus(wire) for _ in range(count)]


async def test_text_is_seen_at_the_other_server_before_it_is_stored(postgres_url: str) -> None:
    gates = [Gate() for _ in range(3)]
    model = ScriptedModel(["Here ", gates[0], "is ", gates[1], "the ", gates[2], "answer."])
    one, other = buses()
    async with open_desk(postgres_url, model=model, bus=one) as here, open_desk(postgres_url, bus=other) as there:
        session = await here.open_session()
        async with there.follow(session) as follower:
            accepted = await here.say(session, "Hello")
            for gate, seen in zip(gates, ("Here ", "Here is ", "Here is the "), strict=True):
                await gate.reached.wait()
                await until_text(follower, seen)
                turn = await here.turn(accepted.turn_id)
                assert turn.partial != seen, "it was not the database that told"
                gate.open()
            await follower.until_type("complete")
            await here.history(session)


async def test_who_joins_at_the_other_server_in_the_middle_gets_the_whole_at_once(postgres_url: str) -> None:
    gate = Gate()
    one, other = buses()
    async with open_desk(postgres_url, model=ScriptedModel(["Half of ", "the answer", gate, "."]), bus=one) as here:
        session = await here.open_session()
        accepted = await here.say(session, "Hello")
        await gate.reached.wait()
        async with open_desk(postgres_url, bus=other) as there, there.follow(session) as follower:
            await until_text(follower, "Half of the answer")
            assert (await here.turn(accepted.turn_id)).partial == ""
            gate.open()
            await follower.until_type("complete")


async def test_every_cut_of_a_live_answer_goes_on_at_either_server_exactly(postgres_url: str) -> None:
    begun, gate = Gate(), Gate()
    tool = CountedTool("look", idempotent=True)
    tool.gate.set()
    model = ScriptedModel([begun, "Let me ", "look. ", ToolCall("1", "look", "{}")], ["I found ", "it: ", gate, "the end."])
    one, other = buses()
    tools = [tool.tool()]
    async with (
        open_desk(postgres_url, model=model, bus=one, tools=tools) as here,
        open_desk(postgres_url, bus=other, tools=tools) as there,
    ):
        session = await here.open_session()
        async with here.follow(session) as watching_here, there.follow(session) as watching_there:
            await here.say(session, "Hello")
            for watching in (watching_here, watching_there):
                await watching.until_type("started")
            begun.open()
            for watching in (watching_here, watching_there):
                await until_text(watching, "Let me look. \n\nI found it: ")
            both = [pieces_of(as_json(watching.events)) for watching in (watching_here, watching_there)]
            assert both[0] == both[1], "text and notes stand at the same places"
            assert any(piece.kind == "note" for piece in both[0])
            moved: list[tuple[Key, Follower]] = []
            for key in [(0,), *(key for piece in both[0] for key in piece.cuts)]:
                moved += [(key, Follower(desk.turns, session, after=id_of(key))) for desk in (here, there)]
            for key, follower in moved:
                await follower.until(lambda reader, key=key: rest_after(both[0], key) == pieces_of(as_json(reader.events)))
            gate.open()
            await watching_here.until_type("complete")
            whole = View.of(pieces_of(as_json(watching_here.events)))
            for key, follower in moved:
                await follower.until_type("complete")
                rest = pieces_of(as_json(follower.events))
                check_follows(rest, after=key)
                assert View.of([*seen_until(both[0], key), *rest]) == whole
                await follower.close()


async def test_what_is_lost_on_the_way_is_made_good(postgres_url: str) -> None:
    gates = [Gate() for _ in range(3)]
    wire = LocalWire()
    one, other = LocalBus(wire), LocalBus(wire)
    model = ScriptedModel(["One, ", gates[0], "two, ", gates[1], "three, ", gates[2], "four."])
    async with open_desk(postgres_url, model=model, bus=one) as here, open_desk(postgres_url, bus=other) as there:
        session = await here.open_session()
        async with there.follow(session) as follower:
            await here.say(session, "Hello")
            await gates[0].reached.wait()
            await until_text(follower, "One, ")
            wire.is_cut = True
            gates[0].open()
            await gates[1].reached.wait()
            wire.mend()
            gates[1].open()
            await gates[2].reached.wait()
            await until_text(follower, "One, two, three, ")
            wire.is_cut = True
            gates[2].open()
            # Nobody tells of the end: it is found in the database.
            await follower.until_type("complete")
            assert_each_once(follower)


async def test_an_end_that_was_told_is_not_found_again(postgres_url: str) -> None:
    one, other = buses()
    async with open_desk(postgres_url, bus=one) as here, open_desk(postgres_url, bus=other) as there:
        session = await here.open_session()
        async with there.follow(session) as follower:
            for _ in range(5):
                assert type_of(await here.ask(session, "Hello")) == "complete"
                assert type_of(await there.ask(session, "Hello")) == "complete"
            await follower.until_type("complete", times=10)
            assert_each_once(follower)


async def test_a_deleted_session_ends_its_readers_everywhere(postgres_url: str) -> None:
    one, other = buses()
    async with open_desk(postgres_url, bus=one) as here, open_desk(postgres_url, bus=other) as there:
        session = await here.open_session()
        await here.ask(session, "Hello")
        async with there.follow(session) as follower:
            await follower.until_type("complete")
            async with asyncio.timeout(1.5):  # looking into the database takes 2 s while the servers hear of each other
                await here.turns.delete_session(session)
                await follower.until_end()


async def test_an_operator_who_takes_over_at_the_other_server_silences_this_one(postgres_url: str) -> None:
    gate = Gate()
    one, other = buses()
    model = ScriptedModel(["I will ", gate, "go on."])
    async with open_desk(postgres_url, model=model, bus=one) as here, open_desk(postgres_url, bus=other) as there:
        session = await here.open_session()
        async with here.follow(session) as follower:
            await here.say(session, "Hello")
            await gate.reached.wait()
            await until_text(follower, "I will ")
            await there.turns.cancel(session)
            await follower.until_type("cancelled")
            gate.open()
            await here.history(session)
            assert "go on" not in follower.text()


@asynccontextmanager
async def redis_buses(url: str, *, count: int) -> AsyncIterator[list[Bus]]:
    sealer = Sealer([base64.b64encode(os.urandom(32)).decode()])
    links = [RedisLink(url, clock=SystemClock()) for _ in range(count)]
    members = [RedisBus(link, sealer=sealer) for link in links]
    yield list(members)
    for member, link in zip(members, links, strict=True):
        await member.close()
        await link.close()


async def test_over_redis_many_sessions_are_followed_at_the_server_that_does_not_answer(postgres_url: str, redis_url: str) -> None:
    async with (
        redis_buses(redis_url, count=2) as (one, other),
        open_desk(postgres_url, bus=one) as here,
        open_desk(postgres_url, bus=other) as there,
    ):
        sessions = [await here.open_session() for _ in range(20)]
        followers = [Follower(there.turns, session, after="0") for session in sessions]
        await asyncio.gather(*(here.ask(session, "Hello") for session in sessions))
        for follower in followers:
            await follower.until_type("complete")
            assert_each_once(follower)
            await follower.close()


def assert_each_once(follower: Follower) -> None:
    pieces: list[Piece] = pieces_of(as_json(follower.events))
    check_follows(pieces, after=(pieces[0].key[0] - 1,))
    View.of(pieces)
