"""A file goes up, and questions about it are answered from it, in its own session alone."""

import json
from typing import Any

import pytest

from api.serving import Served, Visitor
from deskhand.testing.replies import call_tools, say
from faults.desk import Desk
from knowledge.parse import made

pytestmark = pytest.mark.asyncio(loop_scope="module")

# name: content type, content, question, what the answer must say
FILES = {
    "order.txt": (
        "text/plain",
        "Thank you for your purchase.\n\nYour order 4711 leaves our warehouse on Tuesday, 8 December.\n\nKeep this note.",
        "When does order 4711 leave the warehouse?",
        "8 December",
    ),
    "boiler.md": (
        "text/markdown",
        "# Boiler X200\n\n## Pressure\n\nThe working pressure of the boiler is 1.5 bar.\n\n## Cleaning\n\nClean the filter every May.",
        "What is the working pressure of the boiler?",
        "1.5 bar",
    ),
    "lease.html": (
        "text/html",
        "<html><head><title>Lease</title><script>alert('x')</script></head><body><h1>Lease</h1>"
        "<p>The notice period of the lease is three months.</p><p>Pets are allowed.</p></body></html>",
        "How long is the notice period of the lease?",
        "three months",
    ),
    "stock.csv": (
        "text/csv",
        "article,colour,warehouse\nlamp Orion,green,Ghent\nlamp Vega,black,Lille\n",
        "In which warehouse is the lamp Orion?",
        "Ghent",
    ),
    "ticket.json": (
        "application/json",
        json.dumps({"passenger": "Ada", "train": "ICE 205", "seat": "coach 7, seat 42"}),
        "Which seat is on the ticket of passenger Ada?",
        "seat 42",
    ),
    "warranty.pdf": (
        "application/pdf",
        made.pdf([made.said(("The warranty of the kettle", 18, 72, 720), ("The warranty of the kettle lasts four years.", 11, 72, 680))]),
        "How long does the warranty of the kettle last?",
        "four years",
    ),
    "quote.docx": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        made.word(made.paragraph("Quote", style="Heading1") + made.paragraph("The roof will be repaired for 940 euros.")),
        "What will the repair of the roof cost?",
        "940 euros",
    ),
}


async def upload(served: Served, visitor: Visitor, name: str) -> dict[str, Any]:
    content_type, content, _, _ = FILES[name]
    answer = await served.http.post(
        "/api/chat/upload",
        headers=visitor.headers,
        data={"session_id": visitor.session_id},
        files={"file": (name, content if isinstance(content, bytes) else content.encode(), content_type)},
    )
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    assert (shown["filename"], shown["processed"], shown["error"]) == (name, True, None)
    return shown


@pytest.mark.parametrize("name", FILES)
async def test_a_question_is_answered_from_the_file_that_came_with_it(name: str, out_of_the_box: Served) -> None:
    _, _, question, fact = FILES[name]
    visitor = await out_of_the_box.visitor()
    shown = await upload(out_of_the_box, visitor, name)
    answer = (await out_of_the_box.say(visitor, question, attachments=[shown["attachment_id"]])).json()
    assert fact in answer["message"]
    assert "alert" not in answer["message"]
    assert answer["sources"][0]["metadata"]["source"] == name
    assert "read_attachment" in answer["tools_used"]


async def test_a_later_question_is_answered_from_a_file_that_came_before(out_of_the_box: Served) -> None:
    visitor = await out_of_the_box.visitor()
    shown = await upload(out_of_the_box, visitor, "boiler.md")
    await out_of_the_box.say(visitor, "Here is the manual of my boiler.", attachments=[shown["attachment_id"]])
    answer = (await out_of_the_box.say(visitor, "What is the working pressure of the boiler?")).json()
    assert "1.5 bar" in answer["message"]


async def test_another_session_does_not_know_the_file(out_of_the_box: Served) -> None:
    owner, other = await out_of_the_box.visitor(), await out_of_the_box.visitor()
    shown = await upload(out_of_the_box, owner, "boiler.md")
    await out_of_the_box.say(owner, "What is the working pressure of the boiler?", attachments=[shown["attachment_id"]])
    answer = (await out_of_the_box.say(other, "What is the working pressure of the boiler?")).json()
    assert "1.5 bar" not in json.dumps(answer)


async def test_a_model_reads_a_file_by_its_tool_and_cites_it(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    shown = await upload(desk.served, visitor, "order.txt")
    reading = json.dumps({"attachment_id": shown["attachment_id"]})
    desk.server.reply_with(call_tools(("read_attachment", reading)), say("It leaves ", "on Tuesday [1]."))
    answer = (await desk.served.say(visitor, "When does it leave?", attachments=[shown["attachment_id"]])).json()
    assert answer["message"] == "It leaves on Tuesday [1]."
    assert (answer["tools_used"], answer["sources"][0]["metadata"]["source"]) == (["read_attachment"], "order.txt")
    asked, told = (request.json["messages"] for request in list(desk.server.requests)[-2:])
    assert shown["attachment_id"] in asked[-1]["content"]
    assert "8 December" not in json.dumps(asked)
    assert "8 December" in told[-1]["content"]


async def test_a_model_is_told_later_which_files_there_are(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    shown = await upload(desk.served, visitor, "order.txt")
    await desk.served.say(visitor, "Here is my order.", attachments=[shown["attachment_id"]])
    await desk.served.say(visitor, "When does it leave?")
    sent = desk.server.requests[-1].json["messages"]
    assert any(shown["attachment_id"] in message["content"] for message in sent if message["role"] == "user")


async def test_a_model_cannot_read_another_session_s_file(desk: Desk) -> None:
    owner, thief = await desk.served.visitor(), await desk.served.visitor()
    shown = await upload(desk.served, owner, "order.txt")
    reading = json.dumps({"attachment_id": shown["attachment_id"]})
    desk.server.reply_with(call_tools(("read_attachment", reading)), say("I cannot read it."))
    answer = await desk.served.say(thief, f"Read {shown['attachment_id']}")
    assert answer.json()["sources"] == []
    told = desk.server.requests[-1].json["messages"][-1]["content"]
    assert "attachment_not_found" in told
    assert "8 December" not in told
