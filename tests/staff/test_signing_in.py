"""Signing in and out as a browser does it."""

import base64
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from api.serving import STAFF, serving, settings_in
from cache.clock import HeldClock
from deskhand.persistence import metadata
from deskhand.staff.errors import SignInFailed
from deskhand.tokens import new_staff_key, new_staff_token
from staff.people import PASSWORD, Company, company_at

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_person_signs_in_is_known_and_signs_out(company: Company) -> None:
    person = await company.hire("ada@example.com", "operator", signed_in=False)
    assert (await person.get("/api/staff/me")).status_code == 401
    answer = await person.sign_in()
    assert answer.status_code == 200, answer.text
    assert {"staff_id": person.staff_id, "role": "operator", "email": "ada@example.com"}.items() <= answer.json()["staff"].items()
    assert answer.json()["expires_at"].endswith("Z")
    me = await person.get("/api/staff/me")
    assert me.json() == answer.json()["staff"]
    assert (await person.send("POST", "/api/staff/sign-out")).status_code == 200
    assert person.token is None
    assert (await person.get("/api/staff/me")).status_code == 401


async def test_the_cookie_is_for_this_server_s_requests_alone(company: Company) -> None:
    person = await company.hire("cookie@example.com", signed_in=False)
    cookies = (await person.sign_in()).headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("deskhand_staff="))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(session.split("; "))
    assert "Secure" not in session
    assert "Domain" not in session
    known = next(cookie for cookie in cookies if cookie.startswith("deskhand_known="))
    assert {"HttpOnly", "SameSite=strict", "Path=/api/staff/sign-in"} <= set(known.split("; "))


@pytest.mark.parametrize(
    "wrong",
    [{"password": "something else entirely"}, {"email": "nobody@example.com"}, {"email": "not an address"}, {"password": "\u00e9" * 200}],
    ids=["password", "unknown", "nonsense", "unicode"],
)
async def test_whatever_is_wrong_the_answer_is_the_same(company: Company, wrong: dict[str, str]) -> None:
    person = await company.hire(f"{uuid4().hex}@example.com", signed_in=False)
    answer = await person.http.post("/api/staff/sign-in", json={"email": person.email, "password": PASSWORD, **wrong})
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    assert answer.status_code == 401
    assert body == {"error": "sign_in_failed", "message": SignInFailed().message, "support": SignInFailed.support}
    assert "set-cookie" not in answer.headers


async def test_case_and_form_of_an_address_do_not_matter(company: Company) -> None:
    person = await company.hire("Zo\u00eb@Example.com", signed_in=False)
    answer = await person.http.post("/api/staff/sign-in", json={"email": " ZOE\u0308@EXAMPLE.COM", "password": PASSWORD})
    assert answer.status_code == 200
    again = await company.served.http.post("/api/staff/accounts", json={"email": "zo\u00eb@example.com"}, headers=STAFF)
    assert (again.status_code, again.json()["error"]) == (409, "account_exists")


async def test_signing_in_again_gives_a_new_token_and_ends_the_old_one(company: Company) -> None:
    person = await company.hire("again@example.com")
    first = person.token
    await person.sign_in()
    assert person.token != first
    old = await (await company.browser()).get("/api/staff/me", headers={"Cookie": f"deskhand_staff={first}"})
    assert old.status_code == 401


async def test_without_an_identity_provider_there_is_the_password_alone(company: Company) -> None:
    browser = await company.browser()
    assert (await browser.get("/api/staff/sign-in-options")).json() == {"oidc": None}
    for path in ("start", "callback?code=a&state=b"):
        answer = await browser.get(f"/api/staff/oidc/{path}")
        assert (answer.status_code, answer.json()["error"]) == (404, "single_sign_on_off")


async def test_a_made_up_token_is_nobody_s(company: Company) -> None:
    stranger = await company.browser()
    for token in ("st_" + "A" * 43, "st_short", "x" * 5_000, "dsk_" + "A" * 43):
        assert (await stranger.get("/api/staff/me", headers={"Cookie": f"deskhand_staff={token}"})).status_code == 401


async def test_neither_tokens_nor_passwords_nor_keys_are_stored_as_they_are_shown(company: Company) -> None:
    person = await company.hire("stored@example.com")
    _, key = await company.key("desk")
    begun = (await person.send("POST", "/api/staff/totp")).json()
    assert person.token is not None
    stored = await company.served.services.database.read(everything)
    for secret in (person.token, PASSWORD, key, begun["secret"], base64.b32decode(begun["secret"])):
        assert str(secret)[2:-1] not in stored
    assert "$argon2id$" in stored


async def test_tokens_have_256_random_bits() -> None:
    made = {new_staff_token() for _ in range(1_000)} | {new_staff_key() for _ in range(1_000)}
    assert len(made) == 2_000
    assert {len(base64.urlsafe_b64decode(token.partition("_")[2] + "=")) for token in made} == {32}


async def test_an_idle_session_ends_and_so_does_an_old_one(tmp_path: Path) -> None:
    clock = HeldClock()
    settings = settings_in(tmp_path, staff_idle_seconds=600, staff_session_seconds=3_600)
    async with serving(settings, clock=clock) as served, company_at(served) as company:
        idle, busy = await company.hire("idle@example.com"), await company.hire("busy@example.com")
        for _ in range(6):
            clock.pass_time(590)
            assert (await busy.get("/api/staff/me")).status_code == 200
        assert (await idle.get("/api/staff/me")).status_code == 401
        clock.pass_time(100)
        assert (await busy.get("/api/staff/me")).status_code == 401


async def test_over_tls_the_cookie_never_travels_without(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, trusted_proxies=["127.0.0.1"])) as served, company_at(served) as company:
        person = await company.hire("tls@example.com", signed_in=False)
        answer = await person.http.post(
            "/api/staff/sign-in",
            json={"email": person.email, "password": PASSWORD},
            headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "desk.example.com"},
        )
        assert all("Secure" in cookie.split("; ") for cookie in answer.headers.get_list("set-cookie"))


def everything(connection: sa.Connection) -> str:
    """All rows of the tables of staff as text."""
    tables = [table for name, table in metadata.tables.items() if name.startswith(("staff_", "audit_"))]
    return "\n".join(str(tuple(row)) for table in tables for row in connection.execute(sa.select(table)))
