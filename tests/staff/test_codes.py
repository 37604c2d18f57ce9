"""Codes of an authenticator app, as RFC 6238 has them, from setting them up to losing the device."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from api.serving import STAFF, serving, settings_in
from cache.clock import HeldClock
from deskhand.staff import totp
from staff.people import PASSWORD, Company, Person, company_at


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def company(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Company]:
    async with serving(settings_in(tmp_path), clock=clock) as served, company_at(served) as company:
        yield company


@pytest.mark.parametrize(
    ("seconds", "code"),
    # RFC 6238, appendix B, SHA-1; the last six of its eight digits.
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    secret = b"12345678901234567890"
    assert totp.code_of(secret, seconds // 30) == code
    assert totp.find_step(secret, f" {code[:3]} {code[3:]}", now=seconds, after=0) == seconds // 30
    assert totp.find_step(secret, code, now=seconds + 90, after=0) is None
    assert totp.find_step(secret, code, now=seconds, after=seconds // 30) is None
    assert totp.find_step(secret, "１２３４５６", now=seconds, after=0) is None


async def set_up(company: Company, clock: HeldClock, person: Person) -> tuple[bytes, list[str]]:
    begun = (await person.send("POST", "/api/staff/totp")).json()
    query = parse_qs(urlsplit(begun["otpauth_url"]).query)
    assert query["secret"] == [begun["secret"]]
    secret = base64.b32decode(begun["secret"])
    # Begun is not on.
    assert (await person.sign_in()).status_code == 200
    wrong = await person.send("POST", "/api/staff/totp/confirm", {"code": "000000"})
    assert (wrong.status_code, wrong.json()["error"]) == (422, "wrong_code")
    confirmed = await person.send("POST", "/api/staff/totp/confirm", {"code": now_code(secret, clock)})
    assert confirmed.status_code == 200, confirmed.text
    assert (await person.send("POST", "/api/staff/totp")).json()["error"] == "totp_conflict"
    return secret, confirmed.json()["recovery_codes"]


def now_code(secret: bytes, clock: HeldClock) -> str:
    return totp.code_of(secret, int(clock.now() // 30))


async def test_signing_in_takes_a_code_and_takes_each_once(company: Company, clock: HeldClock) -> None:
    person = await company.hire("codes@example.com")
    secret, _ = await set_up(company, clock, person)
    asked = await person.sign_in()
    assert (asked.status_code, asked.json()["error"]) == (401, "code_required")
    wrong = await person.http.post("/api/staff/sign-in", json={"email": person.email, "password": "guess", "code": "123456"})
    assert wrong.json()["error"] == "sign_in_failed"
    # The code that switched them on was used with that.
    assert (await person.sign_in(code=now_code(secret, clock))).json()["error"] == "sign_in_failed"
    clock.pass_time(30)
    code = now_code(secret, clock)
    assert (await person.sign_in(code=code)).status_code == 200
    assert (await person.sign_in(code=code)).json()["error"] == "sign_in_failed"
    clock.pass_time(30)
    assert (await person.sign_in(code=totp.code_of(secret, int(clock.now() // 30) + 1))).status_code == 200
    # A step that lies before one that was used is gone as well.
    assert (await person.sign_in(code=now_code(secret, clock))).json()["error"] == "sign_in_failed"


async def test_a_recovery_code_is_good_once(company: Company, clock: HeldClock) -> None:
    person = await company.hire("lost@example.com")
    _, codes = await set_up(company, clock, person)
    assert len(set(codes)) == 10
    assert (await person.sign_in(code=codes[3].upper().replace("-", " "))).status_code == 200
    assert (await person.sign_in(code=codes[3])).json()["error"] == "sign_in_failed"
    assert (await person.sign_in(code=codes[4])).status_code == 200


async def test_who_knows_the_password_cannot_try_all_codes(company: Company, clock: HeldClock) -> None:
    person = await company.hire("bruteforce@example.com")
    await set_up(company, clock, person)
    stranger = Person(await company.browser(), person.staff_id, person.email)
    answers = []
    for number in range(12):
        # Asking without a code in between, which is no mistake, wins no try.
        answers += [(await stranger.sign_in()).json()["error"], (await stranger.sign_in(code=f"{number:06}")).json()["error"]]
    assert answers.count("sign_in_failed") == 5
    assert answers[-1] == "too_many_sign_ins"


async def test_codes_are_switched_off_by_who_knows_the_password_or_by_an_administrator(company: Company, clock: HeldClock) -> None:
    person = await company.hire("off@example.com")
    await set_up(company, clock, person)
    refused = await person.send("DELETE", "/api/staff/totp", {"password": "guess"})
    assert (refused.status_code, refused.json()["error"]) == (422, "wrong_password")
    off = await person.send("DELETE", "/api/staff/totp", {"password": PASSWORD})
    assert off.json()["totp_enabled"] is False
    assert (await person.sign_in()).status_code == 200
    clock.pass_time(60)
    await set_up(company, clock, person)
    path = f"/api/staff/accounts/{person.staff_id}/reset-password"
    made = (await company.served.http.post(path, json={"without_totp": True}, headers=STAFF)).json()["password"]
    person.password = made
    signed_in = await person.sign_in()
    assert signed_in.status_code == 200
    assert signed_in.json()["staff"]["password_is_temporary"] is True
