"""The console as an operator uses it: by its labels and roles, its keys, and by what it shows."""

from playwright.sync_api import Locator, Page, expect


class Console:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.rows = page.locator(".conversation-row")
        self.messages = page.get_by_role("log", name="Conversation")
        self.reply = page.get_by_label("Reply to the customer")
        self.note = page.get_by_label("Internal note", exact=True)
        self.state = page.locator(".conversation-state")
        self.told = page.locator("#toasts")

    def sign_in(self, email: str, password: str) -> None:
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def wait_until_signed_in(self) -> None:
        expect(self.page.get_by_role("navigation", name="Console")).to_be_visible()

    def row_of(self, name: str) -> Locator:
        return self.rows.filter(has_text=name)

    def row_with(self, session_id: str) -> Locator:
        return self.page.locator(f'.conversation-row[href$="/{session_id}"]')

    def open(self, name: str) -> None:
        self.row_of(name).click()
        expect(self.page.locator(".conversation-sub")).to_contain_text(name)

    def press(self, key: str) -> None:
        """A key of the console, pressed while nobody writes."""
        self.page.evaluate("document.activeElement?.blur()")
        self.page.keyboard.press(key)

    def take_over(self) -> None:
        self.press("t")
        expect(self.state).to_have_text("Yours")
        expect(self.reply).to_be_focused()

    def say(self, words: str) -> None:
        self.reply.fill(words)
        self.reply.press("Enter")
        expect(self.messages.locator(".say-person").filter(has_text=words)).to_have_count(1)
        expect(self.reply).to_have_value("")

    def write_note(self, words: str) -> None:
        self.press("n")
        self.note.fill(words)
        self.note.press("Enter")
        expect(self.messages.locator(".say-note").filter(has_text=words)).to_have_count(1)

    def go(self, section: str) -> None:
        self.page.get_by_role("navigation", name="Console").get_by_role("link", name=section).click()
