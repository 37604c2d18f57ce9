"""A conversation from the first question to its end: customer, AI and a person, over HTTP."""

import asyncio

import pytest

from api.serving import Served, serving
from desk.people import Operator, following, transcript
from deskhand.settings import Settings
from deskhand.testing.scripted_model import Gate, ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_customer_is_helped_by_a_person_and_goes_on_with_the_ai(shared: Served) -> None:
    operator, visitor = Operator(shared), await shared.visitor(metadata={"name": "Ida"})
    session_id = visitor.session_id
    events = f"/api/sessions/{session_id}/events?after=0"
    async with operator.console() as console, following(shared, events, visitor.headers) as read:
        await shared.say(visitor, "How do I reset my password?")
        listed = await console.until(
            "conversation", lambda item: item["session_id"] == session_id and item["preview_author"] == "assistant"
        )
        assert (listed["state"], listed["customer"]["name"]) == ("ai", "Ida")

        await shared.say(visitor, "I want to talk to a person")
        new = await console.until("notice", lambda notice: notice["session_id"] == session_id)
        assert new["kind"] == "new"
        [waiting] = [item for item in (await operator.list("unassigned"))["items"] if item["session_id"] == session_id]
        assert (waiting["state"], waiting["reason"], waiting["assignee"]) == ("waiting", "asked_for_person", None)

        taken = await operator.done(session_id, "claim", version=waiting["version"])
        assert (taken["state"], taken["assignee"]["name"]) == ("assigned", "admin")
        joined = await read.until("handoff")
        assert (joined["state"], joined["agent_name"]) == ("assigned", "admin")
        await operator.done(session_id, "messages", message="I have sent you a new link.", client_message_id="a1")
        said = await read.until("message")
        assert (said["author"], said["author_name"], said["content"]) == ("operator", "admin", "I have sent you a new link.")
        answer = await shared.say(visitor, "It works, thank you")
        assert (answer.status_code, answer.json()["turn_id"]) == (202, None)
        assert (await console.until("notice", lambda notice: notice["kind"] == "customer_replied"))["session_id"] == session_id

        opened = await operator.open(session_id)
        assert [message["role"] for message in opened["messages"]] == ["customer", "assistant"] * 2 + ["operator", "customer"]
        assert opened["brief"]["wants"] == "How do I reset my password?"
        assert opened["unread"] == 1

        returned = await operator.done(session_id, "return", note="A link was enough.")
        assert returned["state"] == "ai"
        assert (await shared.say(visitor, "How do I reset my password again?")).status_code == 200
        await operator.done(session_id, "claim")
        resolved = await operator.done(session_id, "resolve")
        assert (resolved["state"], resolved["episode"]) == ("resolved", 2)
        assert [note["text"] for note in (await operator.open(session_id))["notes"]] == ["A link was enough."]
        await read.until("handoff", lambda told: told["state"] == "resolved")
    assert [told["state"] for told in read.of("handoff")] == ["assigned", "returned", "assigned", "resolved"]
    assert "A link was enough." not in str(read.events), "a note reached the customer"


async def test_no_word_of_the_ai_comes_after_a_takeover_in_the_middle_of_its_answer(settings: Settings) -> None:
    gate = Gate()
    model = ScriptedModel(["First I ", gate, "will say more."])
    async with serving(settings, model=model) as served:
        operator, visitor = Operator(served), await served.visitor()
        async with following(served, f"/api/sessions/{visitor.session_id}/events?after=0", visitor.headers) as read:
            asking = asyncio.create_task(served.say(visitor, "Tell me everything"))
            await gate.reached.wait()
            taken = await operator.done(visitor.session_id, "claim")
            assert (taken["state"], taken["reason"]) == ("assigned", "takeover")
            gate.open()
            await operator.done(visitor.session_id, "messages", message="I am a person.")
            await read.until("message")
            await asking
        kinds = [kind for kind, _ in read.events]
        after = kinds[kinds.index("handoff") :]
        assert not {"text", "complete", "started"} & set(after)
        messages = await transcript(served, visitor)
        assert [(message["role"], message["status"]) for message in messages][-2:] in (
            [("assistant", "incomplete"), ("operator", "complete")],
            [("customer", "complete"), ("operator", "complete")],
        )


