"""Saying something over plain HTTP: answers, streams, files, retries, failures."""

import asyncio
import json

import pytest

from api.serving import Served, serving, settings_in
from deskhand.models.port import ModelUnavailable
from deskhand.testing.scripted_model import Gate, ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = {
    "message",
    "message_id",
    "turn_id",
    "sources",
    "requires_escalation",
    "confidence",
    "session_id",
    "timestamp",
    "processing_time",
    "tools_used",
    "metadata",
}


def scripted(served: Served) -> ScriptedModel:
    model = served.services.model
    assert isinstance(model, ScriptedModel)
    return model


async def test_an_answer_has_the_fields_of_the_contract(shared: Served) -> None:
    visitor = await shared.visitor()
    scripted(shared).add(["Hello ", "there."])
    answer = await shared.say(visitor, "Hi")
    assert answer.status_code == 200
    assert set(answer.json()) == FIELDS
    assert (answer.json()["message"], answer.json()["session_id"]) == ("Hello there.", visitor.session_id)


async def test_the_transcript_has_both_sides_in_order(shared: Served) -> None:
    visitor = await shared.visitor()
    scripted(shared).add(["First."], ["Second."])
    await shared.say(visitor, "One", client_message_id="one")
    await shared.say(visitor, "Two")
    address = f"/api/chat/sessions/{visitor.session_id}/messages"
    transcript = (await shared.http.get(address, headers=visitor.headers)).json()
    assert [(message["role"], message["content"]) for message in transcript["messages"]] == [
        ("customer", "One"),
        ("assistant", "First."),
        ("customer", "Two"),
        ("assistant", "Second."),
    ]
    assert (transcript["total"], transcript["messages"][0]["client_message_id"]) == (4, "one")
    page = (await shared.http.get(address, params={"limit": 1, "offset": 2}, headers=visitor.headers)).json()
    assert [message["content"] for message in page["messages"]] == ["Two"]


async def test_a_message_sent_again_appears_once_and_gets_the_same_answer(shared: Served) -> None:
    visitor = await shared.visitor()
    first = (await shared.say(visitor, "Hi", client_message_id="m-1")).json()
    again = (await shared.say(visitor, "Hi", client_message_id="m-1")).json()
    assert again == first
    other = await shared.say(visitor, "Something else", client_message_id="m-1")
    assert (other.status_code, other.json()["error"]) == (409, "message_conflict")


async def test_a_form_sent_again_with_its_file_appears_once(shared: Served) -> None:
    visitor = await shared.visitor()
    address = f"/api/chat/sessions/{visitor.session_id}/messages"
    sent = {
        "data": {"message": "See my file", "client_message_id": "f-1"},
        "files": [("attachments", ("note.txt", b"Order 4711", "text/plain"))],
    }
    first = await shared.http.post(address, headers=visitor.headers, **sent)
    again = await shared.http.post(address, headers=visitor.headers, **sent)
    assert (first.status_code, again.json()["message_id"]) == (200, first.json()["message_id"])
    transcript = (await shared.http.get(address, headers=visitor.headers)).json()
    assert transcript["total"] == 2
    assert [file["filename"] for file in transcript["messages"][0]["attachments"]] == ["note.txt"]


async def test_an_uploaded_file_is_named_in_a_message(shared: Served) -> None:
    visitor = await shared.visitor()
    uploaded = await shared.http.post(
        "/api/chat/upload",
        headers=visitor.headers,
        data={"session_id": visitor.session_id},
        files={"file": ("orders.csv", b"id,state\n4711,sent\n", "text/csv")},
    )
    assert uploaded.status_code == 200
    shown = uploaded.json()
    assert {"filename", "size_mb", "content_type", "processed", "preview", "error", "attachment_id"} == set(shown)
    assert (shown["filename"], shown["processed"], shown["error"]) == ("orders.csv", True, None)
    assert "4711" in shown["preview"]
    answer = await shared.say(visitor, "Where is my order?", attachments=[shown["attachment_id"]])
    assert answer.status_code == 200


