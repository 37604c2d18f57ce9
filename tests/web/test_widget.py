"""The widget on a company's own pages: it answers there, whatever the page does, and for everybody."""

import gzip
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Page, expect

from parts.ports import find_free_port
from web.conftest import Visitor
from web.shop import HOSTILE_STYLES, Shop
from web.site import Site
from web.widget_page import Widget

PAGES = Path(__file__).parents[2] / "src" / "deskhand" / "api" / "pages"
SECRET = "the-secret-of-the-shop-0123456789-0123456789"
PHONE = {"viewport": {"width": 390, "height": 800}}
LANGUAGES = {
    "en": "How can we help?",
    "de": "Wie können wir helfen?",
    "fr": "Comment pouvons-nous vous aider ?",
    "es": "¿En qué podemos ayudarle?",
    "it": "Come possiamo aiutarla?",
    "pt": "Como podemos ajudar?",
    "nl": "Waarmee kunnen we helpen?",
    "ar": "كيف يمكننا مساعدتك؟",
}


@pytest.fixture(scope="module")
def shop_and_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Site]]:
    with Shop(find_free_port()) as shop:
        settings = {
            "DESKHAND_CORS_ORIGINS": shop.address,
            "DESKHAND_WIDGET_SECRET": SECRET,
        }
        desk = Site(tmp_path_factory.mktemp("desk"), port=find_free_port(), settings=settings)
        desk.start()
        yield shop, desk
        desk.close()


@pytest.fixture
def shop(shop_and_desk: tuple[Shop, Site]) -> Shop:
    shop, desk = shop_and_desk
    shop.reset(desk.address)
    return shop


@pytest.fixture
def desk(shop_and_desk: tuple[Shop, Site]) -> Site:
    return shop_and_desk[1]


@pytest.fixture
def visit(new_visitor: Callable[..., Visitor], shop: Shop) -> Iterator[Callable[..., Widget]]:
    """Open the shop's page. What it asks of the shop itself is no complaint."""
    visitors: list[Visitor] = []

    def start(*, prepare: str = "", **options: Any) -> Widget:
        visitor = new_visitor(**options)
        visitors.append(visitor)
        visitor.address = shop.desk
        if prepare:
            visitor.context.add_init_script(prepare)
        page = visitor.context.new_page()
        page.goto(f"{shop.address}/")
        page.wait_for_function("() => 'Deskhand' in window")
        return Widget(page)

    def is_the_shop_s(complaint: str) -> bool:
        # That a site may not ask is told by the browser, and not to us.
        return complaint.startswith(f"request: {shop.address}/") or "has been blocked by CORS policy" in complaint

    yield start
    for visitor in visitors:
        visitor.complaints[:] = [complaint for complaint in visitor.complaints if not is_the_shop_s(complaint)]


def session_of(widget: Widget) -> str:
    session: str = widget.page.evaluate("JSON.parse(localStorage.getItem('deskhand.session')).sessionId")
    return session


def test_the_button_and_the_conversation_are_light() -> None:
    assert len(gzip.compress((PAGES / "widget.js").read_bytes())) < 25 * 1024
    panel = len(gzip.compress((PAGES / "widget-panel.js").read_bytes()))
    words = max(len(gzip.compress(path.read_bytes())) for path in PAGES.glob("assets/widget-*.js"))
    assert panel + words < 45 * 1024


def test_the_conversation_is_loaded_with_the_first_click(new_visitor: Callable[..., Visitor], quoting_site: Site) -> None:
    visitor = new_visitor()
    visitor.address = quoting_site.address
    asked: list[str] = []
    visitor.context.on("request", lambda request: asked.append(request.url.removeprefix(quoting_site.address)))
    page = visitor.context.new_page()
    page.goto(f"{quoting_site.address}/demo", wait_until="networkidle")
    assert [path for path in asked if not path.startswith(("/assets/demo", "/favicon"))] == ["/demo", "/widget.js"]
    widget = Widget(page)
    widget.open()
    assert "/widget-panel.js" in asked


def test_a_question_is_answered_with_its_source_and_the_answer_can_be_judged(visit: Callable[..., Widget]) -> None:
    widget = visit()
    widget.open()
    expect(widget.message).to_be_focused()
    widget.panel.get_by_role("button", name="How do I reset my password?").click()
    widget.wait_until_complete()
    widget.answers.get_by_role("button", name=re.compile("^Source 1: ")).first.click()
    expect(widget.answers.locator("details").first).to_have_attribute("open", "")
    helpful = widget.answers.get_by_role("button", name="This helped", exact=True)
    with widget.page.expect_response(lambda response: response.url.endswith("/feedback")) as judged:
        helpful.click()
    assert judged.value.ok
    expect(helpful).to_have_attribute("aria-pressed", "true")


