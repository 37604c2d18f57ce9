"""People on both sides of a server: customers who write, and operators whose console follows the desk."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from api.serving import STAFF, Served, Visitor

PATIENCE_SECONDS = 20.0


@dataclass
class Stream:
    """What a reader of server-sent events has read so far: (event, data)."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, kind: str, matches: Callable[[dict[str, Any]], bool] = lambda _data: True) -> dict[str, Any]:
        """The first event of the kind that matches, once it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.changed:
            await self.changed.wait_for(lambda: self._find(kind, matches) is not None)
        found = self._find(kind, matches)
        assert found is not None
        return found

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [data for event, data in self.events if event == kind]

    def _find(self, kind: str, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        return next((data for event, data in self.events if event == kind and matches(data)), None)


def of(session_id: str, **wanted: Any) -> Callable[[dict[str, Any]], bool]:
    """What is told of this conversation, and says so."""
    return lambda told: {**wanted, "session_id": session_id}.items() <= told.items()


@asynccontextmanager
async def following(served: Served, path: str, headers: dict[str, str]) -> AsyncIterator[Stream]:
    """Read a stream of server-sent events until the block ends."""
    stream = Stream()

    async def read() -> None:
        async with served.http.stream("GET", path, headers=headers) as answer:
            assert answer.status_code == 200
            event = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    async with stream.changed:
                        stream.events.append((event, json.loads(line.removeprefix("data: "))))
                        stream.changed.notify_all()

    task = asyncio.create_task(read())
    try:
        yield stream
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True)
class Operator:
    """Somebody at the desk of a server."""

    served: Served
    headers: dict[str, str] = field(default_factory=lambda: STAFF)

    @asynccontextmanager
    async def console(self) -> AsyncIterator[Stream]:
        """The desk's events, followed from the moment at which nothing is missed."""
        async with following(self.served, "/api/desk/events", self.headers) as stream:
            await stream.until("snapshot")
            yield stream

    async def list(self, view: str = "all", **query: Any) -> dict[str, Any]:
        answer = await self.served.http.get("/api/desk/conversations", params={"view": view, **query}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def open(self, session_id: str) -> dict[str, Any]:
        answer = await self.served.http.get(f"/api/desk/conversations/{session_id}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def act(self, session_id: str, act: str, **body: Any) -> httpx2.Response:
        return await self.served.http.post(f"/api/desk/conversations/{session_id}/{act}", json=body, headers=self.headers)

    async def done(self, session_id: str, act: str, **body: Any) -> dict[str, Any]:
        """Act, and succeed."""
        answer = await self.act(session_id, act, **body)
        assert answer.status_code in (200, 201), answer.text
        shown: dict[str, Any] = answer.json()
        return shown


async def transcript(served: Served, visitor: Visitor) -> list[dict[str, Any]]:
    answer = await served.http.get(f"/api/chat/sessions/{visitor.session_id}/messages?limit=500", headers=visitor.headers)
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


async def colleague(served: Served, name: str, *, capacity: int = 5, skills: tuple[str, ...] = ()) -> tuple[str, Operator]:
    """A new account, signed in as its console is."""
    email = f"{name.split(maxsplit=1)[0].lower()}-{uuid4().hex}@example.com"
    wanted = {"email": email, "name": name, "password": "correct horse battery", "capacity": capacity, "skills": list(skills)}
    made = await served.http.post("/api/staff/accounts", json=wanted, headers=STAFF)
    assert made.status_code == 201, made.text
    signed_in = await served.http.post("/api/staff/sign-in", json={"email": email, "password": "correct horse battery"})
    assert signed_in.status_code == 200, signed_in.text
    token = signed_in.cookies["deskhand_staff"]
    served.http.cookies.clear()
    headers = {"Cookie": f"deskhand_staff={token}", "X-Deskhand": "console", "Origin": served.base_url}
    return signed_in.json()["staff"]["staff_id"], Operator(served, headers)


async def waiting(served: Served) -> Visitor:
    visitor = await served.visitor()
    await served.say(visitor, "I want to talk to a person")
    return visitor
