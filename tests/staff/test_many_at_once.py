"""Many at once, on either database: one chain of entries, one account for an address, one administrator left, one use of a code."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.serving import STAFF, serving, settings_in
from deskhand.staff.tables import attempts
from staff.people import Company, company_at


@pytest.fixture
async def company(tmp_path: Path, database_url: str) -> AsyncIterator[Company]:
    async with serving(settings_in(tmp_path, database_url=database_url)) as served, company_at(served) as company:
        yield company


async def test_what_many_do_at_once_is_one_chain(company: Company) -> None:
    people = [await company.hire(f"person{number}@example.com", "admin") for number in range(3)]
    made = await asyncio.gather(
        *(person.send("POST", "/api/staff/keys", {"name": f"key {n}", "scopes": ["desk"]}) for n in range(8) for person in people)
    )
    assert {answer.status_code for answer in made} == {201}
    finding = await company.served.services.staff.verify_audit()
    assert (finding.problem, finding.seq) == (None, 6 + 24)


async def test_an_address_has_one_account_and_guesses_are_all_counted(company: Company) -> None:
    body = {"email": "one@example.com"}
    made = await asyncio.gather(*(company.served.http.post("/api/staff/accounts", json=body, headers=STAFF) for _ in range(4)))
    assert sorted(answer.status_code for answer in made) == [201, 409, 409, 409]
    strangers = [await company.browser() for _ in range(12)]
    guesses = await asyncio.gather(*(stranger.post("/api/staff/sign-in", json={**body, "password": "guess"}) for stranger in strangers))
    codes = [answer.status_code for answer in guesses]
    assert set(codes) <= {401, 429}
    query = sa.select(attempts.c.failures).where(attempts.c.bucket.like("account:%"))
    assert await company.served.services.database.read(lambda connection: connection.execute(query).scalar_one()) == codes.count(401)


async def test_two_administrators_who_disable_each_other_leave_one(company: Company) -> None:
    one, other = await company.hire("one@example.com", "admin"), await company.hire("other@example.com", "admin")
    paths = [f"/api/staff/accounts/{person.staff_id}" for person in (other, one)]
    answers = await asyncio.gather(*(company.served.http.patch(path, json={"disabled": True}, headers=STAFF) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
