"""What is fetched, in the knowledge base: once, again only when it changed, and gone when it is gone."""

import json
from pathlib import Path

import pytest

from deskhand.knowledge import Audience, FileSources, IngestReport, KnowledgeService, SourceDocument, Tier
from deskhand.knowledge.fetch import SourceFetcher
from deskhand.knowledge.sources import scope_of
from parts.sites import Site

EVERYONE = Audience.operator()


async def _sync(knowledge: KnowledgeService, fetcher: SourceFetcher, url: str, *, tier: Tier = Tier.PUBLIC) -> IngestReport:
    known = await knowledge.list_current(fetcher.scope_of(url), tier=tier)
    expansion = fetcher.expand(url, tier=tier, known=known)
    report = await knowledge.ingest(expansion, sync_scope=expansion.scope)
    assert report.given == report.indexed + report.unchanged + report.removed + len(report.failed)
    return report


@pytest.fixture
def rows(site: Site) -> str:
    """The address of a sitemap with a page and a list of two rows."""
    lines = [json.dumps({"id": name, "text": f"{name} is served on weekdays."}) for name in ("Assam", "Darjeeling")]
    site.kept_page("/tea", "<title>Tea</title><p>We ship tea on Mondays.</p>", etag='"1"')
    site.page("/kinds.jsonl", "\n".join(lines), "application/jsonl", ETag='"2"')
    site.sitemap("/sitemap.xml", ["/tea", "/kinds.jsonl"])
    return f"{site.url}/sitemap.xml"


async def test_pages_and_rows_bear_their_addresses(knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str) -> None:
    assert (await _sync(knowledge, fetcher, rows)).indexed == 3
    stored = await knowledge.list_documents(audience=EVERYONE)
    assert {(document.origin, document.url) for document in stored} == {
        (f"{site.url}/tea", f"{site.url}/tea"),
        (f"{site.url}/kinds.jsonl#Assam", f"{site.url}/kinds.jsonl"),
        (f"{site.url}/kinds.jsonl#Darjeeling", f"{site.url}/kinds.jsonl"),
    }


async def test_an_unchanged_site_costs_no_page(knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str) -> None:
    site.page(
        "/kinds.jsonl",
        '{"id": "Assam", "text": "Assam is served."}\n{"id": "Oolong", "text": "Oolong too."}',
        "application/jsonl",
        ETag='"2"',
    )
    await _sync(knowledge, fetcher, rows)
    site.page("/kinds.jsonl", "", status=304)
    again = await _sync(knowledge, fetcher, rows)
    assert (again.indexed, again.unchanged, again.removed, again.failed) == (0, 3, 0, ())
    assert [seen.headers.get("If-None-Match") for seen in site.seen if seen.path == "/kinds.jsonl"] == [None, '"2"']


async def test_a_new_etag_alone_is_no_change(knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str) -> None:
    await _sync(knowledge, fetcher, rows)
    site.kept_page("/tea", "<title>Tea</title><p>We ship tea on Mondays.</p>", etag='"other"')
    assert (await _sync(knowledge, fetcher, rows)).unchanged == 3


async def test_for_another_audience_everything_is_stored_again(knowledge: KnowledgeService, fetcher: SourceFetcher, rows: str) -> None:
    await _sync(knowledge, fetcher, rows)
    assert (await _sync(knowledge, fetcher, rows, tier=Tier.OPERATORS)).indexed == 3
    assert await knowledge.count_documents(Audience.public()) == 0


async def test_what_left_the_sitemap_and_what_is_gone_is_removed(
    knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str
) -> None:
    await _sync(knowledge, fetcher, rows)
    del site.pages["/kinds.jsonl"]
    report = await _sync(knowledge, fetcher, rows)
    assert (report.unchanged, report.removed, len(report.failed)) == (1, 2, 1)
    site.sitemap("/sitemap.xml", ["/kinds.jsonl"])
    assert (await _sync(knowledge, fetcher, rows)).removed == 1
    assert await knowledge.count_documents() == 0


async def test_what_cannot_be_fetched_now_stays_with_all_its_rows(
    knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str
) -> None:
    await _sync(knowledge, fetcher, rows)
    site.page("/kinds.jsonl", "", status=500)
    site.sitemap("/sitemap.xml", ["/kinds.jsonl"])
    report = await _sync(knowledge, fetcher, rows)
    assert (report.removed, len(report.failed), report.incomplete) == (1, 1, False)
    assert await knowledge.count_documents() == 2


async def test_a_page_is_known_however_the_sitemap_spells_it(
    knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str
) -> None:
    site.page("/gr%C3%BC%C3%9Fe", "<p>Greetings.</p>")
    site.sitemap("/sitemap.xml", ["/grüße", "/gr%C3%BC%C3%9Fe#top"])
    assert (await _sync(knowledge, fetcher, rows)).indexed == 1
    site.page("/gr%C3%BC%C3%9Fe", "", status=500)
    report = await _sync(knowledge, fetcher, rows)
    assert (report.removed, len(report.failed)) == (0, 1)
    assert await knowledge.count_documents() == 1


async def test_what_leads_to_one_page_stays_one_document(
    knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str
) -> None:
    site.redirect("/old", "/tea")
    site.sitemap("/sitemap.xml", ["/old", "/tea"])
    assert (await _sync(knowledge, fetcher, rows)).indexed == 1
    again = await _sync(knowledge, fetcher, rows)
    assert (again.indexed, again.unchanged, again.removed, again.failed) == (0, 1, 0, ())


async def test_nothing_is_removed_while_it_is_not_known_which_pages_there_are(
    knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str
) -> None:
    await _sync(knowledge, fetcher, rows)
    site.page("/sitemap.xml", "<urlset><url>", "application/xml")
    report = await _sync(knowledge, fetcher, rows)
    assert (report.removed, len(report.failed), report.incomplete) == (0, 1, True)
    assert await knowledge.count_documents() == 3


async def test_a_page_is_fetched_again_only_when_it_changed(
    knowledge: KnowledgeService, fetcher: SourceFetcher, site: Site, rows: str
) -> None:
    await _sync(knowledge, fetcher, rows)
    stored = {document.origin: document for document in await knowledge.list_documents(audience=EVERYONE)}
    tea = stored[f"{site.url}/tea"]
    assert await fetcher.fetch_again(tea) is None
    site.kept_page("/tea", "<title>Tea</title><p>We ship tea on Fridays.</p>", etag='"9"')
    again = await fetcher.fetch_again(tea)
    assert isinstance(again, SourceDocument)
    assert (again.origin, again.scope, again.tier) == (tea.origin, tea.scope, tea.tier)
    assert b"Fridays" in again.data


async def test_a_folder_in_which_a_table_cannot_be_read_keeps_its_rows(knowledge: KnowledgeService, tmp_path: Path) -> None:
    (tmp_path / "kinds.jsonl").write_text('{"id": 1, "text": "One."}\n{"id": 2, "text": "Two."}\n', encoding="utf-8")
    (tmp_path / "tea.md").write_text("# Tea\n\nHot.", encoding="utf-8")
    scope = scope_of(tmp_path)
    assert (await knowledge.ingest(FileSources([tmp_path]), sync_scope=scope)).indexed == 3
    (tmp_path / "tea.md").unlink()
    for content in (b"\xff\xfb", b'{"id": 1, "text": "One."}\n{broken\n', b" " * 100):
        (tmp_path / "kinds.jsonl").write_bytes(content)
        report = await knowledge.ingest(FileSources([tmp_path], max_bytes=90), sync_scope=scope)
        assert len(report.failed) == 1
        assert await knowledge.count_documents() == 2
