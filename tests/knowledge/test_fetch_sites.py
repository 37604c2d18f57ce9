"""Whole sites: which of their pages are taken, and how gently they are asked."""

import asyncio
import gzip
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web

from deskhand.knowledge import SourceDocument, UnreadableSource
from deskhand.knowledge.fetch import AddressRefused, FetchFailed, RobotsRefused, SourceFetcher
from deskhand.settings import load_settings
from knowledge.fetching import MEGABYTE, Pauses, all_of, documents_of, failures_of
from parts.sites import Site

# Manners


async def test_what_robots_txt_forbids_is_not_fetched_wherever_a_redirect_comes_from(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/robots.txt", "User-agent: *\nDisallow: /private\nAllow: /private/but\n", "text/plain")
    site.redirect("/open", "/private/secret")
    site.page("/private/but/this", "words")
    with pytest.raises(RobotsRefused):
        await fetcher.fetch(f"{site.url}/open")
    await fetcher.fetch(f"{site.url}/private/but/this")
    assert site.paths == ["/open", "/private/but/this"]
    assert [seen.path for seen in site.seen].count("/robots.txt") == 1


@pytest.mark.parametrize("status", [404, 403, 410])
async def test_a_site_without_rules_may_be_fetched(fetcher: SourceFetcher, site: Site, status: int) -> None:
    site.page("/robots.txt", "", status=status)
    site.page("/", "words")
    await fetcher.fetch(site.url)


async def test_a_site_whose_rules_cannot_be_read_is_left_alone(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/robots.txt", "", status=500)
    site.page("/", "words")
    for _ in range(3):
        with pytest.raises(FetchFailed):
            await fetcher.fetch(site.url)
    assert [seen.path for seen in site.seen] == ["/robots.txt"]


async def test_a_site_is_asked_two_at_a_time_and_as_far_apart_as_it_wants(fetcher: SourceFetcher, site: Site, pauses: Pauses) -> None:
    site.page("/robots.txt", "User-agent: deskhand\nCrawl-delay: 2\n", "text/plain")
    pages = [f"/{number}" for number in range(12)]
    both = asyncio.Barrier(2)

    async def meet(_request: web.Request) -> web.Response:
        async with asyncio.timeout(5):
            await both.wait()
        return web.Response(text="words", content_type="text/html")

    site.pages |= dict.fromkeys(pages, meet)
    site.sitemap("/sitemap.xml", pages)
    assert len(await documents_of(fetcher, f"{site.url}/sitemap.xml")) == 12
    assert site.most_at_once == 2
    assert pauses.seconds == [2.0 * number for number in range(1, 13)]


async def test_a_busy_site_is_asked_again_when_it_says(fetcher: SourceFetcher, site: Site, pauses: Pauses) -> None:
    answers = [
        web.Response(status=429, headers={"Retry-After": "7"}),
        web.Response(status=503),
        web.Response(text="words", content_type="text/html"),
    ]

    async def busy(_request: web.Request) -> web.Response:
        return answers.pop(0)

    site.pages["/"] = busy
    await fetcher.fetch(site.url)
    assert pauses.seconds == [7.0, 7.0]


@pytest.mark.parametrize("asked", ["3600", formatdate(4_000_000_000, usegmt=True)])
async def test_a_site_that_wants_more_time_than_is_reasonable_is_given_up(fetcher: SourceFetcher, site: Site, asked: str) -> None:
    site.page("/", "", status=503, Retry_After=asked)
    with pytest.raises(FetchFailed, match="busy") as failed:
        await fetcher.fetch(site.url)
    assert failed.value.retry_after_seconds is not None
    assert failed.value.retry_after_seconds >= 3600
    assert site.paths == ["/"]


async def test_a_site_that_died_does_not_cost_a_time_limit_for_each_page(fetcher: SourceFetcher, site: Site) -> None:
    async def die(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    pages = [f"/{number}" for number in range(60)]
    site.pages |= dict.fromkeys(pages, die)
    site.sitemap("/sitemap.xml", pages)
    failures = await failures_of(fetcher, f"{site.url}/sitemap.xml")
    assert len(failures) == 60
    assert len(set(site.paths)) < 15


# Sites


async def test_a_sitemap_gives_the_pages_of_its_site_in_order(fetcher: SourceFetcher, site: Site) -> None:
    pages = [f"/{number}" for number in range(20)]
    for page in pages:
        site.page(page, f"<h1>Page {page}</h1>")
    site.sitemap("/sitemap.xml", [*pages, "/3"])
    found = await documents_of(fetcher, f"{site.url}/sitemap.xml")
    assert [document.url for document in found] == [site.url + page for page in pages]
    assert {document.scope for document in found} == {f"{site.url}/sitemap.xml"}


async def test_an_index_of_packed_sitemaps_is_followed_once(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/a", "words")
    site.page("/b", "words")
    site.sitemap_index("/index.xml", ["/one.xml.gz", "/two.xml", "/index.xml", "/one.xml.gz"])
    site.sitemap("/one.xml.gz", ["/a"], packed=True)
    site.sitemap("/two.xml", ["/b", "/a"])
    assert [document.origin for document in await documents_of(fetcher, f"{site.url}/index.xml")] == [f"{site.url}/a", f"{site.url}/b"]
    assert len(site.paths) == 5


async def test_what_is_wrong_with_pages_of_a_sitemap_is_said_page_by_page(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/good", "words")
    site.redirect("/away", "http://127.0.0.9:1/")
    site.sitemap("/sitemap.xml", ["/good", "/gone", "https://other.example/", "ftp://x/", "/away"])
    found = {source.source: source async for source in fetcher.expand(f"{site.url}/sitemap.xml")}
    assert isinstance(found[f"{site.url}/good"], SourceDocument)
    gone, other = found[f"{site.url}/gone"], found["https://other.example/"]
    assert isinstance(gone, UnreadableSource)
    assert gone.gone
    assert isinstance(other, UnreadableSource)
    assert "another site" in other.reason
    assert not other.gone
    assert len(found) == 5


async def test_a_page_that_leads_to_another_site_is_not_taken_from_a_sitemap(fetcher: SourceFetcher, site: Site) -> None:
    async with Site("127.0.0.9") as other:
        other.page("/", "words")
        site.redirect("/away", other.url)
        site.sitemap("/sitemap.xml", ["/away"])
        assert "another site" in (await failures_of(fetcher, f"{site.url}/sitemap.xml"))[f"{site.url}/away"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'<!DOCTYPE urlset [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>', "document type"),
        (b'<!DOCTYPE urlset SYSTEM "http://127.0.0.1/x.dtd"><urlset></urlset>', "document type"),
        (b"<urlset><url><loc>/a</loc>", "well-formed"),
        (b"<urlset>" + b"<a>" * 1000, "nested"),
        (gzip.compress(bytes(60 * MEGABYTE)), "more than 50.0 MB"),
        (gzip.compress(b"no xml"), "well-formed"),
        (gzip.compress(b"<html></html>"), "not a sitemap"),
        (b"<urlset><url><loc>&xxe;</loc></url></urlset>", "well-formed"),
    ],
    ids=["entities", "outside definition", "cut off", "deep", "bomb", "packed text", "packed page", "unknown entity"],
)
async def test_a_hostile_sitemap_is_one_failure_that_keeps_what_is_stored(
    fetcher: SourceFetcher, site: Site, body: bytes, words: str
) -> None:
    site.page("/sitemap.xml", body, "application/xml")
    (source,) = await all_of(fetcher, f"{site.url}/sitemap.xml")
    assert isinstance(source, UnreadableSource)
    assert words in source.reason
    assert source.origin == source.scope


async def test_a_part_of_a_site_that_cannot_be_read_does_not_hide_the_rest(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/a", "words")
    site.sitemap_index("/index.xml", ["/one.xml", "/missing.xml"])
    site.sitemap("/one.xml", ["/a"])
    expansion = fetcher.expand(f"{site.url}/index.xml")
    trouble, document = [source async for source in expansion]
    assert isinstance(trouble, UnreadableSource)
    assert trouble.origin == trouble.scope
    assert isinstance(document, SourceDocument)
    assert expansion.total == 2


async def test_a_walk_that_is_left_half_way_stops_asking(fetcher: SourceFetcher, site: Site) -> None:
    pages = [f"/{number}" for number in range(200)]
    for page in pages:
        site.page(page, "words")
    site.sitemap("/sitemap.xml", pages)
    walk = aiter(fetcher.expand(f"{site.url}/sitemap.xml"))
    await anext(walk)
    await walk.aclose()
    for _ in range(5):
        await fetcher.fetch(f"{site.url}/0")
    assert len(set(site.paths)) <= 12


async def test_an_address_that_is_none_is_refused_at_once(fetcher: SourceFetcher) -> None:
    with pytest.raises(AddressRefused):
        fetcher.expand("file:///etc/passwd")


async def test_the_setting_names_the_networks_that_may_be_fetched(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    site.page("/", "words")
    async with SourceFetcher.create(load_settings()) as closed:
        with pytest.raises(AddressRefused):
            await closed.fetch(site.url)
    async with SourceFetcher.create(load_settings(fetch_allowed_networks="127.0.0.0/8, ::1")) as opened:
        await opened.fetch(site.url)


async def test_pages_that_lead_to_one_page_are_one_document(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/new", "words")
    site.redirect("/old", "/new")
    site.sitemap("/sitemap.xml", ["/old", "/new"])
    expansion = fetcher.expand(f"{site.url}/sitemap.xml")
    assert [source.origin async for source in expansion] == [f"{site.url}/old"]
    assert (expansion.total, expansion.repeated) == (1, 1)


async def test_a_site_may_have_many_pages_and_no_more(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/robots.txt", "User-agent: *\nDisallow: /p", "text/plain")
    site.sitemap("/one.xml", [f"/p{number}" for number in range(30_000)])
    site.sitemap("/two.xml", [f"/p{number}" for number in range(10_000, 50_001)])
    site.sitemap_index("/index.xml", ["/one.xml", "/two.xml"])
    expansion = fetcher.expand(f"{site.url}/index.xml")
    walk = aiter(expansion)
    trouble = await anext(walk)
    assert isinstance(trouble, UnreadableSource)
    assert "1 are left out" in trouble.reason
    assert trouble.origin == trouble.scope
    assert expansion.total == 50_001
    await walk.aclose()
    whole = fetcher.expand(f"{site.url}/one.xml")
    first = await anext(aiter(whole))
    assert isinstance(first, UnreadableSource)
    assert "robots.txt" in first.reason
    assert whole.total == 30_000
