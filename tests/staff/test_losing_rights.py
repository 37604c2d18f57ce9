"""Whoever loses a right is not connected any more (RELIABILITY E5): on the instance that took it at once, on others within a minute."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import websockets

from api.serving import STAFF
from deskhand.api import streams
from deskhand.jobs import JobState, Order
from deskhand.jobs.repository import insert_job
from staff.people import CONSOLE, PASSWORD, Company, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

Loss = Callable[[Company, Person], Awaitable[Any]]


async def disable(company: Company, person: Person) -> Any:
    return await change(company, person, {"disabled": True})


async def promote(company: Company, person: Person) -> Any:
    return await change(company, person, {"role": "admin"})


async def reset(company: Company, person: Person) -> Any:
    return await company.served.http.post(f"/api/staff/accounts/{person.staff_id}/reset-password", headers=STAFF)


async def sign_out(_company: Company, person: Person) -> Any:
    return await person.send("POST", "/api/staff/sign-out")


async def change(company: Company, person: Person, body: dict[str, Any]) -> Any:
    return await company.served.http.patch(f"/api/staff/accounts/{person.staff_id}", json=body, headers=STAFF)


@pytest.mark.parametrize("lose", [disable, promote, reset, sign_out])
async def test_a_stream_ends_with_the_session_that_opened_it(company: Company, lose: Loss) -> None:
    person = await company.hire(f"{lose.__name__}@example.com")
    visitor = await company.served.visitor()
    async with reading(company, visitor.session_id, {"Cookie": f"deskhand_staff={person.token}"}) as lines:
        assert (await lose(company, person)).status_code == 200
        await company.served.say(visitor, "Is anybody there?")
        async with asyncio.timeout(2):
            rest = [line async for line in lines]
    assert not any(line.startswith("data:") for line in rest)
    assert (await person.get("/api/staff/me")).status_code == 401


async def test_a_new_password_ends_all_other_sessions_and_no_stream_of_this_one(company: Company) -> None:
    person = await company.hire("password@example.com")
    elsewhere = Person(await company.browser(), person.staff_id, person.email)
    await elsewhere.sign_in()
    visitor = await company.served.visitor()
    async with (
        reading(company, visitor.session_id, {"Cookie": f"deskhand_staff={person.token}"}) as here,
        reading(company, visitor.session_id, {"Cookie": f"deskhand_staff={elsewhere.token}"}) as there,
    ):
        body = {"password": "another harbour lamp 8", "current_password": PASSWORD}
        assert (await person.send("PATCH", "/api/staff/me", body)).status_code == 200
        async with asyncio.timeout(2):
            assert [line async for line in there if line.startswith("data:")] == []
        await company.served.say(visitor, "Hello")
        async with asyncio.timeout(5):
            while not (await anext(here)).startswith("data:"):
                pass
    assert (await elsewhere.get("/api/staff/me")).status_code == 401
    assert (await person.get("/api/staff/me")).status_code == 200
    old = await (await company.browser()).post("/api/staff/sign-in", json={"email": person.email, "password": PASSWORD})
    assert old.status_code == 401


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"password": "another harbour lamp 8", "current_password": "wrong"}, "wrong_password"),
        ({"password": "another harbour lamp 8"}, "malformed"),
        ({"password": "short", "current_password": PASSWORD}, "password_refused"),
        ({"password": "aaaaaaaaaaaaaaaa", "current_password": PASSWORD}, "password_refused"),
        ({"password": "LOCAL PART", "current_password": PASSWORD}, "password_refused"),
    ],
)
async def test_a_password_is_changed_by_who_knows_it_to_one_that_is_hard_to_guess(
    company: Company, body: dict[str, str], error: str
) -> None:
    person = await company.hire(f"refused-{uuid4().hex}@example.com")
    given = {name: person.email.partition("@")[0] if value == "LOCAL PART" else value for name, value in body.items()}
    answer = await person.send("PATCH", "/api/staff/me", given)
    assert (answer.status_code, answer.json()["error"]) == (422, error)


async def test_a_revoked_key_loses_its_stream_and_its_socket(company: Company) -> None:
    key_id, key = await company.key("desk")
    visitor = await company.served.visitor()
    offered = ["deskhand", f"token.{key}"]
    async with (
        reading(company, visitor.session_id, {"X-API-Key": key}) as lines,
        company.served.connect(None, session_id=visitor.session_id, subprotocols=offered) as socket,
    ):
        await socket.recv()
        revoked = await company.served.http.delete(f"/api/staff/keys/{key_id}", headers=STAFF)
        assert revoked.json()["revoked_at"] is not None
        async with asyncio.timeout(2):
            rest = [line async for line in lines]
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
        assert socket.close_code == 4003
    assert not any(line.startswith("data:") for line in rest)
    gone = await company.served.http.delete(f"/api/staff/keys/{key_id}", headers=STAFF)
    assert (gone.status_code, gone.json()["error"]) == (404, "key_not_found")


async def test_another_instance_finds_out_by_itself(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    # It hears of nothing: the rows are changed behind its back, as by a command or by another instance.
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.5)
    assert streams.ROUND_SECONDS + 30 < 60
    person = await company.hire("elsewhere@example.com")
    visitor = await company.served.visitor()
    async with reading(company, visitor.session_id, {"Cookie": f"deskhand_staff={person.token}"}) as lines:
        listeners = company.served.services.staff._parts.revoked
        heard, listeners[:] = list(listeners), []
        try:
            await disable(company, person)
            async with asyncio.timeout(5):
                assert [line async for line in lines if line.startswith("data:")] == []
        finally:
            listeners[:] = heard


@asynccontextmanager
async def reading(company: Company, session_id: str, headers: dict[str, str]) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of a session's events, from now on."""
    http = await company.browser()
    async with http.stream("GET", f"/api/sessions/{session_id}/events", headers={**headers, **CONSOLE}) as stream:
        assert stream.status_code == 200
        lines = stream.aiter_lines()
        # The greeting: `retry` and the id to come back with.
        await anext(lines)
        await anext(lines)
        yield lines


@pytest.mark.parametrize("path", ["/api/desk/events", "/api/jobs/{job_id}"])
async def test_what_staff_follow_ends_as_well(company: Company, path: str) -> None:
    person = await company.hire(f"{uuid4().hex}@example.com")
    order = Order(label="a file", requested_by="admin")
    # One that nobody begins, because its files are still on their way.
    job_id = await company.served.services.database.write(lambda tx: insert_job(tx, order, state=JobState.RECEIVING))
    headers = {"Accept": "text/event-stream"}
    async with person.http.stream("GET", path.replace("{job_id}", job_id), headers=headers) as stream:
        assert stream.status_code == 200
        lines = stream.aiter_lines()
        await anext(lines)
        await disable(company, person)
        async with asyncio.timeout(4):
            rest = [line async for line in lines]
    assert "event: conversation" not in rest
    assert "event: report" not in rest
