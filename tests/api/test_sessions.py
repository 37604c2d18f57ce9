"""The routes of a session, as their callers use them."""

import re

import pytest

from api.serving import STAFF, Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def test_opening_a_session_gives_its_fields_and_once_its_token(shared: Served) -> None:
    answer = await shared.http.post("/api/sessions", json={"user_id": "ada", "metadata": {"page": "/pricing"}})
    assert answer.status_code == 201
    opened = answer.json()
    token = opened.pop("token")
    assert re.fullmatch(r"sess_[0-9a-f]{12}", opened["session_id"])
    assert re.fullmatch(r"thread_[0-9a-f]{12}", opened["thread_id"])
    assert (opened["user_id"], opened["status"], opened["metadata"]) == ("ada", "active", {"page": "/pricing"})
    assert all(RFC3339.fullmatch(opened[name]) for name in ("created_at", "updated_at", "last_activity"))
    again = await shared.http.get(f"/api/sessions/{opened['session_id']}", headers={"Authorization": f"Bearer {token}"})
    assert again.json() == opened


async def test_a_session_needs_no_body_at_all(shared: Served) -> None:
    answer = await shared.http.post("/api/sessions")
    assert (answer.status_code, answer.json()["user_id"], answer.json()["metadata"]) == (201, None, {})


async def test_tool_metadata_is_read_as_the_old_spelling_of_metadata(shared: Served) -> None:
    answer = await shared.http.post("/api/sessions", json={"tool_metadata": {"plan": "pro"}})
    assert answer.json()["metadata"] == {"plan": "pro"}
    both = await shared.http.post("/api/sessions", json={"tool_metadata": {"a": 1}, "metadata": {"b": 2}})
    assert both.status_code == 422


async def test_staff_list_sessions_newest_first_with_filters_and_a_total(shared: Served) -> None:
    mine = [(await shared.visitor(user_id="lister")).session_id for _ in range(3)]
    answer = await shared.http.get("/api/sessions", params={"user_id": "lister", "limit": 2}, headers=STAFF)
    assert [found["session_id"] for found in answer.json()] == mine[:0:-1]
    assert answer.headers["X-Total-Count"] == "3"
    rest = await shared.http.get("/api/sessions", params={"user_id": "lister", "limit": 2, "offset": 2}, headers=STAFF)
    assert [found["session_id"] for found in rest.json()] == mine[:1]
    none = await shared.http.get("/api/sessions", params={"user_id": "lister", "status": "ended"}, headers=STAFF)
    assert none.json() == []


@pytest.mark.parametrize("how", ["body", "query"])
async def test_the_status_is_changed_by_body_or_query(shared: Served, how: str) -> None:
    visitor = await shared.visitor()
    address = f"/api/sessions/{visitor.session_id}/status"
    if how == "body":
        answer = await shared.http.patch(address, json={"status": "ended"}, headers=visitor.headers)
    else:
        answer = await shared.http.patch(address, params={"status": "ended"}, headers=visitor.headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "ended")
    refused = await shared.say(visitor, "Hello?")
    assert (refused.status_code, refused.json()["error"]) == (409, "session_ended")


async def test_body_and_query_that_say_different_things_are_refused(shared: Served) -> None:
    visitor = await shared.visitor()
    answer = await shared.http.patch(
        f"/api/sessions/{visitor.session_id}/status", params={"status": "ended"}, json={"status": "active"}, headers=visitor.headers
    )
    assert answer.status_code == 422


async def test_a_visitor_may_ask_for_a_person_but_not_send_them_away(shared: Served) -> None:
    visitor = await shared.visitor()
    address = f"/api/sessions/{visitor.session_id}/status"
    assert (await shared.http.patch(address, json={"status": "escalated"}, headers=visitor.headers)).status_code == 200
    back = await shared.http.patch(address, json={"status": "active"}, headers=visitor.headers)
    assert (back.status_code, back.json()["error"]) == (403, "forbidden")
    assert (await shared.http.patch(address, json={"status": "active"}, headers=STAFF)).json()["status"] == "active"


async def test_a_message_to_an_escalated_session_is_stored_for_a_person(shared: Served) -> None:
    visitor = await shared.visitor()
    await shared.http.patch(f"/api/sessions/{visitor.session_id}/status", json={"status": "escalated"}, headers=visitor.headers)
    answer = await shared.say(visitor, "Is anybody there?")
    assert answer.status_code == 202
    assert (answer.json()["turn_id"], answer.json()["requires_escalation"]) == (None, True)


async def test_a_deleted_session_is_gone_with_its_token(shared: Served) -> None:
    visitor = await shared.visitor()
    await shared.say(visitor, "Remember me.")
    answer = await shared.http.delete(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)
    assert (answer.status_code, answer.json()["session_id"]) == (200, visitor.session_id)
    assert (await shared.http.get(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)).status_code == 401
    assert (await shared.http.get(f"/api/sessions/{visitor.session_id}", headers=STAFF)).status_code == 404


async def test_cleaning_up_leaves_what_is_active_or_recent(shared: Served) -> None:
    visitor = await shared.visitor()
    answer = await shared.http.post("/api/sessions/cleanup", params={"days": 1}, headers=STAFF)
    assert answer.json()["sessions_deleted"] == 0
    assert RFC3339.fullmatch(answer.json()["cutoff_date"])
    assert (await shared.http.get(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)).status_code == 200
    assert (await shared.http.post("/api/sessions/cleanup", params={"days": 0}, headers=STAFF)).status_code == 422
