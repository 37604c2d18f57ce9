"""What the tests of the page may ask for: servers, and a browser that reports whatever the page must never do."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from parts.missing import part_missing
from parts.ports import find_free_port
from web.chat_page import Chat
from web.console_page import Console
from web.site import Model, Site

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "src" / "deskhand" / "api" / "pages" / "chat.html"
WAIT_MS = 60_000


# Not for the session: as long as Playwright runs, its event loop does, and other tests in this process bring loops of their own.
@pytest.fixture(scope="module")
def browser(chromium_path: Path, chromium_arguments: tuple[str, ...]) -> Iterator[Browser]:
    if not PAGES.is_file():
        part_missing("the pages", "Run `make pages`.")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(chromium_arguments))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def model() -> Iterator[Model]:
    with Model() as model:
        yield model


@pytest.fixture
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Start a server with these settings."""
    sites: list[Site] = []

    def start(**settings: str) -> Site:
        site = Site(tmp_path_factory.mktemp("site"), port=find_free_port(), settings=settings)
        site.start()
        sites.append(site)
        return site

    yield start
    for site in sites:
        site.close()


@pytest.fixture(scope="session")
def quoting_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server as it is out of the box, with the sample documents, and an identity provider that is never there. Tests share it: each
    has a session of its own."""
    provider = {"ISSUER": f"http://127.0.0.1:{find_free_port()}", "CLIENT_ID": "deskhand", "NAME": "Example ID"}
    settings = {f"DESKHAND_OIDC_{name}": value for name, value in provider.items()}
    site = Site(tmp_path_factory.mktemp("quoting"), port=find_free_port(), settings=settings)
    site.start()
    yield site
    site.close()


@pytest.fixture(scope="session")
def scripted_site(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Site]:
    """A server whose model does what a test says. Tests share it."""
    site = Site(tmp_path_factory.mktemp("scripted"), port=find_free_port(), settings=scripted(model))
    site.start()
    yield site
    site.close()


@pytest.fixture
def scripted_settings(model: Model) -> dict[str, str]:
    return scripted(model)


def scripted(model: Model) -> dict[str, str]:
    return {
        "DESKHAND_MODEL": "openai:test",
        "DESKHAND_MODEL_BASE_URL": model.base_url,
        "DESKHAND_MODEL_API_KEY": "test",
        "DESKHAND_LINK_HOSTS": "help.example.com",
    }


class Visitor:
    """One browser profile. Whatever its pages do that they must not is in `complaints`."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.address = ""
        context.on("request", lambda request: self._judge(request.url))
        context.on("console", lambda message: self._note(message.type, message.text))
        context.on("weberror", lambda error: self.complaints.append(f"error: {error.error}"))
        context.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def open(self, site: Site) -> Chat:
        self.address = site.address
        page = self.context.new_page()
        page.goto(f"{site.address}/chat")
        chat = Chat(page)
        chat.wait_until_ready()
        return chat

    def open_console(self, site: Site) -> Console:
        self.address = site.address
        page = self.context.new_page()
        page.goto(f"{site.address}/console")
        return Console(page)

    def _judge(self, url: str) -> None:
        if not url.startswith((self.address, self.address.replace("http", "ws"), "data:,")):
            self.complaints.append(f"request: {url}")

    def _note(self, kind: str, text: str) -> None:
        # A server that is away, or refuses, is told by the browser in the same place.
        if kind in {"error", "warning"} and "net::ERR" not in text and "Failed to load resource" not in text and "WebSocket" not in text:
            self.complaints.append(f"{kind}: {text}")


@pytest.fixture
def new_visitor(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Open a browser profile. The test fails when one of its pages asked another host, broke the security policy, or threw."""
    visitors: list[Visitor] = []

    def start(**options: Any) -> Visitor:
        visitor = Visitor(browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options}))
        visitors.append(visitor)
        return visitor

    yield start
    for visitor in visitors:
        visitor.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor()


@pytest.fixture(scope="session")
def find_barriers() -> Callable[[Page], list[str]]:
    """What axe-core finds on a page that keeps people out, as sentences."""
    source = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not source.is_file():
        part_missing("axe-core", "Run `make pages`." if shutil.which("node") else "Run `make dev pages`.")
    script = source.read_text(encoding="utf-8")

    def find(page: Page) -> list[str]:
        page.evaluate(script)
        found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['id']} ({violation['impact']}): {json.dumps([node['html'] for node in violation['nodes']])}"
            for violation in found["violations"]
        ]

    return find
