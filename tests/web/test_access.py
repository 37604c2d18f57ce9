"""The page is there for everybody: without a mouse, with a screen reader, on a phone, in the dark, at 200 %."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from deskhand.testing.replies import refuse_status, say
from web.chat_page import Chat
from web.conftest import Visitor
from web.site import Model, Site

PHONE = {"viewport": {"width": 390, "height": 800}}
RICH = (
    "### Delivery\n\nIt takes **two days**, see [help](https://help.example.com/x).\n\n| Where | Days |\n|---|--:|\n| Here | 2 |\n\n"
    "- one\n- two\n\n> quoted\n\n```\nNW-1234-5678 in transit Hamburg and then further on its way to the north\n```\n"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_barrier(
    new_visitor: Callable[..., Visitor],
    quoting_site: Site,
    scripted_site: Site,
    model: Model,
    find_barriers: Callable[[Page], list[str]],
    scheme: str,
    size: dict[str, object],
) -> None:
    # Without motion nothing is half transparent while it is looked at.
    chat = new_visitor(color_scheme=scheme, reduced_motion="reduce", **size).open(quoting_site)
    expect(chat.page.get_by_role("heading", name="How can we help?")).to_be_visible()
    assert find_barriers(chat.page) == []
    chat.ask("How do I reset my password?")
    chat.wait_until_complete().locator("summary").first.click()
    assert find_barriers(chat.page) == []
    chat.add_file("photo.png", b"x", kind="image/png")
    chat.add_file("order.txt", b"Order 2231")
    chat.page.get_by_role("button", name="Talk to a person").click()
    expect(chat.escalation).to_be_visible()
    assert find_barriers(chat.page) == []

    scripted = new_visitor(color_scheme=scheme, reduced_motion="reduce", **size).open(scripted_site)
    model.reply_with(say(RICH))
    scripted.ask("Where is my parcel?")
    scripted.wait_until_complete()
    model.reply_with(refuse_status(401))
    scripted.ask("And now?")
    expect(scripted.answer(1)).to_have_attribute("data-state", "failed")
    assert find_barriers(scripted.page) == []
    scripted.page.get_by_role("button", name="New conversation").click()
    assert find_barriers(scripted.page) == []


def test_everything_can_be_done_from_the_keyboard(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    keyboard = chat.page.keyboard
    expect(chat.message).to_be_focused()
    keyboard.type("How do I reset")
    keyboard.press("Shift+Enter")
    keyboard.type("my password?")
    keyboard.press("Enter")
    expect(chat.said.first.locator(".bubble")).to_have_text("How do I reset\nmy password?", use_inner_text=True)
    answer = chat.wait_until_complete()
    expect(chat.message).to_be_focused()

    summary = answer.locator("summary").first
    _press_until_focused(chat, "Shift+Tab", summary)
    keyboard.press("Enter")
    expect(answer.locator("details").first).to_have_attribute("open", "")

    new = chat.page.get_by_role("button", name="New conversation")
    _press_until_focused(chat, "Shift+Tab", new)
    keyboard.press("Enter")
    expect(chat.page.get_by_role("dialog", name="Start a new conversation?")).to_be_visible()
    keyboard.press("Escape")
    expect(chat.page.get_by_role("dialog")).to_have_count(0)
    expect(new).to_be_focused()
    expect(chat.said).to_have_count(1)


def _press_until_focused(chat: Chat, key: str, wanted: Locator) -> None:
    for _ in range(40):
        chat.page.keyboard.press(key)
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{key} does not lead there")


def test_a_screen_reader_hears_whole_sentences_once(visitor: Visitor, scripted_site: Site, model: Model) -> None:
    chat = visitor.open(scripted_site)
    sentences = ["Open the sign-in page. ", "Choose **Forgot** ", "your password. ", "Then wait. "]
    model.reply_with(say(*sentences, between_seconds=0.2))
    chat.ask("How?")
    chat.wait_until_complete()
    heard = chat.page.locator("#announcements p")
    expect(heard.last).to_have_text("Answer complete.")
    spoken = heard.all_inner_texts()
    assert spoken[0] == "Message sent."
    said = " ".join(spoken[spoken.index("The assistant is working on an answer.") + 1 : -1])
    assert said == "Open the sign-in page. Choose Forgot your password. Then wait."
    expect(chat.page.get_by_role("log", name="Conversation")).to_have_attribute("aria-live", "off")


def test_a_restored_conversation_is_not_read_out(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    chat.ask("Hello. [model: answer tokens=10]")
    chat.wait_until_complete()
    chat.page.reload()
    chat.wait_until_complete()
    expect(chat.page.locator("#announcements p")).to_have_count(0)


def test_dark_is_chosen_by_the_device_and_by_the_visitor(new_visitor: Callable[..., Visitor], quoting_site: Site) -> None:
    chat = new_visitor(color_scheme="dark").open(quoting_site)
    assert _brightness(chat.page) < 60
    chat.page.get_by_role("button", name="Colours: as the device").click()
    assert _brightness(chat.page) > 200
    chat.page.reload()
    expect(chat.page.get_by_role("button", name="Colours: light")).to_be_visible()
    assert _brightness(chat.page) > 200
    chat.page.get_by_role("button", name="Colours: light").click()
    assert _brightness(chat.page) < 60


def _brightness(page: Page) -> float:
    """Of the page's background, 0 to 255."""
    colour: str = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
    return (red + green + blue) / 3


def test_nothing_is_cut_off_on_a_small_screen_or_at_twice_the_size(
    new_visitor: Callable[..., Visitor], scripted_site: Site, model: Model
) -> None:
    # 640 × 360 is a laptop's 1280 × 720 at 200 %; 320 is the narrowest that WCAG 1.4.10 asks for.
    for width, height in ((640, 360), (320, 568)):
        chat = new_visitor(viewport={"width": width, "height": height}, reduced_motion="reduce").open(scripted_site)
        model.reply_with(say(RICH))
        chat.ask("Where is my parcel?")
        chat.wait_until_complete()
        assert chat.page.evaluate("document.documentElement.scrollWidth") <= width
        assert chat.page.evaluate("document.getElementById('scroll').scrollWidth <= document.getElementById('scroll').clientWidth")
        assert chat.page.evaluate("document.getElementById('scroll').clientHeight") > height / 3
        expect(chat.message).to_be_in_viewport()
        for name in ("Talk to a person", "New conversation", "Send", "Attach a file"):
            expect(chat.page.get_by_role("button", name=name)).to_be_in_viewport()


def test_a_reader_who_scrolled_up_is_not_pulled_away(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    chat.ask("Much. [model: answer tokens=900]")
    chat.wait_until_complete()
    chat.ask("More. [model: answer tokens=200 every_ms=20]")
    chat.wait_until_writing(1)
    chat.page.locator("#scroll").evaluate("element => element.scrollTo(0, 0)")
    latest = chat.page.get_by_role("button", name="Latest")
    expect(latest).to_be_visible()
    chat.wait_until_complete(1)
    assert chat.page.locator("#scroll").evaluate("element => element.scrollTop") == 0
    latest.click()
    expect(latest).to_be_hidden()
    expect(chat.answer(1).locator("footer")).to_be_in_viewport()
