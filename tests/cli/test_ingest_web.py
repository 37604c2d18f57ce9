"""`deskhand ingest` with what is elsewhere: pages, sites, Git repositories."""

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from cli.program import COMMAND, Program
from cli.terminal import CTRL_C, Terminal
from cli.test_ingest import ingest
from parts.git_server import GitSite, commit, git, repository
from parts.missing import part_missing
from parts.sites import Site


@pytest.fixture
def program(program: Program) -> Program:
    program.settings["fetch_allowed_networks"] = "127.0.0.0/8"
    return program


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as found:
        found.kept_page("/tea", "<title>Tea</title><h1>Tea</h1><p>We ship tea on Mondays.</p>", etag='"tea"')
        found.kept_page("/dog", "<title>Dog</title><h1>The dog</h1><p>The dog in our shop is called Rex.</p>", etag='"dog"')
        found.sitemap("/sitemap.xml", ["/tea", "/dog"])
        yield found


async def test_a_site_goes_in_by_its_sitemap_and_answers_with_its_addresses(program: Program, site: Site) -> None:
    assert (await ingest(program, f"{site.url}/sitemap.xml"))["indexed"] == 2
    answer = json.loads((await program.run("ask", "--json", "What is the dog in the shop called?")).went_well().out)
    assert answer["sources"][0]["metadata"]["url"] == f"{site.url}/dog"
    assert "Rex" in answer["message"]


async def test_what_a_site_says_has_not_changed_is_not_fetched_again(program: Program, site: Site) -> None:
    await ingest(program, f"{site.url}/sitemap.xml")
    site.kept_page("/dog", "<title>Dog</title><h1>The dog</h1><p>The dog in our shop is called Max.</p>", etag='"dog2"')
    site.seen.clear()
    again = await ingest(program, "--sync", f"{site.url}/sitemap.xml")
    assert (again["indexed"], again["unchanged"], again["removed"]) == (1, 1, 0)
    assert {seen.path: seen.headers.get("If-None-Match") for seen in site.seen} == {
        "/robots.txt": None,
        "/sitemap.xml": None,
        "/tea": '"tea"',
        "/dog": '"dog"',
    }


async def test_an_address_that_is_added_again_is_fetched_only_if_it_changed_or_is_given_dates(program: Program, site: Site) -> None:
    add = ("knowledge", "add", "--json", f"{site.url}/sitemap.xml")
    assert json.loads((await program.run(*add)).went_well().out)["indexed"] == 2
    site.kept_page("/dog", "<title>Dog</title><h1>The dog</h1><p>The dog in our shop is called Max.</p>", etag='"dog2"')
    site.seen.clear()
    again = json.loads((await program.run(*add)).went_well().out)
    assert (again["indexed"], again["unchanged"]) == (1, 1)
    assert {seen.headers.get("If-None-Match") for seen in site.seen if seen.path in ("/tea", "/dog")} == {'"tea"', '"dog"'}
    dated = json.loads((await program.run(*add, "--until", "2099-01-01")).went_well().out)
    assert (dated["indexed"], dated["unchanged"]) == (2, 0)


async def test_pages_rows_and_folders_can_be_named_together(program: Program, site: Site, handbook: Path) -> None:
    site.page("/faq.jsonl", '{"id": 1, "text": "One."}\n{"id": 2, "text": "Two."}\n', "application/jsonl", ETag='"1"')
    given = (f"{site.url}/tea", str(handbook), f"{site.url}/faq.jsonl#here", f"{site.url}/tea")
    assert (await ingest(program, *given))["indexed"] == 6
    assert (await ingest(program, *given))["unchanged"] == 6


async def test_a_network_that_is_not_public_is_refused(program: Program, site: Site) -> None:
    program.settings["fetch_allowed_networks"] = ""
    done = await program.run("ingest", f"{site.url}/tea")
    done.refused("neither on the public internet")
    assert done.out.startswith("0 indexed, 0 unchanged, 0 removed, 1 failed")
    assert site.seen == []


