"""The console: an operator finds who waits, takes over, and answers; and what customers write can do nothing to it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from web.conftest import Visitor
from web.console_page import Console
from web.customer import Customer
from web.site import Site

EMAIL, PASSWORD = "ada@example.com", "lamp orchard violin nine"
PHONE = {"viewport": {"width": 390, "height": 800}}
HOSTILE = (
    "<img src=https://evil.example/x.png onerror=alert(1)><script>alert(1)</script> "
    "![x](https://evil.example/y.png) [a](javascript:alert(1))"
)
UNTIL_FOUND = """async words => {
  while ((await (await fetch(`/api/desk/conversations?view=all&q=${words}`)).json()).items.length !== 1)
    await new Promise(resolve => setTimeout(resolve, 50));
}"""

# By a part of the region in each frame, up to the first message; how far what is in sight was moved otherwise, in pixels.
READ_UP = """async first => {
  const region = document.querySelector(".transcript-scroll");
  const topOf = element => element.getBoundingClientRect().top;
  const moved = [];
  let seen = null;
  while (region.scrollTop > 0 || !region.textContent.includes(first)) {
    await new Promise(requestAnimationFrame);
    if (seen !== null) moved.push(Math.abs(topOf(seen.row) - seen.top));
    region.scrollTop -= 150;
    const row = [...region.querySelectorAll(".say")].find(each => topOf(each) > topOf(region));
    seen = row === undefined ? null : { row, top: topOf(row) };
  }
  return moved;
}"""
IS_LEFT_OUT = "words => !words.checkVisibility({ contentVisibilityAuto: true })"


@pytest.fixture(scope="module")
def site(quoting_site: Site) -> Site:
    quoting_site.create_account(EMAIL, PASSWORD, "--admin", "--name", "Ada Byron")
    return quoting_site


@pytest.fixture
def console(new_visitor: Callable[..., Visitor], site: Site) -> Console:
    return signed_in(new_visitor(), site)


def signed_in(visitor: Visitor, site: Site) -> Console:
    console = visitor.open_console(site)
    console.sign_in(EMAIL, PASSWORD)
    console.wait_until_signed_in()
    return console


def test_who_is_not_signed_in_sees_nothing_but_the_door(visitor: Visitor, site: Site) -> None:
    console = visitor.open_console(site)
    expect(console.page.get_by_role("heading", name="Welcome back")).to_be_visible()
    console.sign_in(EMAIL, "not the password")
    expect(console.page.get_by_role("alert")).to_contain_text("not right")
    console.sign_in(EMAIL, PASSWORD)
    console.wait_until_signed_in()
    console.page.reload()
    console.wait_until_signed_in()
    console.page.get_by_role("button", name="Sign out").click()
    expect(console.page.get_by_role("heading", name="Welcome back")).to_be_visible()
    console.page.reload()
    expect(console.page.get_by_role("heading", name="Welcome back")).to_be_visible()


def test_a_customer_who_asks_for_a_person_gets_one(console: Console, new_visitor: Callable[..., Visitor], site: Site) -> None:
    chat = new_visitor().open(site)
    chat.ask("How do I reset my password?")
    chat.wait_until_complete()
    chat.page.get_by_role("button", name="Talk to a person").first.click()
    expect(chat.escalation).to_be_visible()

    row = console.row_with(chat.session_id())
    expect(row).to_contain_text("Visitor")
    # What it is about, and not that a person is wanted.
    expect(row).to_contain_text("How do I reset my password?")
    row.click()
    expect(console.messages.locator(".say-ai").first).to_contain_text("sure")
    console.take_over()
    console.say("Hello, I am Ada. What happened?")
    expect(chat.page.locator(".person-words").last).to_have_text("Hello, I am Ada. What happened?")
    chat.ask("The link never came.")
    expect(console.messages.locator(".say-customer").last).to_contain_text("The link never came.")
    console.write_note("Their mail server refuses ours.")
    console.say("I have sent you another one.")
    expect(chat.page.locator(".person-words").last).to_have_text("I have sent you another one.")
    expect(chat.page.get_by_text("Their mail server refuses ours.")).to_have_count(0)
    console.press("e")
    expect(console.state).to_have_text("Resolved")


def test_what_is_new_comes_by_itself(console: Console, site: Site) -> None:
    customer = Customer(site)
    customer.ask_for_a_person()
    expect(console.row_of(customer.name)).to_contain_text("Waiting")
    console.open(customer.name)
    customer.say("Are you there?")
    expect(console.messages.locator(".say-customer").last).to_contain_text("Are you there?")
    expect(console.page.locator("#announcements")).to_have_text(f"{customer.name}: Are you there?")


def test_the_ai_falls_silent_when_somebody_takes_over_and_speaks_again_when_given_back(console: Console, site: Site) -> None:
    customer = Customer(site)
    customer.say("How do I reset my password?")
    console.page.goto(f"{site.address}/console#/inbox/ai/{customer.session_id}")
    answers = console.messages.locator(".say-ai")
    expect(answers).to_have_count(1)
    expect(console.reply).to_be_disabled()
    console.take_over()
    customer.say("How do I change my e-mail address?")
    expect(console.messages.locator(".say-customer")).to_have_count(2)
    console.press("b")
    console.page.get_by_role("button", name="Give it back").click()
    expect(console.state).to_have_text("With the AI")
    customer.say("What is the return policy?")
    expect(console.messages.locator(".say-customer")).to_have_count(3)
    expect(answers).to_have_count(2)


def test_two_operators_never_take_the_same_conversation(console: Console, new_visitor: Callable[..., Visitor], site: Site) -> None:
    site.create_account("bob@example.com", PASSWORD, "--name", "Bob")
    customer = Customer(site)
    customer.ask_for_a_person()
    other = new_visitor().open_console(site)
    other.sign_in("bob@example.com", PASSWORD)
    other.wait_until_signed_in()
    for each in (console, other):
        each.open(customer.name)
    console.take_over()
    expect(other.state).to_have_text("Ada Byron")
    expect(other.reply).to_be_disabled()
    other.take_over()
    expect(console.state).to_have_text("Bob")
    expect(console.reply).to_be_disabled()


def test_everything_is_one_key_away(console: Console, site: Site) -> None:
    customers = [Customer(site) for _ in range(2)]
    for customer in customers:
        customer.ask_for_a_person()
        expect(console.row_of(customer.name)).to_be_visible()
    console.press("j")
    expect(console.rows.first).to_have_attribute("aria-current", "true")
    console.press("j")
    expect(console.rows.nth(1)).to_have_attribute("aria-current", "true")
    console.press("k")
    expect(console.rows.first).to_have_attribute("aria-current", "true")
    console.press("?")
    expect(console.page.get_by_role("dialog", name="Keys")).to_be_visible()
    console.page.keyboard.press("Escape")
    console.take_over()
    console.press("z")
    console.page.get_by_role("dialog", name="Snooze until").get_by_role("button", name="In an hour").click()
    expect(console.state).to_have_text("Snoozed")
    # What was said is found a moment after it was said.
    console.page.evaluate(UNTIL_FOUND, customers[0].session_id)
    console.press("/")
    expect(console.page.get_by_label("Search conversations")).to_be_focused()
    console.page.keyboard.type(customers[0].session_id)
    expect(console.rows).to_have_count(1)


def test_reading_up_a_long_conversation_loses_no_place_and_leaves_out_what_is_far(console: Console, site: Site) -> None:
    customer = Customer(site)
    customer.ask_for_a_person()
    for number in range(110):
        customer.say(f"Message {number}, " + "\n".join(f"line {line}" for line in range(number % 7)))
    console.open(customer.name)
    last = console.messages.locator(".say").last
    expect(last).to_be_in_viewport()
    moved = console.page.evaluate(READ_UP, "Message 0,")
    assert len(moved) > 20
    assert max(moved) < 2
    far = last.locator(".words").element_handle()
    console.page.wait_for_function(IS_LEFT_OUT, arg=far)
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
    expect(last).to_contain_text("Message 109,")


def test_what_is_written_and_not_sent_waits_where_it_was(console: Console, site: Site) -> None:
    first, second = Customer(site), Customer(site)
    for customer in (first, second):
        customer.ask_for_a_person()
    console.open(first.name)
    console.reply.fill("A long answer, half")
    console.open(second.name)
    expect(console.reply).to_have_value("")
    console.press("n")
    console.note.fill("Never for the customer")
    console.open(first.name)
    expect(console.reply).to_have_value("A long answer, half")
    console.page.reload()
    console.open(second.name)
    expect(console.note).to_have_value("Never for the customer")
    console.press("r")
    expect(console.reply).to_have_value("")
    console.open(first.name)
    expect(console.reply).to_have_value("A long answer, half")


def test_what_is_written_while_a_reply_is_on_its_way_waits_for_its_turn(console: Console, site: Site) -> None:
    first, second = Customer(site), Customer(site)
    for customer in (first, second):
        customer.ask_for_a_person()
    console.open(first.name)
    on_their_way: list[Route] = []

    def hold(route: Route) -> None:
        on_their_way.append(route)

    console.page.route("**/messages", hold)
    console.reply.fill("The first.")
    with console.page.expect_request("**/messages"):
        console.reply.press("Enter")
    console.reply.press_sequentially(" And the second")
    console.reply.press("Enter")
    console.open(second.name)
    with console.page.expect_response("**/messages"):
        on_their_way[0].continue_()
    console.open(first.name)
    expect(console.messages.locator(".say-person .words")).to_have_text(["The first."])
    expect(console.reply).to_have_value("And the second")
    assert len(on_their_way) == 1


def test_what_a_customer_writes_is_only_text(console: Console, site: Site) -> None:
    customer = Customer(site)
    customer.say(HOSTILE)
    customer.ask_for_a_person()
    console.open(customer.name)
    expect(console.messages.locator(".say-customer").first.locator(".words")).to_have_text(HOSTILE)
    # That nothing ran and nothing was asked of another host is judged by `new_visitor`.
    assert console.page.locator("main img, main script, main [onerror]").count() == 0


def test_a_document_is_added_tried_and_taken_out_of_use(console: Console) -> None:
    console.go("Knowledge")
    expect(console.page.get_by_role("list", name="Documents")).to_contain_text("Account and password")
    content = b"# Gift cards\n\nA gift card is good for seven years and can be used in several orders.\n"
    console.page.locator("input[type=file]").set_input_files([{"name": "gift-cards.md", "mimeType": "text/markdown", "buffer": content}])
    expect(console.page.get_by_text("gift-cards.md: 1 added.")).to_be_visible()
    console.page.get_by_label("Try a question").fill("How long is a gift card good for?")
    console.page.get_by_role("button", name="See what is found").click()
    expect(console.page.locator(".try-results .source-title").first).to_have_text("Gift cards")
    row = console.page.locator(".document").filter(has_text="Gift cards")
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Off")
    row.get_by_role("button", name="Delete Gift cards").click()
    console.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_barrier_in_the_console(
    new_visitor: Callable[..., Visitor], site: Site, find_barriers: Callable[[Page], list[str]], scheme: str, size: dict[str, object]
) -> None:
    customer = Customer(site)
    customer.say("How do I reset my password?")
    customer.ask_for_a_person()
    visitor = new_visitor(color_scheme=scheme, reduced_motion="reduce", **size)
    console = visitor.open_console(site)
    expect(console.page.get_by_label("Password")).to_be_visible()
    assert find_barriers(console.page) == []
    console.sign_in(EMAIL, PASSWORD)
    expect(console.row_of(customer.name)).to_be_visible()
    assert find_barriers(console.page) == []
    console.open(customer.name)
    console.take_over()
    console.write_note("Seen.")
    assert find_barriers(console.page) == []
    assert console.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for place, heading in (("knowledge", "Knowledge"), ("settings/people", "People"), ("settings/security", "Password")):
        console.page.goto(f"{site.address}/console#/{place}")
        expect(console.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        assert find_barriers(console.page) == []
