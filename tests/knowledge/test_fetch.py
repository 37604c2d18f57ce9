"""Pages of the web: what is taken of them, what is refused, and what it may cost."""

import asyncio
import gzip
import zlib

import pytest
from aiohttp import web

from deskhand.errors import DeskhandError, TooLarge, UnsupportedKind
from deskhand.knowledge.fetch import FetchFailed, PageGone, SourceFetcher, TimeLimits
from knowledge.fetching import LOCAL, MEGABYTE
from parts.sites import Names, Site


async def test_a_page_is_a_document_with_its_final_address(fetcher: SourceFetcher, site: Site) -> None:
    site.redirect("/help", "/en/help?a=1", 301)
    site.page("/en/help?a=1", "<h1>Help</h1>", ETag='"1"', Last_Modified="Sun, 01 Nov 2026 00:00:00 GMT")
    document = await fetcher.fetch(f"{site.url}/help#top")
    assert (document.origin, document.url, document.filename) == (f"{site.url}/help", f"{site.url}/en/help?a=1", "help.html")
    assert document.metadata["fetched"] == {
        "from": f"{site.url}/help",
        "url": f"{site.url}/en/help?a=1",
        "etag": '"1"',
        "last_modified": "Sun, 01 Nov 2026 00:00:00 GMT",
    }


@pytest.mark.parametrize(
    ("path", "kind", "filename"),
    [
        ("/page.php", "text/html", "page.html"),
        ("/guide.md", "text/plain; charset=utf-8", "guide.md"),
        ("/guide.md", "application/octet-stream", "guide.md"),
        ("/notes", "text/plain", "notes.txt"),
        ("/a/rows", "application/x-ndjson", "rows.jsonl"),
        ("/", "text/html", "127.0.0.1.html"),
        ("/v1.2", "text/markdown", "v1.md"),
        ("/table.csv", "", "table.csv"),
    ],
)
async def test_the_kind_is_what_the_site_says_it_is(fetcher: SourceFetcher, site: Site, path: str, kind: str, filename: str) -> None:
    site.page(path, "words", kind)
    assert (await fetcher.fetch(site.url + path)).filename == filename


@pytest.mark.parametrize(
    ("path", "kind"), [("/film.mp4", "video/mp4"), ("/a.html", "image/x-icon"), ("/thing", "application/octet-stream")]
)
async def test_what_cannot_be_read_is_refused_before_it_is_downloaded(fetcher: SourceFetcher, site: Site, path: str, kind: str) -> None:
    sent = asyncio.Event()

    async def film(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        finally:
            sent.set()

    site.pages[path] = film
    with pytest.raises(UnsupportedKind):
        await fetcher.fetch(site.url + path)
    async with asyncio.timeout(5):
        await sent.wait()


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/real", "{site}/real"),
        ("{site}/real?x=1&amp;y=2", "{site}/real?x=1&y=2"),
        ("https://evil.example/real", "{site}/page"),
        ("javascript:alert(1)", "{site}/page"),
        ("", "{site}/page"),
    ],
)
async def test_a_page_names_another_address_for_itself_on_its_own_site_alone(
    fetcher: SourceFetcher, site: Site, href: str, url: str
) -> None:
    href = href.replace("{site}", site.url)
    site.page("/page", f'<html><head><!-- <link rel=canonical href="/no"> --><LINK REL="canonical" href="{href}"></head>words')
    assert (await fetcher.fetch(f"{site.url}/page")).url == url.replace("{site}", site.url)


@pytest.mark.parametrize(
    ("status", "error"), [(404, PageGone), (410, PageGone), (403, FetchFailed), (500, FetchFailed), (204, FetchFailed)]
)
async def test_an_answer_that_is_no_page_is_an_error_that_says_so(
    fetcher: SourceFetcher, site: Site, status: int, error: type[DeskhandError]
) -> None:
    site.page("/x", "", status=status)
    with pytest.raises(error, match=str(status)):
        await fetcher.fetch(f"{site.url}/x")


async def test_redirects_end_somewhere(fetcher: SourceFetcher, site: Site) -> None:
    for number in range(5):
        site.redirect(f"/{number}", f"/{number + 1}")
    site.page("/5", "words")
    assert (await fetcher.fetch(f"{site.url}/2")).url == f"{site.url}/5"
    with pytest.raises(FetchFailed, match="more than 3 times"):
        await fetcher.fetch(f"{site.url}/1")


# Limits


@pytest.mark.parametrize("packed", [False, True])
async def test_a_page_that_is_too_large_is_not_read_to_its_end(fetcher: SourceFetcher, site: Site, packed: bool) -> None:
    pieces = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal pieces
        response = web.StreamResponse(headers={"Content-Type": "text/html"} | ({"Content-Encoding": "gzip"} if packed else {}))
        await response.prepare(request)
        packer = zlib.compressobj(wbits=31)
        while True:
            pieces += 1
            piece = b"a" * 500_000
            await response.write(packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if packed else piece)
            await asyncio.sleep(0)

    site.pages["/"] = endless
    with pytest.raises(TooLarge):
        await fetcher.fetch(site.url)
    assert pieces < 1_000


async def test_a_bomb_costs_no_more_than_the_limit(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/bomb", gzip.compress(bytes(100 * MEGABYTE)), "text/html", Content_Encoding="gzip")
    site.page("/twice", gzip.compress(gzip.compress(bytes(MEGABYTE))), "text/html", Content_Encoding="gzip, gzip")
    site.page("/members", gzip.compress(b"") * 50_000, "text/html", Content_Encoding="gzip")
    site.page("/none", b"no gzip", "text/html", Content_Encoding="gzip")
    site.page("/cut", gzip.compress(b"words" * 1000)[:-9], "text/html", Content_Encoding="gzip")
    site.page("/brotli", b"\x0b", "text/html", Content_Encoding="br")
    with pytest.raises(TooLarge):
        await fetcher.fetch(f"{site.url}/bomb")
    for path in ("twice", "members", "none", "cut", "brotli"):
        with pytest.raises(FetchFailed):
            await fetcher.fetch(f"{site.url}/{path}")


async def test_a_packed_page_is_unpacked(fetcher: SourceFetcher, site: Site) -> None:
    site.page("/", gzip.compress(b"<p>one</p>") + gzip.compress(b"<p>two</p>"), "text/html", Content_Encoding="gzip")
    assert (await fetcher.fetch(site.url)).data == b"<p>one</p><p>two</p>"


async def test_a_server_that_falls_silent_or_drips_is_given_up(site: Site, names: Names) -> None:
    released = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while not released.is_set():
            await response.write(b".")
            await asyncio.sleep(0.05)
        return response

    site.pages |= {"/silent": silent, "/dripping": dripping}
    limits = TimeLimits(connect=1, silence=0.3, total=1)
    async with SourceFetcher(LOCAL, resolver=names, limits=limits) as fetcher:
        for path in ("silent", "dripping"):
            with pytest.raises(FetchFailed, match="in time"):
                await fetcher.fetch(f"{site.url}/{path}")
    released.set()


async def test_what_is_no_http_is_an_error(fetcher: SourceFetcher) -> None:
    async def shout(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    async with server:
        with pytest.raises(FetchFailed):
            await fetcher.fetch(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