@pytest.mark.parametrize("location", ["ssh://git@github.com/o/r.git", "git@github.com:o/r.git", "ftp://example.com/x"])
async def test_an_address_that_is_not_fetched_is_wrong_usage(program: Program, location: str) -> None:
    (await program.run("ingest", location)).refused("http", code=2)


async def test_an_address_with_a_password_is_refused_without_saying_it(program: Program) -> None:
    done = await program.run("ingest", "https://me:hunter2@example.com/")
    done.refused("password")
    assert "hunter2" not in done.err + done.out


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context for `name`, and the certificate that has to be trusted for it."""
    if shutil.which("openssl") is None:
        part_missing("openssl", "Install it from your distribution.")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    wanted = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "1", "-keyout", str(key), "-out", str(certificate)]
    line = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *wanted]
    subprocess.run(line, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


async def test_a_site_has_to_prove_that_it_is_who_was_asked_for(program: Program, tmp_path: Path) -> None:
    program.settings["fetch_allowed_networks"] = "127.0.0.0/8,::1/128"
    context, certificate = _certificate(tmp_path, "localhost")
    async with Site(tls=context) as site:
        site.page("/", "<h1>Tea</h1><p>We ship tea on Mondays.</p>")
        named, numbered = f"https://localhost:{site.port}/", f"https://127.0.0.1:{site.port}/"
        (await program.run("ingest", named)).refused("certificate is not valid")
        trusting = {"SSL_CERT_FILE": str(certificate)}
        assert (await program.run("ingest", named, extra_environment=trusting)).went_well().out.startswith("1 indexed")
        (await program.run("ingest", numbered, extra_environment=trusting)).refused("certificate is not valid")


async def test_ctrl_c_while_a_site_is_read_keeps_what_is_in(program: Program, site: Site) -> None:
    stuck = asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        await stuck.wait()
        return web.Response(text="<p>Late.</p>", content_type="text/html")

    pages = [f"/{number}" for number in range(40)]
    for number, page in enumerate(pages):
        site.page(page, f"<h1>Page {number}</h1><p>Room {number} is blue.</p>", ETag=f'"{number}"')
    site.pages["/36"] = wait
    site.sitemap("/sitemap.xml", pages)
    command = [*COMMAND, "ingest", f"{site.url}/sitemap.xml"]
    with Terminal(command, folder=str(program.folder), environment=program.environment()) as terminal:
        await terminal.wait_for("32/40")
        terminal.press(CTRL_C)
        assert await terminal.wait_for_end() == 130
    assert "Traceback" not in terminal.shown
    stuck.set()
    report = await ingest(program, f"{site.url}/sitemap.xml")
    assert (report["unchanged"], report["indexed"]) == (32, 8)


async def test_a_repository_is_kept_in_step(program: Program, tmp_path: Path) -> None:
    work = repository(tmp_path / "help.git", {"a.md": "# A\n\nApples are red.", "docs/b.md": "# B\n\nBananas are yellow."})
    async with GitSite(tmp_path) as site:
        url = f"{site.url}/help.git"
        assert (await ingest(program, url))["indexed"] == 2
        git(work, "rm", "--quiet", "a.md")
        commit(work, {"docs/c.md": "# C\n\nCherries are dark."})
        report = await ingest(program, "--sync", url)
        assert (report["indexed"], report["unchanged"], report["removed"]) == (1, 1, 1)
        git(work, "update-ref", "-d", "refs/heads/main")
        assert (await ingest(program, "--sync", url, code=1))["removed"] == 0


async def test_of_a_checkout_git_says_what_is_meant(program: Program, tmp_path: Path) -> None:
    work = repository(tmp_path / "work", {"a.md": "# A\n\nApples are red.", ".gitignore": "node_modules/\n"})
    (work / "node_modules").mkdir()
    (work / "node_modules" / "README.md").write_text("# Noise\n\nNoise.", encoding="utf-8")
    assert (await ingest(program, str(work)))["indexed"] == 1
    assert (await ingest(program, str(work / "node_modules")))["indexed"] == 1
    done = (await program.run("ingest", str(work), extra_environment={"PATH": str(tmp_path)})).went_well()
    assert "git" in done.err
    assert "2 indexed" in done.out or "1 indexed, 1 unchanged" in done.out
