"""Guessing: how often somebody may try, and whom that keeps out (RELIABILITY E13)."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

import pytest

from api.serving import serving, settings_in
from cache.clock import HeldClock
from deskhand.staff.throttle import wait_after
from staff.people import PASSWORD, Company, Person, company_at


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def company(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Company]:
    async with serving(settings_in(tmp_path), clock=clock) as served, company_at(served) as company:
        yield company


async def guess(company: Company, person: Person, times: int) -> list[int]:
    stranger = await company.browser()
    answers = [await stranger.post("/api/staff/sign-in", json={"email": person.email, "password": f"guess {n}"}) for n in range(times)]
    return [answer.status_code for answer in answers]


async def test_who_guesses_waits_twice_as_long_each_time(company: Company, clock: HeldClock) -> None:
    person = await company.hire("guessed@example.com", signed_in=False)
    assert await guess(company, person, 6) == [401] * 5 + [429]
    refused = await person.sign_in()
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many_sign_ins")
    assert int(refused.headers["Retry-After"]) >= 1
    clock.pass_time(1)
    assert await guess(company, person, 2) == [401, 429]
    clock.pass_time(2)
    assert (await person.sign_in()).status_code == 200
    # Whoever signs in begins anew.
    assert await guess(company, person, 5) == [401] * 5


def test_the_wait_doubles_and_has_an_end() -> None:
    waits = [wait_after(failures, free=5) for failures in range(30)]
    assert waits[:9] == [0, 0, 0, 0, 0, 1, 2, 4, 8]
    assert max(waits) == 900


async def test_guesses_made_at_once_are_all_counted(company: Company) -> None:
    person = await company.hire("storm@example.com", signed_in=False)
    strangers = [await company.browser() for _ in range(20)]
    answers = await asyncio.gather(
        *(stranger.post("/api/staff/sign-in", json={"email": person.email, "password": "guess"}) for stranger in strangers)
    )
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15


async def test_an_unknown_account_is_limited_just_the_same(company: Company) -> None:
    nobody = Person(await company.browser(), "", "nobody@example.com")
    assert await guess(company, nobody, 7) == [401] * 5 + [429] * 2


async def test_one_address_that_tries_many_accounts_is_stopped(company: Company) -> None:
    stranger = await company.browser()
    answers = [
        await stranger.post("/api/staff/sign-in", json={"email": f"account{number}@example.com", "password": "guess"})
        for number in range(32)
    ]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429] * 2


async def test_forwarding_headers_of_anybody_make_no_new_address(company: Company) -> None:
    stranger = await company.browser()
    codes = [
        (
            await stranger.post(
                "/api/staff/sign-in",
                json={"email": f"account{number}@example.com", "password": "guess"},
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            )
        ).status_code
        for number in range(31)
    ]
    assert codes[-1] == 429


async def test_strangers_do_not_lock_the_owner_out_of_a_browser_they_know(company: Company, clock: HeldClock) -> None:
    owner = await company.hire("owner@example.com")
    await guess(company, owner, 10)
    # What is open stays open, and a browser that was signed in before may try by itself.
    assert (await owner.get("/api/staff/me")).status_code == 200
    await owner.send("POST", "/api/staff/sign-out")
    assert (await owner.sign_in()).status_code == 200
    elsewhere = Person(await company.browser(), owner.staff_id, owner.email)
    assert (await elsewhere.sign_in()).status_code == 429
    # And a mark of somebody else's browser is worth nothing.
    thief = Person(await company.browser(), owner.staff_id, owner.email)
    other = await company.hire("other@example.com", signed_in=False)
    clock.pass_time(1_000)
    await other.sign_in()
    await guess(company, owner, 10)
    mark = other.http.cookies.get("deskhand_known")
    refused = await thief.http.post(
        "/api/staff/sign-in", json={"email": owner.email, "password": PASSWORD}, headers={"Cookie": f"deskhand_known={mark}"}
    )
    assert refused.status_code == 429


async def test_what_was_counted_survives_a_restart(tmp_path: Path, clock: HeldClock) -> None:
    settings = settings_in(tmp_path / "data")
    async with serving(settings, clock=clock) as served, company_at(served) as company:
        person = await company.hire("restart@example.com", signed_in=False)
        await guess(company, person, 9)
        email = person.email
    async with serving(settings, clock=clock) as served, company_at(served) as company:
        assert (await Person(await company.browser(), "", email).sign_in()).status_code == 429


async def test_an_unknown_account_takes_as_long_as_a_known_one(company: Company, clock: HeldClock) -> None:
    person = await company.hire("timed@example.com", signed_in=False)
    stranger = await company.browser()

    async def seconds(email: str) -> float:
        clock.pass_time(1_000)
        started = time.perf_counter()
        answer = await stranger.post("/api/staff/sign-in", json={"email": email, "password": "guess"})
        assert answer.status_code == 401
        return time.perf_counter() - started

    pairs = [(await seconds(person.email), await seconds("nobody@example.com")) for _ in range(15)]
    known, unknown = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    assert 0.5 < unknown / known < 2