async def test_whoever_acts_on_an_old_picture_changes_nothing_and_is_shown_the_new_one(shared: Served) -> None:
    operator, visitor = Operator(shared), await shared.visitor()
    await shared.say(visitor, "I want to talk to a person")
    before = await operator.open(visitor.session_id)
    await operator.done(visitor.session_id, "priority", priority="urgent", version=before["version"])
    refused = await operator.act(visitor.session_id, "resolve", version=before["version"])
    assert (refused.status_code, refused.json()["error"]) == (409, "conversation_changed")
    assert refused.json()["details"] == {"state": "waiting", "version": before["version"] + 1, "assignee": None}
    now = await operator.open(visitor.session_id)
    assert (now["state"], now["priority"]) == ("waiting", "urgent")


async def test_a_person_s_answer_may_carry_files_that_the_customer_can_save(shared: Served) -> None:
    operator = Operator(shared)
    visitor, stranger = await shared.visitor(), await shared.visitor()
    await shared.say(visitor, "May I have the form?")
    await operator.done(visitor.session_id, "claim")
    uploaded = await shared.http.post(
        "/api/chat/upload",
        params={"session_id": visitor.session_id},
        files={"file": ("form <b>ü.html", b"<script>alert(1)</script>Sign here", "text/html")},
        headers=operator.headers,
    )
    assert uploaded.status_code == 200, uploaded.text
    file_id = uploaded.json()["attachment_id"]
    address = f"/api/desk/conversations/{visitor.session_id}/messages"
    form = {
        "data": {"message": "And the terms.", "client_message_id": "terms"},
        "files": {"attachments": ("terms.txt", b"Terms", "text/plain")},
    }
    async with following(shared, f"/api/sessions/{visitor.session_id}/events?after=0", visitor.headers) as stream:
        await operator.done(visitor.session_id, "messages", message="Here it is.", attachments=[file_id])
        sent = [await shared.http.post(address, headers=operator.headers, **form) for _ in range(2)]
        assert [answer.status_code for answer in sent] == [201, 201]
        assert [answer.json()["duplicate"] for answer in sent] == [False, True]
        told = await stream.until("message", lambda event: event["content"] == "And the terms.")
    # A reload shows what was told live.
    lines = [message for message in await transcript(shared, visitor) if message["role"] == "operator"]
    assert [[file["filename"] for file in line["attachments"]] for line in lines] == [["form <b>ü.html"], ["terms.txt"]]
    assert lines[1]["attachments"] == told["attachments"]
    saved = f"/api/sessions/{visitor.session_id}/attachments/{file_id}"
    for headers in (visitor.headers, operator.headers):
        file = await shared.http.get(saved, headers=headers)
        assert (file.status_code, file.content) == (200, b"<script>alert(1)</script>Sign here")
        assert file.headers["content-type"] == "application/octet-stream"
        assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''form%20%3Cb%3E%C3%BC.html"
        assert (file.headers["x-content-type-options"], "sandbox" in file.headers["content-security-policy"]) == ("nosniff", True)
    elsewhere = f"/api/sessions/{stranger.session_id}/attachments/{file_id}"
    assert [(await shared.http.get(path, headers=stranger.headers)).status_code for path in (saved, elsewhere)] == [404, 404]
    # The customer's checks are the operator's: kinds, and whose file it is.
    program = {"attachments": ("a.exe", b"MZ\x00\x01", "application/octet-stream")}
    answer = await shared.http.post(address, data={"message": "Run this."}, files=program, headers=operator.headers)
    assert answer.status_code == 415
    assert (await operator.act(visitor.session_id, "messages", message="Not yours.", attachments=["file_" + "0" * 24])).status_code == 404
