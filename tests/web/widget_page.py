"""The widget as a visitor uses it, on whatever page it is."""

from playwright.sync_api import Page, expect


class Widget:
    """The widget as a visitor uses it. Playwright looks into its shadow tree."""

    def __init__(self, page: Page) -> None:
        self.page = page
        host = page.locator("deskhand-widget")
        self.launcher = host.locator(".launcher")
        self.panel = host.get_by_role("dialog")
        self.message = host.locator("#message")
        self.said = host.locator(".customer")
        self.answers = host.locator(".answer")
        self.badge = host.locator(".badge")

    def open(self) -> None:
        self.launcher.click()
        expect(self.panel).to_be_visible()
        expect(self.panel).to_have_attribute("data-ready", "")

    def ask(self, question: str) -> None:
        self.message.fill(question)
        self.message.press("Enter")

    def wait_until_complete(self, number: int = 0) -> None:
        answer = self.answers.nth(number)
        expect(answer).to_have_attribute("data-state", "complete")
        expect(answer.locator("footer")).to_be_visible()
