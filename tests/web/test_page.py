"""The page itself: what it weighs, and what it forbids."""

import gzip
from pathlib import Path

from playwright.sync_api import expect

from web.conftest import Visitor
from web.site import Site

ASSETS = Path(__file__).parents[2] / "src" / "deskhand" / "api" / "pages" / "assets"
MOST_COMPRESSED_BYTES = 60 * 1024
GIVE_FILES = """([target, kind]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([`given by ${kind}`], `${kind}.txt`, {type: 'text/plain'}));
    const options = {bubbles: true, cancelable: true};
    const event = kind === 'paste'
        ? new ClipboardEvent('paste', {...options, clipboardData: transfer})
        : new DragEvent('drop', {...options, dataTransfer: transfer});
    document.querySelector(target).dispatchEvent(event);
}"""


def test_the_page_allows_nothing_inline_and_nothing_from_elsewhere(visitor: Visitor, quoting_site: Site) -> None:
    response = visitor.context.request.get(f"{quoting_site.address}/chat")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    page = visitor.open(quoting_site).page
    # What the policy forbids is told on the console, where `Visitor` would take it for a fault of the page.
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.broken = true'}))")
    assert page.evaluate("window.broken") is None
    assert any("Content Security Policy" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def test_the_page_is_light(visitor: Visitor, quoting_site: Site) -> None:
    page = visitor.open(quoting_site).page
    loaded: list[str] = page.evaluate(
        "performance.getEntriesByType('resource').map(entry => entry.name).filter(name => /assets/.test(name))"
    )
    assert len(loaded) >= 2
    assert sum(len(gzip.compress((ASSETS / name.rsplit("/", 1)[1]).read_bytes())) for name in loaded) < MOST_COMPRESSED_BYTES


def test_files_can_be_dropped_and_pasted(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    expect(chat.page.get_by_role("heading", name="How can we help?")).to_be_visible()
    chat.page.evaluate(GIVE_FILES, ["main", "drop"])
    expect(chat.files.get_by_text("drop.txt")).to_be_visible()
    chat.page.evaluate(GIVE_FILES, ["#message", "paste"])
    expect(chat.files.get_by_text("paste.txt")).to_be_visible()
    expect(chat.files.locator("progress:visible")).to_have_count(0)
    chat.ask("What is in these files?")
    expect(chat.said.first.locator(".chip")).to_have_count(2)
