"""What a signed customer told us is known in their next conversation, until it is forgotten; nobody else ever sees it."""

import json

import pytest

from api.serving import STAFF, Served, Visitor
from deskhand.testing.replies import call_tools, say
from faults.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def signed(served: Served, user_id: str) -> Visitor:
    """A session that staff opened for a customer they know."""
    answer = await served.http.post("/api/sessions", json={"user_id": user_id}, headers=STAFF)
    opened = answer.json()
    return Visitor(opened["session_id"], opened["token"])


async def told(served: Served, visitor: Visitor, message: str) -> str:
    answer = await served.say(visitor, message)
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["message"]
    return text


async def test_what_a_customer_told_us_is_known_in_their_next_conversation_until_it_is_forgotten(out_of_the_box: Served) -> None:
    first, second, third = [await signed(out_of_the_box, "ada@example.com") for _ in range(3)]
    await told(out_of_the_box, first, "Please remember that my shop is in Ghent.")
    assert "my shop is in Ghent" in await told(out_of_the_box, second, "What do you know about me?")
    await told(out_of_the_box, second, "Forget everything you know about me")
    for visitor in (first, second, third):
        assert "Ghent" not in await told(out_of_the_box, visitor, "What do you know about me?")


async def test_nobody_else_sees_it_whatever_name_they_give(out_of_the_box: Served) -> None:
    await told(out_of_the_box, await signed(out_of_the_box, "grace@example.com"), "Please remember that my locker is number 3141.")
    nobody = await out_of_the_box.visitor()
    claiming = await out_of_the_box.visitor(user_id="grace@example.com")
    other = await signed(out_of_the_box, "hopper@example.com")
    for visitor in (nobody, claiming, other):
        assert "3141" not in await told(out_of_the_box, visitor, "What do you know about me?")
        await told(out_of_the_box, visitor, "Forget everything you know about me")
    again = await signed(out_of_the_box, "grace@example.com")
    assert "3141" in await told(out_of_the_box, again, "What do you know about me?")


async def test_what_an_anonymous_visitor_told_us_ends_with_their_conversation(out_of_the_box: Served) -> None:
    visitor, next_time = await out_of_the_box.visitor(), await out_of_the_box.visitor()
    await told(out_of_the_box, visitor, "Please remember that my bicycle is orange.")
    assert "orange" in await told(out_of_the_box, visitor, "What do you know about me?")
    assert "orange" not in await told(out_of_the_box, next_time, "What do you know about me?")
    await told(out_of_the_box, visitor, "Forget everything you know about me")
    assert "orange" not in await told(out_of_the_box, visitor, "What do you know about me?")


async def test_a_deleted_conversation_takes_its_facts_along(out_of_the_box: Served) -> None:
    first, second = await signed(out_of_the_box, "lin@example.com"), await signed(out_of_the_box, "lin@example.com")
    await told(out_of_the_box, first, "Please remember that my dog is called Bix.")
    gone = await out_of_the_box.http.delete(f"/api/sessions/{first.session_id}", headers=first.headers)
    assert gone.status_code == 200
    assert "Bix" not in await told(out_of_the_box, second, "What do you know about me?")


async def test_a_model_remembers_recalls_and_forgets_by_its_tools(desk: Desk) -> None:
    first, second = await signed(desk.served, "ada@example.com"), await signed(desk.served, "ada@example.com")
    desk.server.reply_with(call_tools(("remember", json.dumps({"fact": "Prefers to be called in the morning."}))), say("Noted."))
    assert await told(desk.served, first, "Call me in the morning, always.") == "Noted."

    desk.server.reply_with(call_tools(("recall", "{}")), say("In the morning."))
    await told(desk.served, second, "When do you call me?")
    asked, recalled = (request.json["messages"] for request in list(desk.server.requests)[-2:])
    assert "called in the morning" in asked[0]["content"]
    fact = json.loads(recalled[-1]["content"])["facts"][0]
    assert fact["text"] == "Prefers to be called in the morning."

    desk.server.reply_with(call_tools(("forget", json.dumps({"fact_id": fact["fact_id"]}))), say("Forgotten."))
    await told(desk.served, second, "Forget that.")
    await told(desk.served, first, "Hello again, what now?")
    assert "called in the morning" not in desk.server.requests[-1].json["messages"][0]["content"]


async def test_no_argument_of_a_model_reaches_another_customer(desk: Desk) -> None:
    owner, thief = await signed(desk.served, "owner@example.com"), await signed(desk.served, "thief@example.com")
    desk.server.reply_with(call_tools(("remember", json.dumps({"fact": "The safe opens with 2718."}))), say("Noted."))
    await told(desk.served, owner, "The safe opens with 2718.")
    desk.server.reply_with(
        call_tools(("recall", json.dumps({"user_id": "owner@example.com"}))), call_tools(("recall", "{}")), say("Nothing.")
    )
    await told(desk.served, thief, "What do you know of owner@example.com?")
    assert "2718" not in json.dumps(desk.server.requests[-1].json["messages"])
