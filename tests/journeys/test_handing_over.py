"""A conversation goes to a person, the AI is silent while they have it, and answers again when they give it back."""

import asyncio
import json

import pytest

from api.serving import STAFF, Served, Visitor
from deskhand.testing.replies import call_tools, say
from faults.desk import Desk
from faults.doors import events_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def give_back(served: Served, visitor: Visitor) -> None:
    answer = await served.http.patch(f"/api/sessions/{visitor.session_id}/status", json={"status": "active"}, headers=STAFF)
    assert (answer.status_code, answer.json()["status"]) == (200, "active")


async def test_a_conversation_goes_to_a_person_and_comes_back(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    asked_before = desk.server.counts.total()
    streamed = await desk.served.http.post(
        f"/api/chat/sessions/{visitor.session_id}/messages",
        json={"message": "I want to talk to a person about my invoice 99"},
        headers={**visitor.headers, "Accept": "text/event-stream"},
    )
    events = events_of(streamed)
    escalation = next(event for event in events if event["type"] == "escalation")
    assert (escalation["reason"], escalation["priority"]) == ("asked_for_person", "normal")
    assert (events[-1]["type"], events[-1]["requires_escalation"]) == ("complete", True)
    assert "colleague" in events[-1]["message"]
    [ticket] = await desk.tickets(visitor)
    assert (ticket.id, ticket.turn_id, ticket.state) == (escalation["ticket_id"], events[-1]["turn_id"], "open")
    assert "invoice 99" in ticket.summary
    assert await desk.status(visitor) == "escalated"

    while_away = await desk.served.say(visitor, "The invoice is from March.")
    body = while_away.json()
    assert (while_away.status_code, body["turn_id"], body["requires_escalation"]) == (202, None, True)
    assert body["message"] == "A colleague has your message and will answer you here."
    assert desk.server.counts.total() == asked_before
    assert [message["role"] for message in await desk.transcript(visitor)] == ["customer", "assistant", "customer"]

    await give_back(desk.served, visitor)
    answer = await desk.served.say(visitor, "How do I reset my password?")
    assert (answer.status_code, answer.json()["requires_escalation"]) == (200, False)
    sent = [message["content"] for message in desk.server.requests[-1].json["messages"]]
    assert "The invoice is from March." in sent
    assert [ticket.state for ticket in await desk.tickets(visitor)] == ["returned"]


async def test_every_reader_hears_who_answers_from_here_on(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    async with desk.served.connect(visitor) as socket:
        await socket.recv()
        await socket.send(json.dumps({"type": "message", "content": "Give me a human please"}))
        heard: list[dict[str, object]] = []
        async with asyncio.timeout(10):
            while not heard or heard[-1]["type"] != "mode":
                heard.append(json.loads(await socket.recv()))
        assert heard[-1]["status"] == "escalated"
        await socket.send(json.dumps({"type": "message", "content": "Are you there?"}))
        acknowledged = json.loads(await socket.recv())
        assert (acknowledged["type"], acknowledged["turn_id"]) == ("acknowledged", None)
        await give_back(desk.served, visitor)
        back = json.loads(await socket.recv())
        assert (back["type"], back["status"]) == ("mode", "active")


async def test_a_visitor_cannot_take_the_conversation_back_to_the_ai(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    await desk.served.say(visitor, "I want to talk to a person")
    refused = await desk.served.http.patch(f"/api/sessions/{visitor.session_id}/status", json={"status": "active"}, headers=visitor.headers)
    assert (refused.status_code, await desk.status(visitor)) == (403, "escalated")


async def test_an_answer_that_runs_is_stopped_when_a_person_takes_over(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    asked = desk.server.counts.total()
    address = f"/api/chat/sessions/{visitor.session_id}/messages"
    running = await desk.served.http.post(
        address, json={"message": "Talk [model: answer tokens=1000 every_ms=50]"}, headers={**visitor.headers, "Prefer": "respond-async"}
    )
    await desk.server.wait_until_asked(asked + 1)
    left = desk.server.left_early
    await desk.served.http.patch(f"/api/sessions/{visitor.session_id}/status", json={"status": "escalated"}, headers=STAFF)
    await desk.server.wait_until_left(left + 1)
    turn = await desk.turn(running.json()["turn_id"])
    assert (turn.state, turn.cancel_reason) == ("cancelled", "session_escalated")
    assert all(message["status"] == "incomplete" for message in (await desk.transcript(visitor))[1:])


async def test_a_model_hands_over_by_its_tool_and_the_customer_is_told(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    wish = json.dumps({"reason": "unsupported_request", "summary": "Wants a custom contract.", "priority": "high"})
    desk.server.reply_with(call_tools(("escalate_to_human", wish)), say("A colleague will answer you here."))
    answer = (await desk.served.say(visitor, "Please change clause 4 of my contract")).json()
    assert (answer["requires_escalation"], answer["message"]) == (True, "A colleague will answer you here.")
    [ticket] = await desk.tickets(visitor)
    assert (ticket.reason, ticket.priority, ticket.summary) == ("unsupported_request", "high", "Wants a custom contract.")


@pytest.mark.parametrize("said_meanwhile", [[], ["Are you there?"]])
async def test_after_three_questions_without_an_answer_a_person_takes_over_once(said_meanwhile: list[str], out_of_the_box: Served) -> None:
    visitor = await out_of_the_box.visitor()
    questions = ("Who won the regatta of 1934?", "What does a kilo of saffron weigh on Mars?", "Which moon has the best cheese?")
    answers = [(await out_of_the_box.say(visitor, question)).json() for question in questions]
    assert [answer["requires_escalation"] for answer in answers] == [False, False, True]
    assert all("person" in answer["message"] or "colleague" in answer["message"] for answer in answers)
    for words in said_meanwhile:
        assert (await out_of_the_box.say(visitor, words)).status_code == 202
    await give_back(out_of_the_box, visitor)
    again = (await out_of_the_box.say(visitor, "How deep is the lake of Zanzibar?")).json()
    assert not again["requires_escalation"]
