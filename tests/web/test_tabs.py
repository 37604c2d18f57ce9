"""Several tabs of the console in one browser: each works, and one of those that nobody sees tells of who waits."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from web.conftest import Visitor
from web.console_page import Console
from web.customer import Customer
from web.site import Site

EMAIL, PASSWORD = "katherine@example.com", "lamp orchard violin nine"
TABS = 4
# A browser without a window says of each page that it is seen.
LOOKING = """(() => { let state = "visible"; Object.defineProperty(document, "visibilityState", { get: () => state });
  globalThis.look = now => { state = now; document.dispatchEvent(new Event("visibilitychange")); }; })()"""
TELLING = """(() => { globalThis.told = []; globalThis.Notification = class extends EventTarget {
    static permission = "granted"; static requestPermission = async () => "granted";
    constructor(title, options) { super(); told.push(options.body); } close() {} }; })()"""
NOBODY_WAITS_HERE = re.compile("^Deskhand$")
SOMEBODY_WAITS = re.compile(r"^\(\d+\) Deskhand$")


@pytest.fixture(scope="module")
def site(quoting_site: Site) -> Site:
    quoting_site.create_account(EMAIL, PASSWORD, "--name", "Katherine Johnson")
    return quoting_site


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    visitor = new_visitor()
    visitor.context.add_init_script(LOOKING)
    return visitor


def open_tabs(visitor: Visitor, site: Site, how_many: int) -> list[Console]:
    """One after the other: whoever opens one leaves the one before."""
    tabs = [visitor.open_console(site)]
    tabs[0].sign_in(EMAIL, PASSWORD)
    tabs[0].wait_until_signed_in()
    while len(tabs) < how_many:
        look(tabs[-1], "hidden")
        tabs.append(visitor.open_console(site))
        tabs[-1].wait_until_signed_in()
    return tabs


def look(tab: Console, state: str) -> None:
    if state == "visible":
        # Of the others it draws a frame a second.
        tab.page.bring_to_front()
    tab.page.evaluate("state => look(state)", state)


def test_a_fourth_tab_works_like_the_first(visitor: Visitor, site: Site) -> None:
    customer = Customer(site)
    customer.ask_for_a_person()
    seen, *others = reversed(open_tabs(visitor, site, TABS))
    seen.open(customer.name)
    for tab in others:
        look(seen, "hidden")
        look(tab, "visible")
        tab.open(customer.name)
        seen = tab
    customer.say("Are you there?")
    expect(seen.messages.locator(".say-customer").last).to_contain_text("Are you there?")
    seen.take_over()


def test_a_tab_that_is_seen_again_has_what_came_meanwhile(visitor: Visitor, new_visitor: Callable[..., Visitor], site: Site) -> None:
    customer, newcomer = Customer(site), Customer(site)
    customer.ask_for_a_person()
    second = open_tabs(visitor, site, 2)[1]
    second.open(customer.name)
    look(second, "hidden")
    expect(second.page).to_have_title(NOBODY_WAITS_HERE)
    customer.say("It has come.")
    newcomer.ask_for_a_person()
    other = open_tabs(new_visitor(), site, 1)[0]
    other.open(customer.name)
    other.take_over()
    expect(second.row_of(newcomer.name)).to_have_count(0)
    look(second, "visible")
    expect(second.messages.locator(".say-customer").last).to_contain_text("It has come.")
    expect(second.row_of(newcomer.name)).to_be_visible()
    expect(second.state).to_have_text("Yours")


def test_of_tabs_that_nobody_sees_one_tells(visitor: Visitor, site: Site) -> None:
    visitor.context.add_init_script(TELLING)
    first, second = open_tabs(visitor, site, 2)
    second.page.goto(f"{site.address}/console#/settings/notifications")
    second.page.get_by_role("switch", name="browser notifications").check()
    look(second, "hidden")
    expect(second.page).to_have_title(NOBODY_WAITS_HERE)
    Customer(site).ask_for_a_person()
    first.page.wait_for_function("() => told.includes('A customer waits for a person.')")
    expect(first.page).to_have_title(SOMEBODY_WAITS)
    assert second.page.evaluate("told") == []
    first.page.close()
    expect(second.page).to_have_title(SOMEBODY_WAITS)
    Customer(site).ask_for_a_person()
    second.page.wait_for_function("() => told.length > 0")
