"""Signing in at an identity provider, as a browser does it, against one behind a real port."""

import base64
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec

from api.serving import STAFF, serving, settings_in
from cache.clock import HeldClock
from deskhand.errors import ConfigurationError
from deskhand.settings import load_settings
from staff.people import Company, company_at
from staff.provider import CLIENT_ID, CLIENT_SECRET, Provider, providing

pytestmark = pytest.mark.asyncio(loop_scope="module")

START = "/api/staff/oidc/start"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Provider]:
    async with providing() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    """Somebody whom nobody here knows is about to sign in; nothing is forged."""
    subject = secrets.token_hex(8)
    running.person = {"sub": subject, "email": f"{subject}@example.com", "email_verified": True, "name": "Ada Example"}
    running.forged, running.told, running.signed_with, running.is_down = {}, None, None, False
    return running


def oidc(provider: Provider, **more: Any) -> dict[str, Any]:
    return {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "Example ID",
        "oidc_domains": ["example.com"],
        **more,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(running: Provider, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    async with serving(settings_in(tmp_path_factory.mktemp("data"), **oidc(running))) as served, company_at(served) as company:
        yield company


async def come_back(browser: httpx2.AsyncClient) -> str:
    """Sign in at the provider; the address that it leads back to."""
    begun = await browser.get(START)
    assert begun.status_code == 303, begun.text
    there = await browser.get(begun.headers["location"])
    assert there.status_code == 302, there.text
    return there.headers["location"]


async def sign_in(browser: httpx2.AsyncClient) -> str:
    """The whole way; where the browser ends."""
    ended = await browser.get(await come_back(browser))
    assert ended.status_code == 303, ended.text
    return ended.headers["location"]


async def audit(company: Company, action: str) -> list[dict[str, Any]]:
    answer = await company.served.http.get("/api/staff/audit", params={"action": action, "limit": 500}, headers=STAFF)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_the_ways_of_signing_in_are_told(company: Company) -> None:
    told = await (await company.browser()).get("/api/staff/sign-in-options")
    assert told.json() == {"oidc": {"name": "Example ID", "path": START}}


async def test_somebody_of_the_company_s_domain_gets_an_account_and_keeps_it(company: Company, provider: Provider) -> None:
    browser = await company.browser()
    assert await sign_in(browser) == "/console"
    me = (await browser.get("/api/staff/me")).json()
    assert {
        "email": provider.person["email"],
        "name": "Ada Example",
        "role": "operator",
        "password_is_temporary": False,
    }.items() <= me.items()
    # Another address and another name there: the same person here.
    provider.person |= {"email": "married@example.com", "name": "Ada Married"}
    again = await company.browser()
    assert await sign_in(again) == "/console"
    assert (await again.get("/api/staff/me")).json()["staff_id"] == me["staff_id"]
    entries = [entry for entry in await audit(company, "staff.sign_in") if entry["actor"]["staff_id"] == me["staff_id"]]
    assert [entry["details"]["by"] for entry in entries] == ["oidc", "oidc"]
    made = [entry for entry in await audit(company, "account.create") if entry["target"] == me["staff_id"]]
    assert [entry["actor"]["name"] for entry in made] == ["Deskhand"]


async def test_an_account_that_is_there_is_signed_in_with_its_own_role(company: Company, provider: Provider) -> None:
    person = await company.hire(f"boss-{provider.person['sub']}@elsewhere.org", "admin", signed_in=False)
    provider.person["email"] = person.email.upper()
    assert await sign_in(person.http) == "/console"
    me = (await person.get("/api/staff/me")).json()
    assert (me["staff_id"], me["role"]) == (person.staff_id, "admin")


async def test_somebody_else_who_is_given_the_address_there_does_not_get_the_account(company: Company, provider: Provider) -> None:
    assert await sign_in(await company.browser()) == "/console"
    provider.person["sub"] = "another person"
    browser = await company.browser()
    assert await sign_in(browser) == "/console?sign_in=not_admitted"
    assert (await browser.get("/api/staff/me")).status_code == 401
    accounts = (await company.served.http.get("/api/staff/accounts", headers=STAFF)).json()
    theirs = next(account["staff_id"] for account in accounts if account["email"] == provider.person["email"])
    await company.served.http.post(f"/api/staff/accounts/{theirs}/reset-password", headers=STAFF)
    assert await sign_in(browser) == "/console"


@pytest.mark.parametrize(
    "claims",
    [{"email": "stranger@elsewhere.org"}, {"email_verified": False}, {"email_verified": None}, {"email": "a@b@example.com"}, {"email": 7}],
    ids=["domain", "unverified", "unsaid", "two marks", "a number"],
)
async def test_whoever_is_not_of_the_company_is_not_let_in(company: Company, provider: Provider, claims: dict[str, Any]) -> None:
    provider.person |= claims
    browser = await company.browser()
    assert await sign_in(browser) == "/console?sign_in=not_admitted"
    assert (await browser.get("/api/staff/me")).status_code == 401


async def test_a_disabled_account_is_not_let_in(company: Company, provider: Provider) -> None:
    person = await company.hire(f"gone-{provider.person['sub']}@example.com", signed_in=False)
    await company.served.http.patch(f"/api/staff/accounts/{person.staff_id}", json={"disabled": True}, headers=STAFF)
    provider.person["email"] = person.email
    assert await sign_in(person.http) == "/console?sign_in=not_admitted"


@pytest.mark.parametrize(
    "forged",
    [
        {"nonce": "of another sign-in"},
        {"aud": "another program"},
        {"aud": [CLIENT_ID, "another program"]},
        {"azp": "another program"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": int(time.time()) - 3_600},
        {"iat": int(time.time()) + 3_600},
        {"exp": "soon"},
        {"sub": ""},
    ],
    ids=["nonce", "audience", "audiences", "party", "issuer", "expired", "early", "no time", "nobody"],
)
async def test_a_token_that_is_not_right_signs_nobody_in(company: Company, provider: Provider, forged: dict[str, Any]) -> None:
    provider.forged = forged
    browser = await company.browser()
    assert await sign_in(browser) == "/console?sign_in=single_sign_on_failed"
    assert (await browser.get("/api/staff/me")).status_code == 401


async def test_a_token_that_somebody_else_signed_signs_nobody_in(company: Company, provider: Provider) -> None:
    for key, algorithm in ((ec.generate_private_key(ec.SECP256R1()), "ES256"), (CLIENT_SECRET * 3, "HS256"), (None, "none")):
        provider.signed_with = (key, algorithm)
        assert await sign_in(await company.browser()) == "/console?sign_in=single_sign_on_failed"


async def test_only_the_browser_that_began_ends_it_and_once(company: Company, provider: Provider) -> None:
    browser, other = await company.browser(), await company.browser()
    back = await come_back(browser)
    stolen = await other.get(back)
    assert stolen.headers["location"] == "/console?sign_in=single_sign_on_failed"
    state = parse_qs(urlsplit(back).query)["state"][0]
    guessed = await browser.get(back.replace(state, "x" * len(state)))
    assert guessed.headers["location"] == "/console?sign_in=single_sign_on_failed"
    # The refusal took the browser's part away.
    assert (await browser.get(back)).headers["location"] == "/console?sign_in=single_sign_on_failed"
    assert (await other.get("/api/staff/me")).status_code == 401


async def test_what_the_browser_keeps_cannot_be_made_up(company: Company, provider: Provider) -> None:
    browser = await company.browser()
    back = await come_back(browser)
    for made_up in ("", "e30=", base64.urlsafe_b64encode(secrets.token_bytes(200)).decode(), "\u00e9".encode("latin-1").decode("latin-1")):
        answer = await (await company.browser()).get(back, headers={"Cookie": f"deskhand_oidc={made_up}".encode()})
        assert answer.headers["location"] == "/console?sign_in=single_sign_on_failed"


async def test_the_cookies_are_for_their_paths_alone(company: Company, provider: Provider) -> None:
    browser = await company.browser()
    begun = await browser.get(START)
    kept = begun.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/api/staff/oidc/callback", "Max-Age=600"} <= set(kept.split("; "))
    there = await browser.get(begun.headers["location"])
    ended = await browser.get(there.headers["location"])
    session = next(cookie for cookie in ended.headers.get_list("set-cookie") if cookie.startswith("deskhand_staff="))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(session.split("; "))


async def test_another_site_cannot_begin_it(company: Company, provider: Provider) -> None:
    answer = await (await company.browser()).get(START, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json()["error"]) == (403, "cross_site")


async def test_the_address_is_asked_for_where_the_token_has_none(company: Company, provider: Provider) -> None:
    email, subject = provider.person.pop("email"), provider.person["sub"]
    provider.told = {"sub": subject, "email": email, "email_verified": True}
    browser = await company.browser()
    assert await sign_in(browser) == "/console"
    assert (await browser.get("/api/staff/me")).json()["email"] == email
    provider.person["sub"], provider.told = "another", {"sub": subject, "email": email, "email_verified": True}
    assert await sign_in(await company.browser()) == "/console?sign_in=single_sign_on_failed"


async def test_the_claim_gives_the_role_at_each_sign_in(provider: Provider, tmp_path: Any) -> None:
    roles = {"oidc_roles_claim": "realm.roles", "oidc_admin_roles": ["leads"], "oidc_operator_roles": ["support"]}
    settings = settings_in(tmp_path, **oidc(provider, **roles))
    async with serving(settings) as served, company_at(served) as company:
        browser = await company.browser()
        provider.person["realm"] = {"roles": ["all", "leads"]}
        assert await sign_in(browser) == "/console"
        assert (await browser.get("/api/staff/me")).json()["role"] == "admin"
        # The only administrator stays one: somebody has to be able to change that.
        provider.person["realm"] = {"roles": ["support"]}
        assert await sign_in(await company.browser()) == "/console?sign_in=last_admin"
        await company.hire("second@example.com", "admin", signed_in=False)
        later = await company.browser()
        assert await sign_in(later) == "/console"
        assert (await later.get("/api/staff/me")).json()["role"] == "operator"
        assert (await browser.get("/api/staff/me")).status_code == 401
        provider.person["realm"] = {"roles": "all"}
        assert await sign_in(await company.browser()) == "/console?sign_in=not_admitted"


async def test_a_provider_may_be_down_and_may_change_its_keys(provider: Provider, tmp_path: Any) -> None:
    clock = HeldClock()
    provider.forged = {"iat": int(clock.now()), "exp": int(clock.now()) + 300}
    async with serving(settings_in(tmp_path, **oidc(provider)), clock=clock) as served, company_at(served) as company:
        person = await company.hire("ada@example.com")
        provider.is_down = True
        assert (await person.get(START)).headers["location"] == "/console?sign_in=identity_provider_down"
        assert (await person.sign_in()).status_code == 200
        provider.is_down, issuer = False, provider.issuer
        provider.issuer = "http://somebody.else"
        assert (await person.get(START)).headers["location"] == "/console?sign_in=identity_provider_down"
        provider.issuer, provider.asked_for_keys = issuer, 0
        assert await sign_in(person.http) == "/console"
        # Whoever forges tokens with new keys does not make this server ask for them each time.
        provider.change_keys()
        for _ in range(3):
            assert await sign_in(person.http) == "/console?sign_in=single_sign_on_failed"
        assert provider.asked_for_keys == 1
        clock.pass_time(6)
        assert await sign_in(person.http) == "/console"
        assert provider.asked_for_keys == 2
        begun = await come_back(person.http)
        clock.pass_time(601)
        assert (await person.get(begun)).headers["location"] == "/console?sign_in=single_sign_on_failed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_issuer": "https://id.example.com"},
        {"oidc_client_id": CLIENT_ID},
        {"oidc_issuer": "id.example.com", "oidc_client_id": CLIENT_ID},
        {"oidc_issuer": "https://id.example.com", "oidc_client_id": CLIENT_ID, "oidc_roles_claim": "groups"},
    ],
    ids=["no client", "no issuer", "no address", "a claim for nobody"],
)
async def test_half_a_setting_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="DESKHAND_OIDC"):
        load_settings(**wrong)
