"""Two instances on one PostgreSQL, without Redis: whatever is done on both at once is done once, and each sees what the other did."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import sqlalchemy as sa

from api.serving import STAFF, Served, Visitor, serving, settings_in
from desk.people import PATIENCE_SECONDS, Stream, colleague, of, transcript, waiting
from deskhand.api import streams
from deskhand.api.desk_team import NobodyFree, assign, tell_overdue
from deskhand.handoff.tables import tickets
from deskhand.ids import StaffId
from deskhand.turns.desk import Operator as Colleague
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


async def test_of_two_who_claim_on_different_instances_one_has_the_conversation(both: tuple[Served, Served]) -> None:
    one, other = both
    (_, ana), (_, bo) = await colleague(one, "Ana Claims"), await colleague(other, "Bo Claims")
    visitors = await asyncio.gather(*(waiting(served) for served in both * 2))
    claims = await asyncio.gather(*(person.act(visitor.session_id, "claim") for visitor in visitors for person in (ana, bo)))
    assert Counter(answer.status_code for answer in claims) == {200: 4, 409: 4}
    had = [item["session_id"] for person in (ana, bo) for item in (await person.list("mine"))["items"]]
    assert sorted(had) == sorted(visitor.session_id for visitor in visitors)


async def test_nobody_is_given_more_than_they_have_room_for_by_both_together(both: tuple[Served, Served]) -> None:
    one, _ = both
    ana_id, ana = await colleague(one, "Ana Gets", capacity=2)
    visitors = [await waiting(served) for served in both * 2]

    async def give(served: Served, visitor: Visitor) -> bool:
        try:
            await assign(served.services, visitor.session_id, to=Colleague(StaffId(ana_id), "Ana Gets"), version=1)
        except NobodyFree:
            return False
        return True

    given = await asyncio.gather(*(give(served, visitor) for served, visitor in zip(both * 2, visitors, strict=True)))
    assert sum(given) == len((await ana.list("mine"))["items"]) == 2


async def test_each_console_sees_and_hears_what_is_done_on_the_other_instance(both: tuple[Served, Served]) -> None:
    one, other = both
    (ana_id, ana), (_, bo) = await colleague(one, "Ana Hears"), await colleague(other, "Bo Hears")
    async with ana.console() as anas, bo.console() as bos:
        visitor = await waiting(one)
        session_id = visitor.session_id
        await asyncio.gather(*(console.until("notice", of(session_id, kind="new")) for console in (anas, bos)))
        await bos.until("conversation", of(session_id, state="waiting"))
        await ana.done(session_id, "tags", tags=["boiler"])
        await bos.until("conversation", of(session_id, tags=["boiler"]))
        await bo.done(session_id, "claim")
        await anas.until("conversation", of(session_id, state="assigned"))
        await bo.done(session_id, "transfer", staff_id=ana_id)
        await anas.until("notice", of(session_id, kind="assigned_to_you"))
        await other.say(visitor, "Is it you?")
        await anas.until("notice", of(session_id, kind="customer_replied"))
        await one.http.delete(f"/api/sessions/{session_id}", headers=STAFF)
        await asyncio.gather(*(console.until("removed", of(session_id)) for console in (anas, bos)))
    assert heard(anas, session_id) == ["new", "assigned_to_you", "customer_replied"]
    assert heard(bos, session_id) == ["new"]


async def test_a_deadline_that_passed_is_told_once_to_the_consoles_of_both(both: tuple[Served, Served]) -> None:
    one, other = both
    (_, ana), (_, bo) = await colleague(one, "Ana Waits"), await colleague(other, "Bo Waits")
    async with ana.console() as anas, bo.console() as bos:
        visitor = await waiting(one)
        for console in (anas, bos):
            await console.until("notice", of(visitor.session_id, kind="new"))
        long_ago = sa.update(tickets).where(tickets.c.session_id == visitor.session_id).values(created_at=tickets.c.created_at - 3_600)
        await one.services.database.write(lambda tx: tx.execute(long_ago))
        await asyncio.gather(*(tell_overdue(served.services) for served in both * 2))
        for console in (anas, bos):
            await console.until("notice", of(visitor.session_id, kind="sla"))
        await ana.done(visitor.session_id, "claim")
        await ana.done(visitor.session_id, "resolve")
        for console in (anas, bos):
            await console.until("conversation", of(visitor.session_id, state="resolved"))
    for console in (anas, bos):
        assert heard(console, visitor.session_id) == ["new", "sla"]


async def test_beginnings_of_words_are_looked_for_letter_by_letter_in_any_language(
    both: tuple[Served, Served],
) -> None:
    # In English, `zeppelin` is not between `zep` and the last of all words that begin so.
    order = sa.text("SELECT collation_name FROM information_schema.columns WHERE (table_name, column_name) = ('said_word', 'word')")
    assert await both[0].services.database.read(lambda connection: connection.execute(order).scalar_one()) == "C"


async def test_who_was_signed_out_on_one_instance_is_not_connected_to_the_other_any_more(
    both: tuple[Served, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the 60 s that RELIABILITY E5 allows, these are the waiting; the rest is a round of looking.
    assert streams.RECHECK_SECONDS + streams.ROUND_SECONDS < 60
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.2)
    one, other = both
    ana_id, ana = await colleague(other, "Ana Leaves")
    visitor = await one.visitor()
    paths = ("/api/desk/events", f"/api/sessions/{visitor.session_id}/events")
    async with AsyncExitStack() as opened:
        lines = []
        for path in paths:
            stream = await opened.enter_async_context(other.http.stream("GET", path, headers=ana.headers))
            assert stream.status_code == 200
            lines.append(stream.aiter_lines())
            await anext(lines[-1])
        disabled = await one.http.patch(f"/api/staff/accounts/{ana_id}", json={"disabled": True}, headers=STAFF)
        assert disabled.status_code == 200
        refused = await other.http.get("/api/desk/conversations", headers=ana.headers)
        assert refused.status_code == 401
        async with asyncio.timeout(PATIENCE_SECONDS):
            for rest in lines:
                assert [line async for line in rest if line.startswith("event: error")] == []


def heard(console: Stream, session_id: str) -> list[str]:
    return [told["kind"] for told in console.of("notice") if told["session_id"] == session_id]


def reply(shortcut: str) -> dict[str, str]:
    return {"shortcut": shortcut, "title": "Hours", "text": "From 9 to 5."}
