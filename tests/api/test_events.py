"""Reading a session over server-sent events: from any position, each thing once, until the server or the session goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec
import pytest

from api.serving import STAFF, Served, Visitor
from deskhand.api import streams
from deskhand.testing.scripted_model import Gate, ScriptedModel


@dataclass(frozen=True)
class Frame:
    id: str
    event: str
    data: dict[str, Any]


class Reading:
    """Frames of a stream as they come; `comments` counts heartbeats, `retry` is what the server asked for."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.aiter_lines()
        self.status = answer.status_code
        self.comments = 0
        self.retry: int | None = None
        self.last_id = ""

    async def frame(self) -> Frame | None:
        """The next event; None at the end of the stream."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                if "retry" in fields:
                    self.retry = int(fields["retry"])
                self.last_id = fields.get("id", self.last_id)
                if "data" in fields:
                    return Frame(fields["id"], fields["event"], msgspec.json.decode(fields["data"]))
                fields = {}
        return None

    async def heartbeats(self, count: int) -> None:
        async for line in self._lines:
            self.comments += line.startswith(":")
            if self.comments == count:
                return

    async def until(self, event: str) -> list[Frame]:
        frames: list[Frame] = []
        while (frame := await self.frame()) is not None:
            frames.append(frame)
            if frame.event == event:
                break
        return frames


@asynccontextmanager
async def reading(served: Served, visitor: Visitor, *, after: str | None = None, by: str = "header") -> AsyncIterator[Reading]:
    headers, params = dict(visitor.headers), {}
    if after is not None and by == "header":
        headers["Last-Event-ID"] = after
    elif after is not None:
        params["after"] = after
    async with served.http.stream("GET", f"/api/sessions/{visitor.session_id}/events", headers=headers, params=params) as answer:
        yield Reading(answer)


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_reader_gets_what_stands_after_its_id_once_and_in_order(served: Served, by: str) -> None:
    visitor = await served.visitor()
    await served.say(visitor, "One")
    await served.say(visitor, "Two")
    async with reading(served, visitor, after="0", by=by) as all_of_it:
        frames = await all_of_it.until("complete") + await all_of_it.until("complete")
    assert [frame.event for frame in frames] == ["acknowledged", "started", "complete"] * 2
    assert [frame.id for frame in frames] == [str(number) for number in range(1, 7)]
    for position in range(6):
        async with reading(served, visitor, after=frames[position].id, by=by) as rest:
            expected = frames[position + 1 :]
            got = [await rest.frame() for _ in expected]
            assert got == expected


async def test_without_an_id_a_reader_gets_what_happens_from_now_on_and_the_id_to_come_back_with(served: Served) -> None:
    visitor = await served.visitor()
    await served.say(visitor, "Before")
    async with reading(served, visitor) as live:
        saying = asyncio.create_task(served.say(visitor, "After"))
        frames = await live.until("complete")
        await saying
        assert live.retry is not None
        assert 1_000 <= live.retry <= 3_000
    assert frames[0].data["content"] == "After"


async def test_a_reader_that_comes_back_in_the_middle_of_an_answer_misses_and_repeats_nothing(served: Served) -> None:
    visitor = await served.visitor()
    model = served.services.model
    assert isinstance(model, ScriptedModel)
    gate = Gate()
    model.add(["Half of ", gate, "the answer."])
    asking = asyncio.create_task(served.say(visitor, "Go"))
    async with reading(served, visitor, after="0") as first:
        seen = []
        while (frame := await first.frame()) is not None:
            seen.append(frame)
            if frame.event == "text":
                break
    await gate.reached.wait()
    async with reading(served, visitor, after=seen[-1].id) as second:
        gate.open()
        rest = await second.until("complete")
    await asking
    text = "".join(frame.data["delta"] for frame in [*seen, *rest] if frame.event == "text")
    assert text == rest[-1].data["message"] == "Half of the answer."
    assert len({frame.id for frame in [*seen, *rest]}) == len(seen) + len(rest)


@pytest.mark.parametrize("after", ["nonsense", "999999", "1.2", "-1", "1\n2"])
async def test_an_id_that_is_none_of_the_session_is_answered_by_resync(served: Served, after: str) -> None:
    visitor = await served.visitor()
    await served.say(visitor, "One")
    async with reading(served, visitor, after=after, by="query") as stream:
        frame = await stream.frame()
        assert frame is not None
        assert frame.event == "resync"
        await served.say(visitor, "Two")
        assert (await stream.until("complete"))[0].data["content"] == "Two"


async def test_an_idle_stream_has_a_heartbeat(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(streams, "ROUND_SECONDS", 0.05)
    visitor = await served.visitor()
    async with reading(served, visitor) as stream:
        async with asyncio.timeout(10):
            await stream.heartbeats(2)


async def test_deleting_the_session_ends_its_streams(served: Served) -> None:
    visitor = await served.visitor()
    async with reading(served, visitor, after="0") as stream:
        await served.http.delete(f"/api/sessions/{visitor.session_id}", headers=STAFF)
        async with asyncio.timeout(5):
            assert await stream.frame() is None
    assert served.services.streams.count == 0


async def test_a_reader_that_goes_away_is_forgotten(served: Served) -> None:
    visitor = await served.visitor()
    async with reading(served, visitor) as stream:
        assert stream.status == 200
        await served.until_streams(1)
    await served.until_streams(0)


async def test_when_the_server_drains_streams_end_and_newcomers_are_told_to_come_back(served: Served) -> None:
    visitor = await served.visitor()
    await served.say(visitor, "One")
    async with reading(served, visitor, after="0") as stream:
        await stream.until("complete")
        served.services.turns.stop_streams()
        async with asyncio.timeout(1):
            assert await stream.frame() is None
        assert stream.last_id == "3"
    ready = await served.http.get("/health/ready")
    assert (ready.status_code, ready.json()["services"]) == (503, {"server": "draining"})
    for answer in (
        await served.http.get(f"/api/sessions/{visitor.session_id}/events", headers=visitor.headers),
        await served.say(visitor, "Two"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (503, "draining")
        assert answer.headers["Retry-After"]


async def test_whoever_asks_for_the_head_of_a_stream_is_given_it_and_not_held(served: Served) -> None:
    visitor = await served.visitor()
    streamed = {f"/api/sessions/{visitor.session_id}/events": visitor.headers, "/api/desk/events": STAFF}
    for path, headers in streamed.items():
        answer = await served.http.head(path, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/event-stream")
    # The connection is free for the next request.
    assert (await served.http.head("/health/live")).status_code == 200
    await served.until_streams(0)
    assert "Traceback" not in served.logs.getvalue()
