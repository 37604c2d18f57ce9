"""Those at the desk: who is there, who gets what, and what helps them; and what customers say of it."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.serving import Served, serving, settings_in
from desk.people import Operator, colleague, following, of, transcript, waiting
from deskhand.api.desk_team import tell_overdue
from deskhand.handoff.tables import tickets
from deskhand.sessions import SessionStatus

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_two_who_claim_at_once_are_not_both_given_the_conversation(shared: Served) -> None:
    ana_id, ana = await colleague(shared, "Ana")
    _, bo = await colleague(shared, "Bo")
    visitor = await waiting(shared)
    await ana.done(visitor.session_id, "claim")
    refused = await bo.act(visitor.session_id, "claim")
    assert (refused.status_code, refused.json()["error"], refused.json()["details"]) == (409, "taken_by_another", {"assignee": "Ana"})
    assert (await bo.act(visitor.session_id, "messages", message="Hello")).status_code == 409
    assert [item["assignee"]["staff_id"] for item in (await ana.list("mine"))["items"]] == [ana_id]
    assert (await bo.list("mine"))["counts"]["mine"] == 0
    taken = await bo.done(visitor.session_id, "claim", force=True)
    assert taken["assignee"]["name"] == "Bo"


async def test_whoever_is_given_a_conversation_is_told_and_sees_the_note(shared: Served) -> None:
    ana_id, ana = await colleague(shared, "Ana")
    _, bo = await colleague(shared, "Bo")
    visitor = await waiting(shared)
    await bo.done(visitor.session_id, "claim")
    async with ana.console() as console:
        await console.until("presence", lambda told: ("Ana", "online") in [(one["name"], one["presence"]) for one in told["staff"]])
        await bo.done(visitor.session_id, "transfer", staff_id=ana_id, note="Knows about boilers.")
        notice = await console.until("notice", lambda told: told["kind"] == "assigned_to_you")
        assert notice["session_id"] == visitor.session_id
    opened = await ana.open(visitor.session_id)
    assert (opened["assignee"]["name"], opened["notes"][0]["text"]) == ("Ana", "Knows about boilers.")


async def test_what_waits_is_given_in_turn_to_those_who_are_there_and_have_room(tmp_path: Path, database_url: str) -> None:
    async with serving(settings_in(tmp_path, database_url=database_url, desk_assignment="round_robin")) as served:
        _, ana = await colleague(served, "Ana", capacity=1)
        _, bo = await colleague(served, "Bo", capacity=1)
        await colleague(served, "Cleo")
        visitors = [await waiting(served) for _ in range(3)]
        async with ana.console(), bo.console() as console:
            for person in (ana, bo):
                own = (await served.http.get("/api/staff/me", headers=person.headers)).json()
                await console.until(
                    "conversation", lambda item, own=own: (item["assignee"] or {}).get("staff_id") == (own.get("staff") or own)["staff_id"]
                )
            left = [item["session_id"] for item in (await ana.list("unassigned"))["items"]]
            assert left == [visitors[2].session_id]
            # Whoever was without one for longest is Bo; a conversation that comes back goes to Ana, who had it.
            theirs = {(await ana.open(visitor.session_id))["assignee"]["name"]: visitor for visitor in visitors[:2]}
            await bo.done(theirs["Bo"].session_id, "claim")
            await ana.done(visitors[2].session_id, "claim")
            await ana.done(visitors[2].session_id, "resolve")
            await bo.done(theirs["Bo"].session_id, "resolve")
            await ana.done(theirs["Ana"].session_id, "resolve")
            await served.say(theirs["Ana"], "I want to talk to a person")
            await console.until("conversation", lambda item: item["episode"] == 2 and item["assignee"] is not None)
            assert (await bo.open(theirs["Ana"].session_id))["assignee"]["name"] == "Ana"


async def test_of_two_who_pass_on_to_whoever_is_free_one_finds_the_last_place(tmp_path: Path, database_url: str) -> None:
    async with serving(settings_in(tmp_path, database_url=database_url)) as served:
        ana, bo = [(await colleague(served, name))[1] for name in ("Ana", "Bo")]
        _, cleo = await colleague(served, "Cleo", capacity=1)
        visitors = [await waiting(served) for _ in range(2)]
        for person, visitor in zip((ana, bo), visitors, strict=True):
            await person.done(visitor.session_id, "claim")
        async with cleo.console():
            passed = await asyncio.gather(ana.act(visitors[0].session_id, "transfer"), bo.act(visitors[1].session_id, "transfer"))
        assert sorted(answer.status_code for answer in passed) == [200, 409]
        assert [answer.json()["error"] for answer in passed if answer.status_code == 409] == ["nobody_free"]
        assert len((await cleo.list("mine"))["items"]) == 1


async def test_what_was_put_aside_comes_back_when_its_time_has_come(shared: Served) -> None:
    _, ana = await colleague(shared, "Ana")
    visitor = await waiting(shared)
    await ana.done(visitor.session_id, "claim")
    async with ana.console() as console:
        snoozed = await ana.done(visitor.session_id, "snooze", until="2031-05-09T14:00:00Z")
        assert (snoozed["state"], snoozed["snoozed_until"]) == ("snoozed", "2031-05-09T14:00:00.000Z")
        await console.until("conversation", lambda item: item["state"] == "snoozed")
        await ana.done(visitor.session_id, "snooze", until="2020-05-09T14:00:00Z")
        notice = await console.until("notice", lambda told: told["kind"] == "assigned_to_you")
        assert notice["session_id"] == visitor.session_id
    assert (await ana.open(visitor.session_id))["state"] == "assigned"


async def test_a_draft_answers_the_question_and_leaves_no_trace(shared: Served) -> None:
    operator, visitor = Operator(shared), await shared.visitor()
    await shared.say(visitor, "How do I reset my password?")
    await shared.say(visitor, "I want to talk to a person")
    before = await transcript(shared, visitor)
    drafted = await operator.done(visitor.session_id, "draft")
    assert drafted["text"] == "You can reset your password on the sign-in page."
    assert await transcript(shared, visitor) == before
    session = await shared.services.sessions.find_session(visitor.session_id)
    assert session is not None
    assert session.status is SessionStatus.ESCALATED


async def test_a_prepared_reply_is_shared_changed_and_taken_away(shared: Served) -> None:
    _, ana = await colleague(shared, "Ana")

    async def call(method: str, path: str, **body: str) -> tuple[int, object]:
        answer = await shared.http.request(method, f"/api/desk/replies{path}", json=body or None, headers=ana.headers)
        return answer.status_code, answer.json() if answer.content else None

    status, made = await call("POST", "", shortcut="hours", title="Opening hours", text="We are here from 9 to 5.")
    assert status == 201
    assert isinstance(made, dict)
    assert (await call("POST", "", shortcut="hours", title="Again", text="Once more."))[0] == 409
    changed = {"shortcut": "hours", "title": "Opening hours", "text": "We are here from 8 to 5."}
    assert await call("PUT", f"/{made['reply_id']}", **changed) == (200, {**changed, "reply_id": made["reply_id"]})
    assert await call("GET", "") == (200, [{**changed, "reply_id": made["reply_id"]}])
    assert (await call("DELETE", f"/{made['reply_id']}"))[0] == 204
    assert await call("GET", "") == (200, [])


async def test_a_customer_rates_the_conversation_and_each_answer_and_may_change_both(shared: Served) -> None:
    operator, visitor, other = Operator(shared), await shared.visitor(), await shared.visitor()
    await shared.say(visitor, "How do I reset my password?")
    answer = (await transcript(shared, visitor))[1]
    path = f"/api/chat/sessions/{visitor.session_id}/messages/{answer['message_id']}/feedback"
    for value in ("down", "up"):
        assert (await shared.http.post(path, json={"value": value}, headers=visitor.headers)).status_code == 200
    for score in (2, 5):
        rated = await shared.http.post(f"/api/sessions/{visitor.session_id}/rating", json={"score": score}, headers=visitor.headers)
        assert rated.status_code == 200
    foreign = await shared.http.post(path, json={"value": "down"}, headers=other.headers)
    assert foreign.status_code == 404
    assert (await transcript(shared, visitor))[1]["feedback"] == "up"
    opened = await operator.open(visitor.session_id)
    assert (opened["rating"], opened["messages"][1]["feedback"]) == (5, "up")
    question = f"/api/chat/sessions/{visitor.session_id}/messages/{opened['messages'][0]['message_id']}/feedback"
    assert (await shared.http.post(question, json={"value": "up"}, headers=visitor.headers)).status_code == 404


async def test_each_side_sees_that_the_other_is_typing(shared: Served) -> None:
    operator, visitor = Operator(shared), await waiting(shared)
    async with operator.console() as console, shared.connect(visitor) as socket:

        async def type_on() -> None:
            # As a page does: what is never stored may be missed, by a console that is told to read its list again at that moment.
            while True:
                await socket.send('{"type": "typing"}')
                await asyncio.sleep(0.2)

        async with asyncio.TaskGroup() as doing:
            typing = doing.create_task(type_on())
            assert await console.until("typing") == {"session_id": visitor.session_id}
            typing.cancel()
        assert (await operator.act(visitor.session_id, "typing")).status_code == 204
        async for frame in socket:
            if '"typing"' in str(frame):
                assert '"operator"' in str(frame)
                break


async def test_a_customer_whose_person_has_left_is_heard_by_those_who_are_there(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        (_, ana), (_, bo) = await colleague(served, "Ana"), await colleague(served, "Bo")
        async with bo.console() as bos:
            visitor = await waiting(served)
            session_id = visitor.session_id
            await bos.until("notice", of(session_id, kind="new"))
            await ana.done(session_id, "claim")
            await bos.until("conversation", of(session_id, state="assigned"))
            await served.say(visitor, "Are you still there?")
            await bos.until("notice", of(session_id, kind="customer_replied"))
        async with ana.console() as anas, bo.console() as bos:
            await served.say(visitor, "And now?")
            await anas.until("notice", of(session_id, kind="customer_replied"))
            await ana.done(session_id, "resolve")
            await bos.until("conversation", of(session_id, state="resolved"))
            assert bos.of("notice") == []


async def test_a_conversation_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        visitor = await waiting(served)
        await Operator(served).done(visitor.session_id, "claim")
    async with serving(settings_in(tmp_path)) as served:
        operator = Operator(served)
        async with following(served, f"/api/sessions/{visitor.session_id}/events?after=0", visitor.headers) as read:
            await operator.done(visitor.session_id, "messages", message="Still here.")
            await read.until("message")
        assert (await served.say(visitor, "Good")).status_code == 202
        assert (await operator.done(visitor.session_id, "resolve"))["state"] == "resolved"


async def test_a_customer_who_waits_too_long_is_told_of_once_whoever_looks(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, desk_answer_minutes=0.001, desk_resolve_minutes=30)) as served:
        _, ana = await colleague(served, "Ana")
        _, bo = await colleague(served, "Bo")
        async with ana.console() as anas, bo.console() as bos:
            visitor = await waiting(served)
            for console in (anas, bos):
                told = await console.until("notice", lambda told: told["kind"] == "sla")
                assert told == {"kind": "sla", "session_id": visitor.session_id, "deadline": "answer"}
            shown = await ana.done(visitor.session_id, "claim")
            assert None not in (shown["sla_due_at"], shown["resolve_due_at"])
            an_hour_ago = sa.update(tickets).values(created_at=tickets.c.created_at - 3_600)
            await served.services.database.write(lambda tx: tx.execute(an_hour_ago))
            # Other instances look as well, all at the same moment.
            await asyncio.gather(*(tell_overdue(served.services) for _ in range(4)))
            await anas.until("notice", lambda told: told.get("deadline") == "resolve")
            await ana.done(visitor.session_id, "messages", message="Sorry that it took so long.")
            assert (await ana.open(visitor.session_id))["sla_due_at"] is None
            assert (await ana.done(visitor.session_id, "resolve"))["resolve_due_at"] is None
            for console in (anas, bos):
                await console.until("conversation", lambda item: item["state"] == "resolved")
        # The end of the case is Ana's alone to see to.
        assert [told["deadline"] for told in anas.of("notice") if told["kind"] == "sla"] == ["answer", "resolve"]
        assert [told["deadline"] for told in bos.of("notice") if told["kind"] == "sla"] == ["answer"]