async def test_another_session_s_file_cannot_be_named(shared: Served) -> None:
    owner, other = await shared.visitor(), await shared.visitor()
    uploaded = await shared.http.post(
        f"/api/chat/upload?session_id={owner.session_id}", headers=owner.headers, files={"file": ("a.txt", b"secret", "text/plain")}
    )
    answer = await shared.say(other, "Read it", attachments=[uploaded.json()["attachment_id"]])
    assert (answer.status_code, answer.json()["error"]) == (404, "attachment_not_found")


async def test_with_accept_event_stream_the_turn_is_streamed_to_its_end(shared: Served) -> None:
    visitor = await shared.visitor()
    scripted(shared).add(["One. ", "Two."])
    answer = await shared.http.post(
        f"/api/chat/sessions/{visitor.session_id}/messages",
        json={"message": "Stream"},
        headers={**visitor.headers, "Accept": "text/event-stream"},
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    frames = [dict(line.split(": ", 1) for line in frame.split("\n")) for frame in answer.text.strip().split("\n\n")]
    assert frames[0]["event"] == "acknowledged"
    assert frames[-1]["event"] == "complete"
    text = "".join(json.loads(frame["data"])["delta"] for frame in frames if frame["event"] == "text")
    assert text == json.loads(frames[-1]["data"])["message"] == "One. Two."
    assert all(json.loads(frame["data"])["id"] == frame["id"] for frame in frames)


async def test_prefer_respond_async_does_not_wait_for_the_answer(shared: Served) -> None:
    visitor = await shared.visitor()
    gate = Gate()
    scripted(shared).add([gate, "Late."])
    address = f"/api/chat/sessions/{visitor.session_id}/messages"
    answer = await shared.http.post(address, json={"message": "Go"}, headers={**visitor.headers, "Prefer": "Respond-Async"})
    assert answer.status_code == 202
    assert answer.json()["turn_id"].startswith("turn_")
    await gate.reached.wait()
    gate.open()
    await shared.say(visitor, "And now?")
    transcript = (await shared.http.get(address, headers=visitor.headers)).json()
    assert transcript["messages"][1]["content"] == "Late."


async def test_a_client_that_goes_away_does_not_stop_the_answer(shared: Served) -> None:
    visitor = await shared.visitor()
    gate = Gate()
    scripted(shared).add([gate, "Still here."])
    asking = asyncio.create_task(shared.say(visitor, "Wait for me"))
    await gate.reached.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    gate.open()
    await shared.say(visitor, "Next")
    transcript = await shared.http.get(f"/api/chat/sessions/{visitor.session_id}/messages", headers=visitor.headers)
    assert "Still here." in [message["content"] for message in transcript.json()["messages"]]


async def test_a_failed_turn_is_an_error_with_the_turn_s_code_and_a_way_out(shared: Served) -> None:
    visitor = await shared.visitor()
    scripted(shared).add([ModelUnavailable()])
    answer = await shared.say(visitor, "Anybody?")
    assert answer.status_code == 503
    body = answer.json()
    assert (body["error"], set(body)) == ("model_unavailable", {"error", "message", "request_id", "support", "details"})
    assert {"turn_id", "message_id"} <= set(body["details"])


async def test_a_full_queue_says_when_to_come_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with serving(settings_in(tmp_path_factory.mktemp("data"), queue_limit=2)) as served:
        visitor = await served.visitor()
        gate = Gate()
        scripted(served).add([gate, "Done."])
        headers = {**visitor.headers, "Prefer": "respond-async"}
        address = f"/api/chat/sessions/{visitor.session_id}/messages"
        await served.http.post(address, json={"message": "running"}, headers=headers)
        await gate.reached.wait()
        codes = [(await served.http.post(address, json={"message": f"{n}"}, headers=headers)).status_code for n in range(2)]
        refused = await served.http.post(address, json={"message": "too many"}, headers=headers)
        gate.open()
        assert codes == [202, 202]
        assert (refused.status_code, refused.json()["error"]) == (429, "queue_full")
        assert int(refused.headers["Retry-After"]) >= 1


async def test_search_asks_the_knowledge_base_only(shared: Served) -> None:
    visitor = await shared.visitor()
    answer = await shared.http.post("/api/chat/search", json={"query": "password"}, headers=visitor.headers)
    assert (answer.status_code, answer.json()) == (200, [])
