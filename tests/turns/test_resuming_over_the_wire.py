"""A3 over both transports of the real server: a client that comes back with any id gets the rest, once and in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from api.serving import Served, Visitor, serving, settings_in
from deskhand.testing.scripted_model import Gate, ScriptedModel
from turns.pieces import Key, Piece, View, check_follows, id_of, key_of, pieces_of, rest_after, seen_until

TEXT = [word + " " for word in ("Your order 😀 left our warehouse yesterday evening, naïvely wrapped, and is on its way. " * 3).split(" ")]
SSE_EVERY = 9


@contextlib.asynccontextmanager
async def sse_events(served: Served, visitor: Visitor, *, after: Key) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    headers = {**visitor.headers, "Last-Event-ID": id_of(after)}
    async with served.http.stream("GET", f"/api/sessions/{visitor.session_id}/events", headers=headers) as answer:
        assert answer.status_code == 200

        async def events() -> AsyncIterator[dict[str, Any]]:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield msgspec.json.decode(line.removeprefix("data: "))

        yield events()


async def websocket_events(connection: Any, *, after: Key) -> AsyncIterator[dict[str, Any]]:
    await connection.send(msgspec.json.encode({"type": "resume", "after": id_of(after)}).decode())
    while True:
        event = msgspec.json.decode(await connection.recv())
        if "id" in event:
            yield event


async def take_what_came_before(connection: Any, *, end: Key) -> None:
    """A connection begins to follow before it is told from where. At the end nothing comes after the pong."""
    await connection.send(msgspec.json.encode({"type": "resume", "after": id_of(end)}).decode())
    await connection.send('{"type":"ping"}')
    async with asyncio.timeout(20):
        while msgspec.json.decode(await connection.recv())["type"] != "pong":
            pass


async def read_until(events: AsyncIterator[dict[str, Any]], key: Key) -> list[Piece]:
    got: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        async for event in events:
            got.append(event)
            if key_of(event["id"]) >= key:
                break
    return pieces_of(got)


class Reader:
    """A client that reads over SSE from the beginning and never leaves."""

    def __init__(self, served: Served, visitor: Visitor) -> None:
        self.events: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()
        self._task = asyncio.ensure_future(self._read(served, visitor))

    async def _read(self, served: Served, visitor: Visitor) -> None:
        async with sse_events(served, visitor, after=(0,)) as events:
            async for event in events:
                self.events.append(event)
                async with self._changed:
                    self._changed.notify_all()

    async def until(self, kind: str, *, times: int = 1) -> None:
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: [event["type"] for event in self.events].count(kind) >= times)

    async def until_text(self, text: str) -> None:
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: View.of(pieces_of(self.events)).text == text)

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def try_every_cut(served: Served, visitor: Visitor, reader: Reader) -> int:
    """Come back at each position over the WebSocket, and at every ninth over SSE; returns how many cuts were tried."""
    pieces = pieces_of(reader.events)
    check_follows(pieces, after=(0,))
    keys: list[Key] = [(0,), *(key for piece in pieces for key in piece.cuts)][:-1]
    cuts = 0
    async with served.connect(visitor) as connection:
        await take_what_came_before(connection, end=pieces[-1].key)
        for number, key in enumerate(keys):
            # The generator is left open on purpose: closing it would close nothing, the connection goes on.
            ways = [await read_until(websocket_events(connection, after=key), pieces[-1].key)]
            if number % SSE_EVERY == 0:
                async with sse_events(served, visitor, after=key) as events:
                    ways.append(await read_until(events, pieces[-1].key))
            for rest in ways:
                cuts += 1
                check_follows(rest, after=key)
                assert rest == rest_after(pieces, key)
                assert View.of([*seen_until(pieces, key), *rest]) == View.of(pieces)
    return cuts


async def test_a_client_comes_back_at_any_point_over_either_transport(tmp_path: Path) -> None:
    gates = [Gate() for _ in range(3)]
    text = "".join(TEXT)
    model = ScriptedModel([*TEXT, gates[0], *TEXT, gates[1], "The end."], [*TEXT, gates[2], "never shown"])
    async with serving(settings_in(tmp_path), model=model) as served:
        visitor = await served.visitor()
        reader = Reader(served, visitor)
        async with served.connect(visitor) as talking:
            await talking.send('{"type":"message","content":"One?","client_message_id":"c1"}')
            await gates[0].reached.wait()
            await reader.until_text(text)
            await talking.send('{"type":"message","content":"Two, while one is answered?","client_message_id":"c2"}')
            await reader.until("acknowledged", times=2)
            cuts = await try_every_cut(served, visitor, reader)
            gates[0].open()
            await gates[1].reached.wait()
            await reader.until_text(text * 2)
            cuts += await try_every_cut(served, visitor, reader)
            gates[1].open()
            await gates[2].reached.wait()
            await reader.until("complete")
            await reader.until_text(text)
            await talking.send('{"type":"cancel"}')
            await reader.until("cancelled")
            cuts += await try_every_cut(served, visitor, reader)
        await reader.close()
        assert cuts > 1_000
