"""What may be fetched: no spelling, no redirect and no resolver leads to an address that is not public (RELIABILITY E6)."""

import ipaddress
import random
from collections.abc import AsyncIterator

import pytest

from deskhand.errors import ConfigurationError
from deskhand.knowledge.fetch import AddressPolicy, AddressRefused, FetchFailed, SourceFetcher, TimeLimits
from deskhand.knowledge.fetch.addresses import PORTS, is_public
from knowledge.hostile_urls import HOSTILE_URLS, MIXED, NAMES
from parts.sites import Canary, Names, Site, canary

QUICK = TimeLimits(connect=2, silence=2, total=5)


@pytest.fixture
async def listener() -> AsyncIterator[Canary]:
    async with canary() as found:
        yield found


@pytest.fixture
def names() -> Names:
    found = Names()
    found.say("example.com", "93.184.216.34")
    for name, address in NAMES.items():
        found.say(name, address)
    for name, addresses in MIXED.items():
        found.say(name, addresses)
    return found


def _fetcher(names: Names, listener: Canary, *allowed: str) -> SourceFetcher:
    """The port of the listener is one of the public ones here, so that it is the address alone that is refused."""
    policy = AddressPolicy(allowed=AddressPolicy.of(allowed).allowed, ports=PORTS | {listener.port})
    return SourceFetcher(policy, resolver=names, limits=QUICK)


async def test_no_hostile_address_is_asked_and_each_is_refused_as_such(names: Names, listener: Canary) -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 150
    asked = []
    async with _fetcher(names, listener) as fetcher:
        for url in HOSTILE_URLS:
            try:
                await fetcher.fetch(url.replace("{port}", str(listener.port)))
            except AddressRefused:
                continue
            except FetchFailed as error:
                asked.append((url, error.message))
    assert asked == []
    assert listener.visits == 0


async def test_the_listener_would_notice(names: Names, listener: Canary) -> None:
    async with _fetcher(names, listener, "127.0.0.0/8") as fetcher:
        with pytest.raises(FetchFailed):
            await fetcher.fetch(f"http://localhost:{listener.port}/")
    assert listener.visits > 0


async def test_no_redirect_leads_to_a_hostile_address(names: Names, listener: Canary) -> None:
    async with Site("127.0.0.5") as site, _fetcher(names, listener, "127.0.0.5/32") as fetcher:
        for number, url in enumerate(HOSTILE_URLS):
            if any(character in url for character in "\r\n") or url.startswith("/") or not url:
                continue
            site.redirect(f"/{number}", url.replace("{port}", str(listener.port)))
            with pytest.raises((AddressRefused, FetchFailed)):
                await fetcher.fetch(f"{site.url}/{number}")
            assert f"/{number}" in site.paths
    assert listener.visits == 0


async def test_a_redirect_through_allowed_sites_to_a_hidden_one_is_refused_at_the_last_hop(names: Names, listener: Canary) -> None:
    async with Site("127.0.0.5") as site, _fetcher(names, listener, "127.0.0.5/32") as fetcher:
        site.redirect("/1", "/2")
        site.redirect("/2", f"http://127.0.0.1:{listener.port}/secret")
        with pytest.raises(AddressRefused):
            await fetcher.fetch(f"{site.url}/1")
        assert site.paths == ["/1", "/2"]
    assert listener.visits == 0


async def test_a_robots_txt_that_leads_to_a_hidden_address_is_not_followed(names: Names, listener: Canary) -> None:
    async with Site("127.0.0.5") as site, _fetcher(names, listener, "127.0.0.5/32") as fetcher:
        site.redirect("/robots.txt", f"http://127.0.0.1:{listener.port}/robots.txt")
        site.page("/", "<p>Hello.</p>")
        with pytest.raises(AddressRefused):
            await fetcher.fetch(f"{site.url}/")
    assert listener.visits == 0


async def test_a_name_that_is_rebound_after_the_check_is_refused_when_it_is_asked_again(names: Names, listener: Canary) -> None:
    async with Site("127.0.0.5") as site, _fetcher(names, listener, "127.0.0.5/32") as fetcher:
        names.say("rebinding.example", "127.0.0.5", "127.0.0.1")
        site.redirect("/robots.txt", "/rules")  # closes the connection
        with pytest.raises(AddressRefused):
            await fetcher.fetch(f"http://rebinding.example:{site.port}/")
        assert len(site.seen) == 1
    assert listener.visits == 0


async def test_a_name_is_resolved_once_for_each_connection_that_is_made(names: Names, listener: Canary) -> None:
    async with Site("127.0.0.5") as site, _fetcher(names, listener, "127.0.0.5/32") as fetcher:
        names.say("once.example", "127.0.0.5", "127.0.0.1")
        site.page("/", "<p>Hello.</p>")
        document = await fetcher.fetch(f"http://once.example:{site.port}/")
        assert b"Hello" in document.data
        assert names.asked == ["once.example"]
        assert len(site.seen) == 2


async def test_a_message_does_not_say_where_a_name_leads(names: Names, listener: Canary) -> None:
    async with _fetcher(names, listener) as fetcher:
        with pytest.raises(AddressRefused) as refused:
            await fetcher.fetch("http://redis/")
    assert "172." not in refused.value.message
    assert "DESKHAND_FETCH_ALLOWED_NETWORKS" in refused.value.remedy


async def test_a_server_that_is_not_there_is_not_said_to_be_somewhere(names: Names, listener: Canary, free_port: int) -> None:
    names.say("nobody.example", "127.0.0.1")
    async with _fetcher(names, listener, "127.0.0.0/8") as fetcher:
        with pytest.raises(FetchFailed) as failed:
            await fetcher.fetch(f"http://nobody.example:{free_port}/")
    assert failed.value.message == "The server cannot be reached: it refuses connections there."


async def test_neither_proxies_nor_passwords_of_the_environment_are_used(
    names: Names, listener: Canary, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.5 login me password secret\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    async with Site("127.0.0.5") as site, _fetcher(names, listener, "127.0.0.5/32") as fetcher:
        site.page("/", "<p>Hello.</p>", Set_Cookie="a=b")
        await fetcher.fetch(f"{site.url}/")
        await fetcher.fetch(f"{site.url}/")
        assert not any({"authorization", "cookie"} & {name.lower() for name in seen.headers} for seen in site.seen)
        assert all(seen.headers["User-Agent"].startswith("Deskhand/") for seen in site.seen)
    assert listener.visits == 0


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450:4001::1"]
)
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_what_is_public_here_is_global_to_the_standard_library_as_well() -> None:
    chance = random.Random(6)
    for _ in range(20_000):
        for address in (
            ipaddress.IPv4Address(chance.getrandbits(32)),
            ipaddress.IPv6Address(chance.getrandbits(128) & (2**126 - 1) | 1 << 125),
        ):
            assert not is_public(address) or (address.is_global and not address.is_multicast), address


def test_a_network_that_is_none_is_an_error_of_the_settings() -> None:
    with pytest.raises(ConfigurationError, match="DESKHAND_FETCH_ALLOWED_NETWORKS"):
        AddressPolicy.of(["10.0.0.0/33"])
