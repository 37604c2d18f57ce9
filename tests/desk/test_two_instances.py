"""Two instances on one PostgreSQL, without Redis: whatever is done on both at once is done once, and each sees what the other did."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from api.serving import STAFF, Served, serving, settings_in
from desk.people import transcript
from parts.postgres import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Served, Served]]:
    url = postgres_server.create_database()
    async with AsyncExitStack() as opened:
        one, other = [
            await opened.enter_async_context(
                # Nobody begins a job: what is scheduled lies in a network that is not there.
                serving(settings_in(tmp_path_factory.mktemp("data"), database_url=url, secret_key="s" * 40, jobs_concurrency=0))
            )
            for _ in range(2)
        ]
        yield one, other
    postgres_server.drop_database(url)


async def statuses(answers: Sequence[Awaitable[httpx2.Response]]) -> Counter[int]:
    return Counter(answer.status_code for answer in await asyncio.gather(*answers))


async def test_what_is_asked_of_both_at_once_is_done_once_and_nobody_sees_an_error(both: tuple[Served, Served]) -> None:
    one, _ = both

    def asked(method: str, path: str, body: Any, headers: dict[str, str] = STAFF) -> list[Awaitable[httpx2.Response]]:
        return [served.http.request(method, path, json=body, headers=headers) for served in both * 2]

    visitor = await one.visitor()
    await one.say(visitor, "How do I reset my password?")
    answer = (await transcript(one, visitor))[1]
    thumb = f"/api/chat/sessions/{visitor.session_id}/messages/{answer['message_id']}/feedback"
    replies = [await one.http.post("/api/desk/replies", json=reply(f"r{number}"), headers=STAFF) for number in range(2)]
    for number in range(3):
        assert await statuses(asked("POST", "/api/desk/replies", reply(f"new{number}"))) == {201: 1, 409: 3}
        renamed = [
            served.http.put(f"/api/desk/replies/{made.json()['reply_id']}", json=reply(f"same{number}"), headers=STAFF)
            for served, made in zip(both, replies, strict=True)
        ]
        assert await statuses(renamed) == {200: 1, 409: 1}
        wanted = {"fetch": f"https://help.example.com/{number}/", "every_hours": 24}
        assert await statuses(asked("POST", "/api/knowledge/schedules", wanted)) == {201: 4}
        assert await statuses(asked("POST", thumb, {"value": "up"}, visitor.headers)) == {200: 4}
    assert len((await one.http.get("/api/knowledge/schedules", headers=STAFF)).json()) == 3


async def test_the_audit_log_is_whole_whenever_it_is_looked_at(both: tuple[Served, Served]) -> None:
    one, other = both
    before = await one.services.staff.verify_audit()
    stopped = asyncio.Event()

    async def act(served: Served) -> int:
        done = 0
        while not stopped.is_set():
            made = await served.http.post("/api/staff/keys", json={"name": "program", "scopes": ["desk"]}, headers=STAFF)
            assert made.status_code == 201
            done += 1
        return done

    acting = [asyncio.create_task(act(served)) for served in both * 2]
    looked = [await served.services.staff.verify_audit() for served in both * 10]
    stopped.set()
    done = sum(await asyncio.gather(*acting))
    assert {finding.problem for finding in looked} == {None}
    found = await other.services.staff.verify_audit()
    assert (found.problem, found.seq) == (None, before.seq + done)


def reply(shortcut: str) -> dict[str, str]:
    return {"shortcut": shortcut, "title": "Hours", "text": "From 9 to 5."}
