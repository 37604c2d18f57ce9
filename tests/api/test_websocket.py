"""The WebSocket: who gets in, what passes, and what a client may get wrong."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.serving import ADMIN_KEY, STAFF, Served, serving, settings_in
from deskhand.api import handshake, streams
from deskhand.testing.scripted_model import Gate, ScriptedModel


async def receive(socket: Any) -> dict[str, Any]:
    async with asyncio.timeout(10):
        frame: dict[str, Any] = msgspec.json.decode(await socket.recv())
    return frame


async def until(socket: Any, kind: str) -> list[dict[str, Any]]:
    frames = [await receive(socket)]
    while frames[-1]["type"] != kind:
        frames.append(await receive(socket))
    return frames


async def send(socket: Any, kind: str, **fields: Any) -> None:
    await socket.send(msgspec.json.encode({"type": kind, **fields}).decode())


async def close_code(socket: Any) -> int:
    async with asyncio.timeout(10):
        await socket.wait_closed()
    return int(socket.close_code)


def scripted(served: Served) -> ScriptedModel:
    model = served.services.model
    assert isinstance(model, ScriptedModel)
    return model


async def test_a_visitor_is_connected_by_subprotocol_and_hears_the_answer(served: Served) -> None:
    visitor = await served.visitor()
    scripted(served).add(["Hello ", "there."])
    async with served.connect(visitor) as socket:
        assert socket.subprotocol == "deskhand"
        connected = await receive(socket)
        assert set(connected) == {"type", "session_id", "client_id", "last_event_id"}
        assert (connected["type"], connected["session_id"], connected["last_event_id"]) == ("connected", visitor.session_id, "0")
        await send(socket, "message", content="Hi", client_message_id="m-1")
        frames = await until(socket, "complete")
    kinds = [frame["type"] for frame in frames]
    assert kinds[:2] == ["acknowledged", "started"]
    assert frames[0]["client_message_id"] == "m-1"
    assert "".join(frame["delta"] for frame in frames if frame["type"] == "text") == frames[-1]["message"] == "Hello there."
    assert all(frame["id"] and frame["timestamp"] for frame in frames)


async def test_a_token_may_come_in_the_first_frame_and_staff_may_listen(served: Served) -> None:
    visitor = await served.visitor()
    for token in (visitor.token, ADMIN_KEY):
        async with served.connect(None, session_id=visitor.session_id) as socket:
            await send(socket, "authenticate", token=token)
            assert (await receive(socket))["type"] == "connected"


async def test_each_refusal_before_any_data_has_its_code(served: Served) -> None:
    visitor, other = await served.visitor(), await served.visitor()
    async with served.connect(None) as socket:
        assert await close_code(socket) == 4001
    async with served.connect(visitor, session_id="sess_000000000000") as socket:
        assert await close_code(socket) == 4004
    async with served.connect(other, session_id=visitor.session_id) as socket:
        assert await close_code(socket) == 4004
    for first in ('{"type":"authenticate","token":"vt_wrong"}', '{"type":"ping"}', "nonsense", b"\x00\xff"):
        async with served.connect(None, session_id=visitor.session_id) as socket:
            await socket.send(first)
            assert await close_code(socket) == 4003
    await served.http.delete(f"/api/sessions/{other.session_id}", headers=other.headers)
    async with served.connect(other) as socket:
        assert await close_code(socket) == 4003


async def test_who_does_not_say_who_they_are_is_closed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "AUTHENTICATE_SECONDS", 0.05)
    visitor = await served.visitor()
    async with served.connect(None, session_id=visitor.session_id) as socket:
        assert await close_code(socket) == 4003


async def test_resume_gives_everything_after_an_id_once_and_in_order(served: Served) -> None:
    visitor = await served.visitor()
    await served.say(visitor, "One")
    await served.say(visitor, "Two")
    async with served.connect(visitor) as socket:
        assert (await receive(socket))["last_event_id"] == "6"
        for after, expected in [("", "123456"), ("0", "123456"), ("4", "56"), ("6", "")]:
            await send(socket, "resume", after=after)
            assert [(await receive(socket))["id"] for _ in expected] == list(expected)
        await send(socket, "resume", after="not an id")
        assert (await receive(socket))["type"] == "resync"


async def test_a_client_that_comes_back_in_the_middle_of_an_answer_misses_and_repeats_nothing(served: Served) -> None:
    visitor = await served.visitor()
    gate = Gate()
    scripted(served).add(["Half of ", gate, "the answer."])
    async with served.connect(visitor) as socket:
        await receive(socket)
        await send(socket, "message", content="Go")
        seen = await until(socket, "text")
    await gate.reached.wait()
    async with served.connect(visitor) as socket:
        await receive(socket)
        await send(socket, "ping")
        await send(socket, "resume", after=seen[-1]["id"])
        # What comes before the pong was live before the server heard `resume`.
        await until(socket, "pong")
        gate.open()
        rest = await until(socket, "complete")
    text = "".join(frame["delta"] for frame in [*seen, *rest] if frame["type"] == "text")
    assert text == rest[-1]["message"] == "Half of the answer."


async def test_two_connections_of_a_session_hear_the_same(served: Served) -> None:
    visitor = await served.visitor()
    async with served.connect(visitor) as one, served.connect(visitor) as two:
        await receive(one)
        await receive(two)
        await send(one, "message", content="Hi")
        heard = [await until(socket, "complete") for socket in (one, two)]
        stored = [[frame for frame in frames if "." not in frame["id"]] for frames in heard]
        assert stored[0] == stored[1]
        texts = ["".join(frame["delta"] for frame in frames if frame["type"] == "text") for frames in heard]
        assert texts[0] == texts[1] == stored[0][-1]["message"]
        await send(one, "typing")
        assert await receive(two) == {"type": "typing", "author": "customer"}


async def test_cancel_stops_the_answer(served: Served) -> None:
    visitor = await served.visitor()
    gate = Gate()
    scripted(served).add(["Half ", gate, "never"])
    async with served.connect(visitor) as socket:
        await receive(socket)
        await send(socket, "message", content="Go")
        await until(socket, "text")
        await gate.reached.wait()
        await send(socket, "cancel")
        ended = (await until(socket, "cancelled"))[-1]
    assert ended["partial"] == "Half "


async def test_a_message_sent_again_is_acknowledged_again_but_is_no_new_event(served: Served) -> None:
    visitor = await served.visitor()
    async with served.connect(visitor) as socket:
        await receive(socket)
        await send(socket, "message", content="Hi", client_message_id="m-1")
        first = (await until(socket, "complete"))[0]
        await send(socket, "message", content="Hi", client_message_id="m-1")
        again = await receive(socket)
    assert (again["type"], again["message_id"], again["duplicate"]) == ("acknowledged", first["message_id"], True)
    assert "id" not in again


WRONG: list[tuple[str | bytes, str]] = [
    ("", "malformed"),
    ("nonsense", "malformed"),
    ("[]", "malformed"),
    ("{}", "malformed"),
    ('{"type":"nonsense"}', "malformed"),
    ('{"type":"message"}', "malformed"),
    ('{"type":"message","content":""}', "malformed"),
    ('{"type":"message","content":"   "}', "malformed"),
    ('{"type":"message","content":"a\\u0000b"}', "malformed"),
    ('{"type":"message","content":"hi","extra":1}', "malformed"),
    ('{"type":"message","content":"hi","attachments":["../x"]}', "malformed"),
    ('{"type":"message","content":"hi","attachments":["file_' + "0" * 24 + '"]}', "attachment_not_found"),
    ('{"type":"message","content":"' + "x" * 10_001 + '"}', "malformed"),
    ('{"type":"resume","after":5}', "malformed"),
    ('{"type":"resume","after":"' + "1" * 65 + '"}', "malformed"),
    ('{"type":"authenticate","token":"another"}', "unauthenticated"),
    ("[" * 5_000, "malformed"),
    (b"\xff\xfe", "malformed"),
]


async def test_a_frame_that_is_not_right_is_refused_and_the_connection_stays(served: Served) -> None:
    visitor = await served.visitor()
    async with served.connect(visitor) as socket:
        await receive(socket)
        for raw, code in WRONG:
            await socket.send(raw)
            refused = await receive(socket)
            assert (refused["type"], refused["error"]) == ("error", code), raw[:60]
            assert refused["message"]
            assert refused["support"]
            assert "id" not in refused
        await send(socket, "ping")
        assert await receive(socket) == {"type": "pong"}


async def test_a_frame_that_is_too_large_closes_the_connection_with_1009(served: Served) -> None:
    visitor = await served.visitor()
    async with served.connect(visitor) as socket:
        await receive(socket)
        await socket.send('{"type":"message","content":"' + "x" * 2_000_000 + '"}')
        assert await close_code(socket) == 1009


async def test_deleting_the_session_closes_its_connections(served: Served) -> None:
    visitor = await served.visitor()
    async with served.connect(visitor) as socket:
        await receive(socket)
        await served.http.delete(f"/api/sessions/{visitor.session_id}", headers=STAFF)
        assert await close_code(socket) == 4004


async def test_a_right_that_is_lost_elsewhere_closes_the_connection(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.0)
    monkeypatch.setattr(streams, "ROUND_SECONDS", 0.05)
    visitor = await served.visitor()
    async with served.connect(visitor) as socket:
        await receive(socket)

        def revoke(tx: Any) -> None:
            tx.connection.exec_driver_sql("UPDATE session SET token_hash = 'revoked'")

        await served.services.database.write(revoke)
        assert await close_code(socket) == 4003


async def test_when_the_server_drains_connections_are_closed_with_1012(served: Served) -> None:
    visitor = await served.visitor()
    async with served.connect(visitor) as socket:
        await receive(socket)
        served.services.turns.stop_streams()
        async with asyncio.timeout(1):
            assert await close_code(socket) == 1012


async def test_a_reader_who_does_not_read_is_closed_and_nothing_is_kept_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(streams, "ROUND_SECONDS", 0.05)
    # More than the two sockets' own buffers hold.
    async with serving(settings_in(tmp_path, message_max_characters=400_000)) as served:
        visitor = await served.visitor()
        for _ in range(30):
            assert (await served.say(visitor, "x" * 400_000)).status_code == 200
        async with served.connect(visitor, max_queue=1) as socket:
            await receive(socket)
            socket.transport.pause_reading()
            await send(socket, "resume", after="")
            await served.until_streams(0)
            socket.transport.abort()
        text = (await served.http.get("/metrics")).text
        assert 'deskhand_streams_closed_total{reason="slow",transport="websocket"} 1.0' in text
