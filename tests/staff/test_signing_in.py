"""Signing in and out as a browser does it."""

import pytest

from staff.people import Company

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
