"""What a role and a key may do, and what no other site can make a browser of staff do (RELIABILITY E4)."""

from typing import Any

import pytest

from api.serving import STAFF
from staff.people import CONSOLE, Company

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATOR, ADMIN = {"desk", "knowledge:read"}, {"desk", "sessions", "knowledge:read", "knowledge", "staff"}
NEEDS = [
    ("GET", "/api/sessions", None, "desk"),
    ("GET", "/api/knowledge/documents", None, "knowledge:read"),
    ("POST", "/api/knowledge/schedules", {"fetch": "nonsense"}, "knowledge"),
    ("GET", "/api/staff/accounts", None, "staff"),
    ("POST", "/api/sessions/cleanup?days=3000", None, "staff"),
]


@pytest.mark.parametrize(("role", "scopes"), [("operator", OPERATOR), ("admin", ADMIN)])
async def test_a_role_may_what_its_rights_are_and_no_more(company: Company, role: str, scopes: set[str]) -> None:
    person = await company.hire(f"{role}@rights.example", role)
    assert set((await person.get("/api/staff/me")).json()["scopes"]) == scopes
    for method, path, body, needed in NEEDS:
        answer = await person.send(method, path, body)
        assert (answer.status_code == 403) == (needed not in scopes), (path, answer.text)


@pytest.mark.parametrize("scope", ["desk", "sessions", "knowledge:read", "knowledge", "staff"])
async def test_a_key_may_what_it_was_given_and_no_more(company: Company, scope: str) -> None:
    _, key = await company.key(scope)
    reads = {"knowledge:read"} if scope == "knowledge" else set()
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        for method, path, body, needed in NEEDS:
            answer = await company.served.http.request(method, path, json=body, headers=headers)
            assert (answer.status_code == 403) == (needed not in {scope} | reads), (path, answer.text)
    me = (await company.served.http.get("/api/staff/me", headers={"X-API-Key": key})).json()
    assert (me["scopes"], me["role"], me["email"]) == ([scope], "admin" if scope == "staff" else "operator", None)


async def test_only_a_key_for_sessions_says_who_a_customer_is_and_speaks_for_them(company: Company) -> None:
    _, desk = await company.key("desk")
    _, sessions = await company.key("sessions")
    opened = {}
    for name, key in (("desk", desk), ("sessions", sessions)):
        opened[name] = (await company.served.http.post("/api/sessions", json={"user_id": "ada"}, headers={"X-API-Key": key})).json()
    found = {name: await company.served.services.sessions.find_session(body["session_id"]) for name, body in opened.items()}
    assert {name: session.customer_id for name, session in found.items() if session is not None} == {"desk": None, "sessions": "ada"}
    path = f"/api/chat/sessions/{opened['desk']['session_id']}/messages"
    for key, status in ((desk, 403), (sessions, 200)):
        assert (await company.served.http.post(path, json={"message": "Hello"}, headers={"X-API-Key": key})).status_code == status


async def test_nobody_gives_a_key_rights_they_do_not_have(company: Company) -> None:
    _, key = await company.key("staff")
    made = await company.served.http.post("/api/staff/keys", json={"name": "more", "scopes": ["knowledge"]}, headers={"X-API-Key": key})
    assert made.status_code == 403


async def test_the_last_administrator_stays(company: Company) -> None:
    accounts = (await company.served.http.get("/api/staff/accounts", headers=STAFF)).json()
    first = await company.hire("first@last.example", "admin")
    for account in accounts:
        if account["role"] == "admin":
            await first.send("PATCH", f"/api/staff/accounts/{account['staff_id']}", {"disabled": True})
    for body in ({"disabled": True}, {"role": "operator"}):
        answer = await first.send("PATCH", f"/api/staff/accounts/{first.staff_id}", body)
        assert (answer.status_code, answer.json()["error"]) == (409, "last_admin")
    second = await company.hire("second@last.example", "admin")
    assert (await first.send("PATCH", f"/api/staff/accounts/{first.staff_id}", {"role": "operator"})).status_code == 200
    assert (await first.get("/api/staff/me")).status_code == 401
    unknown = await second.send("PATCH", "/api/staff/accounts/staff_0000000000000000", {"disabled": True})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "account_not_found")


SITES: list[dict[str, str]] = [
    {},
    {"X-Deskhand": "widget"},
    {**CONSOLE, "Origin": "https://evil.example"},
    {**CONSOLE, "Origin": "null"},
    {**CONSOLE, "Origin": "http://127.0.0.1"},
    {**CONSOLE, "Origin": "http://127.0.0.1:1"},
    {**CONSOLE, "Origin": "http://127.0.0.1.evil.example"},
    {**CONSOLE, "Sec-Fetch-Site": "cross-site"},
    {**CONSOLE, "Sec-Fetch-Site": "same-site"},
    {**CONSOLE, "Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
]


@pytest.mark.parametrize("headers", SITES, ids=str)
async def test_a_change_from_another_site_is_refused_though_the_browser_sends_the_cookie(company: Company, headers: dict[str, str]) -> None:
    person = await company.hire(f"site{SITES.index(headers)}@example.com", "admin")
    sent = {name: company.served.base_url if value == "OWN" else value for name, value in headers.items()}
    for method, path, body in CHANGES:
        answer = await person.http.request(method, path, json=body, headers=sent)
        assert (answer.status_code, answer.json()["error"]) == (403, "cross_site"), path
    assert (await person.get("/api/staff/me")).json()["presence"] == "online"


CHANGES: list[tuple[str, str, Any]] = [
    ("PATCH", "/api/staff/me", {"presence": "away"}),
    ("POST", "/api/staff/keys", {"name": "stolen", "scopes": ["staff"]}),
    ("POST", "/api/staff/sign-out", None),
    ("POST", "/api/sessions/cleanup", None),
    ("DELETE", "/api/staff/keys/key_0000000000000000", None),
]


@pytest.mark.parametrize("headers", [{"Origin": "OWN"}, {"Sec-Fetch-Site": "same-origin"}, {}], ids=str)
async def test_the_console_itself_is_not_refused(company: Company, headers: dict[str, str]) -> None:
    person = await company.hire(f"own{len(headers)}{'Origin' in headers}@example.com")
    sent = {name: company.served.base_url if value == "OWN" else value for name, value in headers.items()}
    answer = await person.http.patch("/api/staff/me", json={"presence": "away"}, headers={**CONSOLE, **sent})
    assert answer.json()["presence"] == "away"


async def test_nobody_is_signed_in_by_another_site(company: Company) -> None:
    stranger = await company.browser()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await stranger.post("/api/staff/sign-in", json={"email": "a@b", "password": "x"}, headers=headers)
        assert answer.json()["error"] == "cross_site"


async def test_the_chat_page_in_an_operator_s_browser_is_a_visitor_s(company: Company) -> None:
    person = await company.hire("visits@example.com", "admin")
    opened = await person.http.post("/api/sessions", json={"user_id": "ada"})
    assert opened.status_code == 201
    session = await company.served.services.sessions.find_session(opened.json()["session_id"])
    assert session is not None
    assert session.customer_id is None