def test_a_person_speaks_in_the_widget_and_the_conversation_is_rated(visit: Callable[..., Widget], desk: Site) -> None:
    widget = visit()
    widget.open()
    widget.panel.get_by_role("button", name="Talk to a person").first.click()
    expect(widget.panel.get_by_role("region", name="A person takes it from here")).to_be_visible()
    conversation = f"/desk/conversations/{session_of(widget)}"
    desk.ask_desk("POST", f"{conversation}/claim", {})
    desk.ask_desk("POST", f"{conversation}/messages", {"message": "Good morning, how can I help?"})
    expect(widget.panel.locator(".person-words")).to_have_text("Good morning, how can I help?")
    desk.ask_desk("POST", f"{conversation}/messages", {"message": "It is at https://help.example.com/a?b=1, or <b>ask</b> me."})
    said = widget.panel.locator(".person-words").last
    expect(said).to_have_text("It is at https://help.example.com/a?b=1, or <b>ask</b> me.")
    expect(said.get_by_role("link")).to_have_attribute("href", "https://help.example.com/a?b=1")
    desk.ask_desk("POST", f"{conversation}/resolve", {})
    expect(widget.panel.get_by_role("group", name="How did we do?")).to_be_visible()
    with widget.page.expect_response(lambda response: response.url.endswith("/rating")) as rated:
        widget.panel.get_by_role("button", name="4 of 5").click()
    assert rated.value.ok
    assert desk.ask_desk("GET", conversation)["rating"] is not None


def test_what_is_said_while_the_panel_is_closed_is_counted_and_told(visit: Callable[..., Widget], desk: Site) -> None:
    widget = visit()
    widget.page.evaluate("() => { window.heard = []; Deskhand.on('message', (news) => heard.push(news)); }")
    widget.open()
    widget.panel.get_by_role("button", name="Talk to a person").first.click()
    expect(widget.panel.get_by_role("region", name="A person takes it from here")).to_be_visible()
    widget.page.evaluate("Deskhand.close()")
    expect(widget.panel).to_be_hidden()
    desk.ask_desk("POST", f"/desk/conversations/{session_of(widget)}/messages", {"message": "Are you there?"})
    expect(widget.badge).to_have_text("1")
    expect(widget.launcher).to_have_accessible_name("Open chat (1 unread)")
    widget.page.wait_for_function("() => heard.some((news) => news.author === 'operator' && news.text === 'Are you there?')")
    widget.page.reload()
    expect(widget.badge).to_have_text("1")
    widget.open()
    expect(widget.badge).to_be_hidden()


