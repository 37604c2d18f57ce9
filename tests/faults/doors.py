"""The three ways in, each as one function: say something, and read to the end of the turn."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from api.serving import Served, Visitor

TERMINAL = {"complete", "error", "cancelled"}


@dataclass(frozen=True)
class End:
    """How a turn ended. `error` is None for an answer; `text` is the answer or what there is of it; `raw` is all that was sent."""

    error: str | None
    text: str
    notice: str
    turn_id: str
    raw: str


Door = Callable[[Served, Visitor, str], Awaitable[End]]


async def by_rest(served: Served, visitor: Visitor, message: str) -> End:
    answer = await served.say(visitor, message)
    body = answer.json()
    if answer.status_code == 200:
        return End(error=None, text=body["message"], notice="", turn_id=body["turn_id"], raw=answer.text)
    assert answer.status_code == 503
    assert set(body) == {"error", "message", "request_id", "support", "details"}
    details = body["details"]
    assert set(details) == {"turn_id", "message_id", "partial"}
    notice = f"{body['message']} {body['support']}"
    return End(error=body["error"], text=details["partial"], notice=notice, turn_id=details["turn_id"], raw=answer.text)


async def by_sse(served: Served, visitor: Visitor, message: str) -> End:
    answer = await served.http.post(
        f"/api/chat/sessions/{visitor.session_id}/messages",
        json={"message": message},
        headers={**visitor.headers, "Accept": "text/event-stream"},
    )
    assert answer.status_code == 200
    return _end_of(events_of(answer), raw=answer.text)


async def by_websocket(served: Served, visitor: Visitor, message: str) -> End:
    raws: list[str] = []
    events: list[dict[str, Any]] = []
    async with served.connect(visitor) as socket:
        assert json.loads(await socket.recv())["type"] == "connected"
        await socket.send(json.dumps({"type": "message", "content": message}))
        while not events or events[-1]["type"] not in TERMINAL:
            raws.append(await socket.recv())
            events.append(json.loads(raws[-1]))
    return _end_of(events, raw="\n".join(raws))


DOORS: tuple[Door, ...] = (by_rest, by_sse, by_websocket)


def events_of(answer: httpx2.Response) -> list[dict[str, Any]]:
    """The events of a stream that has ended."""
    frames = [frame.split("\n") for frame in answer.text.strip().split("\n\n")]
    return [json.loads(line.removeprefix("data: ")) for frame in frames for line in frame if line.startswith("data: ")]


def _end_of(events: list[dict[str, Any]], *, raw: str) -> End:
    assert events[0]["type"] == "acknowledged"
    assert [event["type"] for event in events if event["type"] in TERMINAL] == [events[-1]["type"]]
    ids = [tuple(int(part) for part in event["id"].split(".")) for event in events]
    assert ids == sorted(set(ids))
    last = events[-1]
    streamed = "".join(event["delta"] for event in events if event["type"] == "text")
    text = _text_of(last)
    assert streamed == text
    if last["type"] == "complete":
        return End(error=None, text=text, notice="", turn_id=last["turn_id"], raw=raw)
    assert last["type"] == "error"
    return End(error=last["error"], text=text, notice=f"{last['message']} {last['support']}", turn_id=last["turn_id"], raw=raw)


def _text_of(last: Mapping[str, Any]) -> str:
    text: str = last["message"] if last["type"] == "complete" else last["partial"]
    return text
