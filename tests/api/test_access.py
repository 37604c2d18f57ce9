"""Who may do what: every operation against every kind of caller (RELIABILITY E1), and what nobody in particular may do (E17).

The grid fails when the application has an operation that is not in it.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from api.serving import STAFF, Served, Visitor
from deskhand.ids import SessionId
from deskhand.jobs import JobState, Order
from deskhand.jobs.repository import insert_job
from deskhand.sessions import SessionNotFound
from staff.people import CONSOLE, PASSWORD, company_at

pytestmark = pytest.mark.asyncio(loop_scope="module")

OK, ANON, DENIED, HIDDEN = (200, 201, 202, 204), (401,), (403,), (404,)


@dataclass(frozen=True)
class Operation:
    """One operation: how it is called for a session, and what each kind of caller is answered.

    Callers in order: nobody, the session's visitor, another session's visitor, a visitor whose session was deleted, a made-up token, the
    key of the settings, an operator who is signed in.
    """

    method: str
    path: str
    answers: tuple[tuple[int, ...], ...]
    body: dict[str, Any] | None = None
    files: dict[str, Any] | None = None
    params: dict[str, str] | None = None


PUBLIC = (OK, OK, OK, ANON, ANON, OK, OK)
ANYBODY = (OK, OK, OK, OK, OK, OK, OK)
OWN = (ANON, OK, HIDDEN, ANON, ANON, OK, OK)
OWN_OR_ADMIN = (ANON, OK, HIDDEN, ANON, ANON, OK, DENIED)
# Whether the session is still there is found out by the transaction that stores, which knows no token. Operators speak at the desk.
OWN_STORED = (ANON, OK, HIDDEN, HIDDEN, ANON, OK, DENIED)
STAFF_ONLY = (ANON, DENIED, DENIED, ANON, ANON, OK, OK)
ADMIN_ONLY = (ANON, DENIED, DENIED, ANON, ANON, OK, DENIED)
# It was written here, so there is no address to ask again; a visitor does not get as far as learning that.
ADMIN_WHO_CANNOT = (ANON, DENIED, DENIED, ANON, ANON, (409,), DENIED)
# A key has no account of its own.
ACCOUNT = (ANON, DENIED, DENIED, ANON, ANON, (409,), OK)
ACCOUNT_THAT_CANNOT = (ANON, DENIED, DENIED, ANON, ANON, (409,), (409,))
# Anybody may try, and with these words nobody gets in.
REFUSED = ((401, 429),) * 7
# The server of these tests has no secret to check the token with; a stranger does not get as far as learning that.
OWN_WHO_CANNOT = (ANON, (409,), HIDDEN, ANON, ANON, (409,), (409,))
DOCUMENT = "/api/knowledge/documents/{document_id}"

GRID = [
    Operation("GET", "/", ANYBODY),
    Operation("GET", "/health", ANYBODY),
    Operation("GET", "/health/live", ANYBODY),
    Operation("GET", "/health/ready", ANYBODY),
    Operation("GET", "/metrics", ANYBODY),
    Operation("GET", "/api/public/config", ANYBODY),
    Operation("POST", "/api/sessions", PUBLIC, body={}),
    Operation("GET", "/api/sessions", STAFF_ONLY),
    Operation("POST", "/api/sessions/cleanup", ADMIN_ONLY, params={"days": "30"}),
    Operation("GET", "/api/sessions/{session_id}", OWN),
    Operation("PATCH", "/api/sessions/{session_id}/status", OWN, body={"status": "ended"}),
    Operation("DELETE", "/api/sessions/{session_id}", OWN_OR_ADMIN),
    Operation("POST", "/api/sessions/{session_id}/identify", OWN_WHO_CANNOT, body={"user_token": "a.b.c"}),
    Operation("GET", "/api/sessions/{session_id}/events", OWN),
    Operation("GET", "/api/sessions/{session_id}/attachments/{attachment_id}", OWN),
    Operation("POST", "/api/chat/sessions/{session_id}/messages", OWN_STORED, body={"message": "Hello"}),
    Operation("POST", "/api/chat/sessions/{session_id}/cancel", OWN_STORED),
    Operation("GET", "/api/chat/sessions/{session_id}/messages", OWN),
    Operation("POST", "/api/chat/search", PUBLIC, body={"query": "password"}),
    Operation("POST", "/api/chat/upload", OWN, params={"session_id": "{session_id}"}, files={"file": ("a.txt", b"words", "text/plain")}),
    Operation("GET", "/api/knowledge/documents", STAFF_ONLY),
    Operation("POST", "/api/knowledge/documents", ADMIN_ONLY, body={"title": "Refunds", "text": "Within 14 days."}),
    Operation("GET", DOCUMENT, STAFF_ONLY),
    Operation("GET", DOCUMENT + "/history", STAFF_ONLY),
    Operation("PUT", DOCUMENT, ADMIN_ONLY, body={"text": "Within 30 days."}),
    Operation("PATCH", DOCUMENT, ADMIN_ONLY, body={"tier": "operators"}),
    Operation("POST", DOCUMENT + "/disable", ADMIN_ONLY),
    Operation("POST", DOCUMENT + "/enable", ADMIN_ONLY),
    Operation("POST", DOCUMENT + "/sync", ADMIN_WHO_CANNOT),
    Operation("DELETE", DOCUMENT, ADMIN_ONLY),
]
GRID += [
    Operation("GET", "/api/jobs", STAFF_ONLY),
    Operation("GET", "/api/jobs/{job_id}", STAFF_ONLY),
    Operation("POST", "/api/jobs/{job_id}/cancel", ADMIN_ONLY),
    Operation("GET", "/api/knowledge/schedules", STAFF_ONLY),
    Operation("POST", "/api/knowledge/schedules", ADMIN_ONLY, body={"fetch": "http://127.0.0.1/page"}),
    Operation("DELETE", "/api/knowledge/schedules/{schedule_id}", ADMIN_ONLY),
]
DESK = "/api/desk/conversations/{session_id}"
# Nobody has handed it over, so there is nothing to give back; a visitor does not get as far as learning that.
STAFF_NOT_HANDED_OVER = (ANON, DENIED, DENIED, ANON, ANON, (409,), (409,))
STAFF_WHO_MISS = (ANON, DENIED, DENIED, ANON, ANON, HIDDEN, HIDDEN)
REPLY = "/api/desk/replies/{reply_id}"
# What a customer thinks, staff cannot say for them.
OWN_ALONE = (ANON, OK, HIDDEN, ANON, ANON, DENIED, DENIED)
FEEDBACK = "/api/chat/sessions/{session_id}/messages/{message_id}/feedback"
GRID += [
    Operation("GET", "/api/desk/conversations", STAFF_ONLY),
    Operation("GET", "/api/desk/events", STAFF_ONLY),
    Operation("GET", DESK, STAFF_ONLY),
    Operation("POST", DESK + "/claim", STAFF_ONLY),
    Operation("POST", DESK + "/reopen", STAFF_ONLY),
    Operation("POST", DESK + "/read", STAFF_ONLY),
    Operation("POST", DESK + "/notes", STAFF_ONLY, body={"text": "Waits for a parcel."}),
    Operation("POST", DESK + "/release", STAFF_NOT_HANDED_OVER),
    Operation("POST", DESK + "/return", STAFF_NOT_HANDED_OVER),
    Operation("POST", DESK + "/resolve", STAFF_NOT_HANDED_OVER),
    Operation("POST", DESK + "/snooze", STAFF_NOT_HANDED_OVER, body={"until": "2031-05-09T14:00:00Z"}),
    Operation("POST", DESK + "/priority", STAFF_NOT_HANDED_OVER, body={"priority": "high"}),
    Operation("POST", DESK + "/tags", STAFF_NOT_HANDED_OVER, body={"tags": ["parcel"]}),
    Operation("POST", DESK + "/messages", STAFF_NOT_HANDED_OVER, body={"message": "Hello"}),
    Operation("GET", "/api/desk/staff", STAFF_ONLY),
    Operation("GET", "/api/desk/overview", STAFF_ONLY),
    Operation("POST", DESK + "/assign", STAFF_WHO_MISS, body={"staff_id": "staff_0000000000000000"}),
    Operation("POST", DESK + "/transfer", STAFF_NOT_HANDED_OVER, body={"skill": "billing"}),
    Operation("POST", DESK + "/typing", STAFF_ONLY),
    # Nothing was asked yet.
    Operation("POST", DESK + "/draft", STAFF_NOT_HANDED_OVER),
    Operation("GET", "/api/desk/replies", STAFF_ONLY),
    # The second of the two who may finds the shortcut taken.
    Operation(
        "POST",
        "/api/desk/replies",
        (ANON, DENIED, DENIED, ANON, ANON, (201, 409), (201, 409)),
        body={"shortcut": "hi", "title": "Hello", "text": "Hello!"},
    ),
    Operation("PUT", REPLY, STAFF_WHO_MISS, body={"shortcut": "bye", "title": "Bye", "text": "Goodbye!"}),
    Operation("DELETE", REPLY, STAFF_WHO_MISS),
    Operation("POST", "/api/sessions/{session_id}/rating", OWN_ALONE, body={"score": 4}),
    # The session has no such answer.
    Operation("POST", FEEDBACK, (ANON, HIDDEN, HIDDEN, ANON, ANON, DENIED, DENIED), body={"value": "up"}),
]
ACCOUNT_OF_ANOTHER = "/api/staff/accounts/{staff_id}"
GRID += [
    Operation("GET", "/api/staff/sign-in-options", ANYBODY),
    Operation("POST", "/api/staff/sign-in", REFUSED, body={"email": "nobody@example.com", "password": "guessed"}),
    Operation("POST", "/api/staff/sign-out", STAFF_ONLY),
    Operation("GET", "/api/staff/me", STAFF_ONLY),
    Operation("PATCH", "/api/staff/me", ACCOUNT, body={"presence": "away"}),
    Operation("GET", "/api/staff/accounts", ADMIN_ONLY),
    Operation("POST", "/api/staff/accounts", ADMIN_ONLY, body={"email": "grid@example.com"}),
    Operation("PATCH", ACCOUNT_OF_ANOTHER, ADMIN_ONLY, body={"capacity": 3}),
    Operation("POST", ACCOUNT_OF_ANOTHER + "/reset-password", ADMIN_ONLY),
    Operation("POST", "/api/staff/totp", ACCOUNT),
    Operation("POST", "/api/staff/totp/confirm", ACCOUNT_THAT_CANNOT, body={"code": "000000"}),
    Operation("DELETE", "/api/staff/totp", ACCOUNT_THAT_CANNOT, body={"password": PASSWORD}),
    Operation("GET", "/api/staff/keys", ADMIN_ONLY),
    Operation("POST", "/api/staff/keys", ADMIN_ONLY, body={"name": "grid", "scopes": ["desk"]}),
    Operation("DELETE", "/api/staff/keys/{key_id}", ADMIN_ONLY),
    Operation("GET", "/api/staff/audit", ADMIN_ONLY),
]
# Not in the document, because they are for browsers and not for programs; open to everybody, and none of them reads anything of anybody.
SIGN_IN = ("/api/staff/oidc/start", "/api/staff/oidc/callback")
PAGES = {
    ("GET", path) for path in (*SIGN_IN, "/chat", "/console", "/demo", "/widget.js", "/widget-panel.js", "/assets/{name}", "/favicon.ico")
}
WEBSOCKETS = {"/ws"}

CALLERS = ("nobody", "owner", "another", "deleted", "made_up", "staff", "operator")


def operations(served: Served) -> set[tuple[str, str]]:
    document = served.app.openapi()
    return {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


async def test_every_operation_is_in_the_grid(shared: Served) -> None:
    assert {(operation.method, operation.path) for operation in GRID} == operations(shared)


async def test_every_path_that_answers_is_an_operation_or_a_page(shared: Served) -> None:
    routes = list(iter_route_contexts(shared.app.routes))
    answering = {(method, route.path) for route in routes for method in getattr(route, "methods", None) or () if method != "HEAD"}
    # The one WebSocket does not pass through the router; `websockets` of the application's middleware are all there are.
    assert not [route for route in routes if isinstance(route.original_route, WebSocketRoute)]
    assert {path for layer in shared.app.user_middleware for path in layer.kwargs.get("websockets", ())} == WEBSOCKETS
    assert answering == {(operation.method, operation.path) for operation in GRID} | PAGES


async def test_the_interactive_documentation_is_not_served_outside_debug(shared: Served) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await shared.http.get(path)).status_code == 404


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("operation", GRID, ids=lambda operation: f"{operation.method} {operation.path}")
async def test_each_caller_is_answered_as_the_grid_says(shared: Served, operation: Operation, caller: str) -> None:
    target = await shared.visitor()
    status, body = await call(shared, operation, target.session_id, await headers_of(shared, caller, target))
    expected = operation.answers[CALLERS.index(caller)]
    assert status in expected, body


@pytest.mark.parametrize(
    "operation", [found for found in GRID if found.answers in (OWN, OWN_OR_ADMIN)], ids=lambda operation: operation.path
)
async def test_another_s_session_looks_like_one_that_is_not_there(shared: Served, operation: Operation) -> None:
    owner, other = await shared.visitor(), await shared.visitor()
    theirs = await call(shared, operation, owner.session_id, other.headers)
    absent = await call(shared, operation, "sess_000000000000", other.headers)
    nonsense = await call(shared, operation, "sess_'; DROP TABLE session", other.headers)
    for answer in (theirs, absent, nonsense):
        answer[1].pop("request_id")
    assert theirs == absent == nonsense
    assert (theirs[0], theirs[1]["error"]) == (404, SessionNotFound.code)


@pytest.mark.parametrize("foreign", [1, True, None, [], {}, "", "file_" + "0" * 24, "../../etc/passwd"])
async def test_a_foreign_or_wrong_attachment_id_has_no_effect(shared: Served, foreign: Any) -> None:
    visitor = await shared.visitor()
    answer = await shared.say(visitor, "Read this", attachments=[foreign])
    assert answer.status_code in (404, 422)
    transcript = await shared.http.get(f"/api/chat/sessions/{visitor.session_id}/messages", headers=visitor.headers)
    assert transcript.json()["total"] == 0


async def test_the_public_configuration_has_exactly_the_fields_that_a_page_needs(shared: Served) -> None:
    config = (await shared.http.get("/api/public/config")).json()
    assert set(config) == {"name", "company", "suggestions", "upload", "message_max_characters", "api_prefix"}
    assert set(config["upload"]) == {"accept", "max_bytes", "max_files"}


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Basic dXNlcjpwdw=="},
        {"Authorization": "Bearer"},
        {"Authorization": "vt_abc"},
        {"Authorization": "Bearer " + "x" * 5_000},
        {"Authorization": "Bearer vt_\xff"},
        {"X-API-Key": ""},
        {"X-API-Key": "almost"},
    ],
)
async def test_a_credential_that_is_not_one_is_refused_even_where_none_is_needed(shared: Served, header: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in header.items()}
    answer = await shared.http.post("/api/sessions", json={}, headers=raw)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_staff_s_key_is_taken_as_bearer_too(shared: Served) -> None:
    answer = await shared.http.get("/api/sessions", headers={"Authorization": f"Bearer {STAFF['X-API-Key']}"})
    assert answer.status_code == 200


async def test_only_staff_can_say_who_a_customer_is(shared: Served) -> None:
    claimed = await shared.http.post("/api/sessions", json={"user_id": "ada"})
    known = await shared.http.post("/api/sessions", json={"user_id": "ada"}, headers=STAFF)
    sessions = [await shared.services.sessions.find_session(answer.json()["session_id"]) for answer in (claimed, known)]
    assert [session.customer_id for session in sessions if session is not None] == [None, "ada"]


async def headers_of(served: Served, caller: str, target: Visitor) -> dict[str, str]:
    match caller:
        case "nobody":
            return {}
        case "owner":
            return target.headers
        case "another":
            return (await served.visitor()).headers
        case "deleted":
            gone = await served.visitor()
            await served.http.delete(f"/api/sessions/{gone.session_id}", headers=gone.headers)
            return gone.headers
        case "made_up":
            return {"Authorization": f"Bearer vt_{'A' * 43}"}
        case "operator":
            async with company_at(served) as company:
                operator = await company.hire(f"{secrets.token_hex(4)}@example.com")
            return {"Cookie": f"deskhand_staff={operator.token}", **CONSOLE}
        case _:
            return STAFF


async def call(served: Served, operation: Operation, session_id: str, headers: dict[str, str]) -> tuple[int, Any]:
    path = operation.path.replace("{session_id}", session_id)
    path = path.replace("{reply_id}", "reply_" + "0" * 16).replace("{message_id}", "msg_" + "0" * 24)
    if "{attachment_id}" in path:
        path = path.replace("{attachment_id}", await file_of(served, session_id))
    if "{document_id}" in path:
        path = path.replace("{document_id}", await document_of(served))
    if "{job_id}" in path:
        # One that nobody begins, because its files are still on their way.
        order = Order(label="a file", requested_by="admin")
        job_id = await served.services.database.write(lambda tx: insert_job(tx, order, state=JobState.RECEIVING))
        path = path.replace("{job_id}", job_id)
    if "{schedule_id}" in path:
        wanted = {"fetch": "http://127.0.0.1/page", "every_hours": 1}
        answer = await served.http.post("/api/knowledge/schedules", json=wanted, headers=STAFF)
        path = path.replace("{schedule_id}", answer.json()["schedule_id"])
    if "{staff_id}" in path:
        async with company_at(served) as company:
            path = path.replace("{staff_id}", (await company.hire(f"{secrets.token_hex(4)}@example.com", signed_in=False)).staff_id)
    if "{key_id}" in path:
        async with company_at(served) as company:
            path = path.replace("{key_id}", (await company.key("desk"))[0])
    params = {name: value.replace("{session_id}", session_id) for name, value in (operation.params or {}).items()}
    async with served.http.stream(
        operation.method, path, json=operation.body, files=operation.files, params=params, headers=headers
    ) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return answer.status_code, {}
        await answer.aread()
        return answer.status_code, body_of(answer)


async def file_of(served: Served, session_id: str) -> str:
    """A file of the session; of one that was deleted, none."""
    with suppress(SessionNotFound):
        kept = await served.services.sessions.add_attachment(
            SessionId(session_id), filename="a.txt", content_type="text/plain", data=b"words", text="words"
        )
        return kept.id
    return "file_" + "0" * 24


async def document_of(served: Served) -> str:
    """A document that staff wrote."""
    written = {"title": "Returns", "text": "Send it back."}
    answer = await served.http.post("/api/knowledge/documents", json=written, headers=STAFF)
    document_id: str = answer.json()["documents"][0]["document_id"]
    return document_id


def body_of(answer: httpx2.Response) -> Any:
    return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else answer.text