def test_a_hostile_page_can_neither_stop_it_nor_change_how_it_looks(visit: Callable[..., Widget], shop: Shop) -> None:
    socket = shop.desk.replace("http", "ws")
    shop.styles = HOSTILE_STYLES
    shop.policy = (
        f"default-src 'none'; script-src {shop.desk}; style-src 'self'; connect-src {shop.desk} {socket}; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    throws = "{get() { throw new DOMException('', 'SecurityError'); }}"
    forbid = "".join(f"Object.defineProperty(window, '{name}', {throws});" for name in ("localStorage", "sessionStorage"))
    widget = visit(prepare=forbid)
    box = widget.launcher.bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (56, 56)
    widget.open()
    size, direction = widget.message.evaluate("(field) => [getComputedStyle(field).fontSize, getComputedStyle(field).direction]")
    assert (round(float(size.removesuffix("px"))), direction) == (16, "ltr")
    widget.ask("How do I reset my password?")
    widget.wait_until_complete()
    expect(widget.said).to_have_count(1)


def test_a_site_that_is_not_allowed_gets_no_conversation(visit: Callable[..., Widget], shop: Shop, quoting_site: Site) -> None:
    shop.reset(quoting_site.address)
    widget = visit()
    widget.launcher.click()
    expect(widget.panel.get_by_text("The chat cannot be loaded at present.")).to_be_visible()


def test_what_is_written_offline_is_sent_once_when_the_line_is_back(visit: Callable[..., Widget], desk: Site) -> None:
    widget = visit()
    widget.open()
    widget.ask("How do I reset my password?")
    widget.wait_until_complete()
    widget.page.context.set_offline(True)
    widget.ask("How do I get a refund?")
    expect(widget.said.nth(1)).to_have_attribute("data-delivery", "waiting")
    expect(widget.panel.get_by_text("You are offline.")).to_be_visible()
    widget.page.context.set_offline(False)
    expect(widget.said.nth(1)).to_have_attribute("data-delivery", "stored")
    widget.wait_until_complete(1)
    stored = desk.ask_desk("GET", f"/chat/sessions/{session_of(widget)}/messages")["messages"]
    assert len(stored) == 4
    expect(widget.said).to_have_count(2)


def test_a_file_goes_with_a_message(visit: Callable[..., Widget]) -> None:
    widget = visit()
    widget.open()
    order = {"name": "order.md", "mimeType": "text/markdown", "buffer": b"# Order 2231\n\nThe order 2231 holds two blue kettles.\n"}
    widget.panel.locator("#files").set_input_files([order])
    expect(widget.panel.get_by_label("Files to send").locator("progress")).to_be_hidden()
    widget.ask("What does the order 2231 hold?")
    widget.wait_until_complete()
    expect(widget.said.first.get_by_text("order.md")).to_be_visible()
    expect(widget.answers.first).to_contain_text("kettles")


def test_the_conversation_can_be_kept_as_a_file(visit: Callable[..., Widget]) -> None:
    widget = visit()
    widget.open()
    widget.ask("How do I reset my password?")
    widget.wait_until_complete()
    with widget.page.expect_download() as download:
        widget.panel.get_by_role("button", name="Save this conversation as a file").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "How do I reset my password?" in text
    assert "Forgot password?" in text


def test_a_signed_customer_is_known_and_goes_on_in_the_same_conversation(visit: Callable[..., Widget], desk: Site) -> None:
    widget = visit()
    widget.open()
    widget.ask("How do I reset my password?")
    widget.wait_until_complete()
    now = int(time.time())
    token = jwt.encode({"sub": "ada", "aud": "deskhand", "iat": now, "exp": now + 60, "jti": f"one-{now}"}, SECRET, algorithm="HS256")
    listen = "window.identities = []; Deskhand.on('identity', (news) => identities.push(news.state))"
    widget.page.evaluate(f"(token) => {{ {listen}; Deskhand.identify(token); }}", token)
    widget.page.wait_for_function("() => identities.includes('verified')")
    assert desk.ask_desk("GET", f"/sessions/{session_of(widget)}")["user_id"] == "ada"
    widget.ask("How do I get a refund?")
    widget.wait_until_complete(1)
    expect(widget.said).to_have_count(2)
    widget.page.evaluate("(token) => Deskhand.identify(token)", token)
    widget.page.wait_for_function("() => identities.includes('refused')")
    widget.page.reload()
    widget.open()
    expect(widget.said).to_have_count(2)


def test_everything_can_be_done_from_the_keyboard(visit: Callable[..., Widget]) -> None:
    widget = visit()
    keyboard = widget.page.keyboard
    widget.launcher.focus()
    keyboard.press("Enter")
    expect(widget.message).to_be_focused()
    focused = "() => document.querySelector('deskhand-widget').shadowRoot.activeElement?.closest('.panel') !== null"
    for key in ["Tab"] * 14 + ["Shift+Tab"] * 14:
        keyboard.press(key)
        assert widget.page.evaluate(focused)
    keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_the_visitor_s_language(visit: Callable[..., Widget], shop: Shop, language: str) -> None:
    shop.language = f"{language}-XX"
    widget = visit()
    widget.open()
    expect(widget.panel.get_by_role("heading", name=LANGUAGES[language])).to_be_visible()
    expect(widget.panel).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")


def test_the_page_says_how_it_looks(visit: Callable[..., Widget], shop: Shop) -> None:
    shop.script = 'data-color="#ffd400" data-side="left" data-greeting="Hello!" data-suggestions="One?|Two?" data-theme="light"'
    widget = visit()
    box = widget.launcher.bounding_box()
    assert box is not None
    assert box["x"] < 40
    widget.open()
    expect(widget.panel.get_by_role("heading", name="Hello!")).to_be_visible()
    expect(widget.panel.locator(".suggestion")).to_have_text(["One?", "Two?"])


@pytest.mark.parametrize(
    ("scheme", "size", "language"),
    [("light", {}, "en"), ("dark", PHONE, "en"), ("dark", {}, "ar"), ("light", PHONE, "ar")],
    ids=["light desktop", "dark phone", "dark desktop, right to left", "light phone, right to left"],
)
def test_axe_finds_no_barrier(
    visit: Callable[..., Widget], shop: Shop, find_barriers: Callable[[Page], list[str]], scheme: str, size: dict[str, Any], language: str
) -> None:
    shop.script = f'data-language="{language}" data-color="#e4572e"'
    shop.styles = ":root { color-scheme: light dark } a { color: inherit }"
    widget = visit(color_scheme=scheme, reduced_motion="reduce", **size)
    assert find_barriers(widget.page) == []
    widget.open()
    assert find_barriers(widget.page) == []
    widget.ask("How do I reset my password?")
    widget.wait_until_complete()
    widget.answers.locator("summary").first.click()
    assert find_barriers(widget.page) == []
    widget.panel.locator(".top-button.offer-person").click()
    expect(widget.panel.locator(".escalation")).to_be_visible()
    assert find_barriers(widget.page) == []
