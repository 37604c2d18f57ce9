"""The chat page as a visitor uses it: by its labels and roles, and by what it shows."""

import re

from playwright.sync_api import Locator, Page, expect


class Chat:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.message = page.get_by_label("Your message")
        self.said = page.locator(".customer")
        self.answers = page.get_by_role("article", name="Answer")
        self.stage = page.locator(".stage:visible")
        self.stop = page.get_by_role("button", name="Stop", exact=True)
        self.files = page.get_by_label("Files to send")
        self.banner = page.locator("#banner")
        self.escalation = page.get_by_role("region", name="A person takes it from here")

    def wait_until_ready(self) -> None:
        """Before, a key that is pressed is only a key."""
        expect(self.page.locator("html[data-ready]")).to_have_count(1)

    def ask(self, question: str) -> None:
        self.message.fill(question)
        self.message.press("Enter")

    def session_id(self) -> str:
        kept: str = self.page.evaluate("JSON.parse(localStorage.getItem('deskhand.session')).sessionId")
        return kept

    def answer(self, number: int = 0) -> Locator:
        return self.answers.nth(number)

    def wait_until_complete(self, number: int = 0) -> Locator:
        """The answer, once it is there and all of its text is shown."""
        answer = self.answer(number)
        expect(answer).to_have_attribute("data-state", "complete")
        expect(answer.locator("footer")).to_be_visible()
        return answer

    def wait_until_writing(self, number: int = 0, *, characters: int = 20) -> str:
        """What is written of an answer that still runs, once it is that long."""
        running = self.answers.nth(number).and_(self.page.locator('[data-state="running"]'))
        expect(running.locator("> .prose")).to_have_text(_at_least(characters))
        return running.locator("> .prose").inner_text()

    def text_of(self, number: int = 0) -> str:
        return self.answer(number).locator("> .prose").inner_text()

    def add_file(self, name: str, content: bytes, *, kind: str = "text/plain") -> None:
        self.page.locator("#files").set_input_files([{"name": name, "mimeType": kind, "buffer": content}])

    def everything(self) -> list[str]:
        """All that was said and answered, in order."""
        texts: list[str] = self.page.locator(".bubble > p, .answer > .prose").all_inner_texts()
        return texts


def _at_least(characters: int) -> re.Pattern[str]:
    return re.compile(rf"[\s\S]{{{characters},}}")
