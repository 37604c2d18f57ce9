"""The desk's lists: found by words, names and ids, page after page; and the numbers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from api.serving import Served, serving, settings_in
from desk.people import Operator, following
from deskhand.models.port import ToolCall
from deskhand.testing.scripted_model import ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def found(operator: Operator, q: str, count: int) -> list[str]:
    """The sessions that are found, once as many are: words are taken down a moment after they were said."""
    async with asyncio.timeout(20):
        while True:
            items = (await operator.list("all", q=q))["items"]
            if len(items) == count:
                return [item["session_id"] for item in items]
            await asyncio.sleep(0.05)


async def test_a_conversation_is_found_by_what_was_said_by_its_customer_s_name_and_by_its_id(shared: Served) -> None:
    operator = Operator(shared)
    ida, bob = await shared.visitor(metadata={"name": "Ida Ålund"}), await shared.visitor(metadata={"name": "Bob"})
    await shared.say(ida, "My zeppelin leaks")
    await shared.say(bob, "Where is my zeppelin parked?")
    assert set(await found(operator, "ZEPPELIN", 2)) == {ida.session_id, bob.session_id}
    for words in ("zeppelin lea", "alund", ida.session_id):
        assert await found(operator, words, 1) == [ida.session_id]
    assert await found(operator, "zeppelin submarine", 0) == []
    assert (await operator.list("unassigned", q="zeppelin"))["items"] == []


async def test_pages_follow_one_another_without_a_gap(shared: Served) -> None:
    operator = Operator(shared)
    visitors = [await shared.visitor() for _ in range(5)]
    for visitor in visitors:
        await shared.say(visitor, "I want to talk to a person")
    whole = [item["session_id"] for item in (await operator.list("unassigned"))["items"]]
    assert whole[:5] == [visitor.session_id for visitor in reversed(visitors)]
    paged: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await operator.list("unassigned", limit="2", **cursor)
        paged += [item["session_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == whole
    refused = await shared.http.get("/api/desk/conversations?cursor=nonsense", headers=operator.headers)
    assert (refused.status_code, refused.json()["error"]) == (422, "malformed")


async def test_numbers_count_what_happened(shared: Served) -> None:
    operator = Operator(shared)

    async def overview() -> dict[str, dict[str, int]]:
        answer = await shared.http.get("/api/desk/overview?days=2", headers=operator.headers)
        assert answer.status_code == 200, answer.text
        numbers: dict[str, dict[str, int]] = answer.json()
        return numbers

    before = await overview()
    helped, handed_over = await shared.visitor(), await shared.visitor()
    await shared.say(helped, "How do I reset my password?")
    await shared.http.post(f"/api/sessions/{helped.session_id}/rating", json={"score": 4}, headers=helped.headers)
    await shared.say(handed_over, "I want to talk to a person")
    await operator.done(handed_over.session_id, "messages", message="Hello")
    await operator.done(handed_over.session_id, "resolve")
    after = await overview()
    grown = {name: after["totals"][name] - before["totals"][name] for name in ("sessions", "resolved_by_ai", "escalated", "csat_count")}
    assert grown == {"sessions": 2, "resolved_by_ai": 1, "escalated": 1, "csat_count": 1}
    assert after["totals"]["first_response_p50_s"] is not None
    assert len(after["by_day"]) == 2
    assert after["by_day"][-1]["sessions"] == after["totals"]["sessions"]


async def test_the_numbers_follow_and_name_what_nobody_could_answer(tmp_path: Path, database_url: str) -> None:
    search = ToolCall("call_1", "search_knowledge", '{"query": "zeppelin"}')
    model = ScriptedModel(("Hello.",), (search,), ("I do not know.",), ("You are welcome.",))
    async with serving(settings_in(tmp_path, database_url=database_url), model=model) as served:
        operator, visitor = Operator(served), await served.visitor()

        async def overview() -> tuple[int, int, list[str]]:
            numbers = (await served.http.get("/api/desk/overview", headers=operator.headers)).json()
            return numbers["totals"]["tokens"], numbers["totals"]["unanswered"], [row["question"] for row in numbers["unanswered"]]

        read = []
        for said in ("Hello", "Do you fly zeppelins?", "Thank you"):
            await served.say(visitor, said)
            read.append(await overview())
        tokens = [row[0] for row in read]
        assert 0 < tokens[0] < tokens[1] < tokens[2]
        assert [row[1:] for row in read] == [(0, []), (1, ["Do you fly zeppelins?"]), (1, ["Do you fly zeppelins?"])]
    # Kept counts are those of another server as well, and go on with what it is told.
    async with serving(settings_in(tmp_path, database_url=database_url), model=ScriptedModel(("Good bye.",))) as served:
        operator = Operator(served)
        assert await overview() == read[-1]
        await served.say(visitor, "Bye")
        assert (await overview())[0] > tokens[2]
        await served.http.delete(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)
        assert await overview() == (0, 0, [])


async def test_a_long_conversation_is_read_backwards_with_what_became_of_it(shared: Served) -> None:
    operator = Operator(shared)
    visitor = await shared.visitor()
    await shared.say(visitor, "Hello")
    for _ in range(2):
        await operator.done(visitor.session_id, "claim")
        await operator.done(visitor.session_id, "messages", message="How can I help?")
        await operator.done(visitor.session_id, "return")
    opened = await operator.open(visitor.session_id)
    async with following(shared, f"/api/sessions/{visitor.session_id}/events?after=0", visitor.headers) as stream:
        await stream.until("mode", lambda event: event["id"] == opened["events_after"])
    told = [data for kind, data in stream.events if kind in ("escalation", "handoff", "mode")]
    address = f"/api/chat/sessions/{visitor.session_id}/messages"

    async def page(**query: int) -> dict[str, Any]:
        answer = await shared.http.get(address, params=query, headers=visitor.headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    everything = await page(limit=500)
    assert (everything["notices"], everything["has_more"]) == (told, False)
    assert (opened["notices"], opened["has_more"]) == (told, False)
    # Backwards by twos, and forwards by twos: nothing is missing, nothing comes twice.
    backwards = [await page(limit=2, before=int(opened["events_after"]) + 1)]
    while backwards[0]["has_more"]:
        backwards.insert(0, await page(limit=2, before=int(backwards[0]["messages"][0]["event_id"])))
    forwards = [await page(limit=2, offset=at) for at in range(0, everything["total"], 2)]
    assert len(backwards) == len(forwards) == 2
    for pages in (backwards, forwards):
        assert [message for one in pages for message in one["messages"]] == everything["messages"]
        assert [notice for one in pages for notice in one["notices"]] == told
    both = await shared.http.get(address, params={"before": 3, "offset": 1}, headers=visitor.headers)
    assert both.status_code == 422
