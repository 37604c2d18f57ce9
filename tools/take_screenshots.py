"""Takes pictures of every page, in light and dark, on a desktop and a phone, from a server of its own with a few customers.

    python tools/take_screenshots.py FOLDER [--browser /usr/bin/chromium]

The invariant: nothing is drawn by hand; what the pictures show is what the server answered.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

EMAIL, PASSWORD = "ada@example.com", "lamp orchard violin nine"
READY_SECONDS = 60
# What is shown a moment later than it is there: a chart that is drawn, an image of the page that is painted.
SETTLED_MS = 400
Shoot = Callable[[Page, str], None]
PLACES = (
    ("inbox", "inbox/all", ".conversation-row"),
    ("conversation", "inbox/all/{session_id}", ".say"),
    ("nothing", "inbox/snoozed", ".list-message h2"),
    ("knowledge", "knowledge", ".document"),
    ("overview", "overview", ".number"),
    ("replies", "settings/replies", ".list-row"),
    ("people", "settings/people", ".list-row"),
    ("keys-of-programs", "settings/keys", ".card"),
    ("audit", "settings/audit", "tbody tr"),
    ("profile", "settings/profile", ".card"),
    ("notifications", "settings/notifications", ".card"),
    ("security", "settings/security", ".card"),
)
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
CUSTOMERS = (
    ("Marta Lindqvist", ("How do I reset my password?", "I never got the e-mail.", "I would like to talk to a person, please.")),
    ("Jonas Weber", ("Where is my parcel?", "I would like to talk to a person, please.")),
    ("Aiko Tanaka", ("What is your return policy?",)),
    ("Samuel Okoro", ("Which plans are there, and what do they cost?",)),
)


class Server:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "deskhand"]
        self._settings = {
            **os.environ,
            "DESKHAND_API_PORT": str(port),
            "DESKHAND_COMPANY_NAME": "Northwind Outdoor",
            "DESKHAND_RATE_LIMIT_ENABLED": "false",
        }
        self._folder = folder
        self.process = subprocess.Popen([*self._command, "serve"], cwd=folder, env=self._settings, stdout=subprocess.DEVNULL)

    def wait_until_ready(self) -> None:
        limit = time.monotonic() + READY_SECONDS
        while time.monotonic() < limit:
            try:
                with urllib.request.urlopen(f"{self.address}/health/ready", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("The server did not become ready.")

    def create_account(self) -> None:
        command = [*self._command, "staff", "create", "--admin", "--name", "Ada Byron", "--password-stdin", EMAIL]
        subprocess.run(command, cwd=self._folder, env=self._settings, input=f"{PASSWORD}\n", text=True, check=True)

    def post(self, path: str, body: dict[str, object], token: str | None = None) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(f"{self.address}/api{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            answer: dict[str, str] = json.loads(response.read())
        return answer

    def receive(self, name: str, messages: tuple[str, ...]) -> str:
        """A customer writes these; returns the session's id."""
        opened = self.post("/sessions", {"metadata": {"name": name}})
        for message in messages:
            self.post(f"/chat/sessions/{opened['session_id']}/messages", {"message": message}, opened["token"])
        return opened["session_id"]


def sign_in(context: BrowserContext, server: Server) -> Page:
    page = context.new_page()
    page.goto(f"{server.address}/console")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Console")).to_be_visible()
    return page


def work(page: Page, server: Server, session_id: str) -> None:
    """One conversation is answered, one more is done, and a reply is prepared: so that each list holds something."""
    page.goto(f"{server.address}/console#/inbox/all/{session_id}")
    expect(page.locator(".say").first).to_be_visible()
    page.keyboard.press("t")
    expect(page.locator(".conversation-state")).to_have_text("Yours")
    for key, label, words in (
        ("r", "Reply to the customer", "Hello Marta, I am looking into it right now."),
        ("n", "Internal note", "The mail bounced."),
    ):
        page.evaluate("document.activeElement?.blur()")
        page.keyboard.press(key)
        page.get_by_label(label, exact=True).fill(words)
        page.keyboard.press("Enter")
        expect(page.get_by_role("log").get_by_text(words)).to_be_visible()
    page.goto(f"{server.address}/console#/settings/replies")
    page.get_by_role("button", name="Write one").click()
    for label, words in (("Shortcut", "hello"), ("Title", "A friendly beginning"), ("Text", "Hello {name}, this is {agent}.")):
        page.get_by_role("dialog").get_by_label(label).fill(words)
    page.get_by_role("dialog").get_by_role("button").last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto(f"{server.address}/console#/settings/people")
    page.get_by_role("button", name="Skills").first.click()
    page.get_by_role("dialog").get_by_label("Skills").fill("billing, returns")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Knows billing")).to_be_visible()


def go(page: Page, server: Server, place: str, *, ready: str) -> None:
    page.goto(f"{server.address}/console#/{place}")
    expect(page.locator(ready).first).to_be_visible()


def take_console(context: BrowserContext, server: Server, shoot: Shoot, *, session_id: str) -> None:
    page = context.new_page()
    page.goto(f"{server.address}/console")
    expect(page.get_by_label("Password")).to_be_visible()
    shoot(page, "console-sign-in")
    page.close()
    page = sign_in(context, server)
    for name, place, ready in PLACES:
        go(page, server, place.format(session_id=session_id), ready=ready)
        shoot(page, f"console-{name}")
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator(".qr-code svg")).to_be_visible()
    shoot(page, "console-codes")
    go(page, server, f"inbox/all/{session_id}", ready=".say")
    for key, name in (("a", "assign"), ("z", "snooze"), ("b", "give-back"), ("?", "keys")):
        page.evaluate("document.activeElement?.blur()")
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        shoot(page, f"console-{name}")
        page.keyboard.press("Escape")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("d")
    shoot(page, "console-details")
    page.close()


def take_chat(context: BrowserContext, server: Server, shoot: Shoot) -> None:
    page = context.new_page()
    page.goto(f"{server.address}/chat")
    expect(page.locator("html[data-ready]")).to_have_count(1)
    shoot(page, "chat-welcome")
    ask(page, page)
    shoot(page, "chat-conversation")
    page.get_by_role("button", name="Talk to a person").first.click()
    expect(page.get_by_role("region", name="A person takes it from here")).to_be_visible()
    shoot(page, "chat-person")
    page.close()


def take_widget(context: BrowserContext, server: Server, shoot: Shoot) -> None:
    page = context.new_page()
    page.goto(f"{server.address}/demo")
    host = page.locator("deskhand-widget")
    expect(host.locator(".launcher")).to_be_visible()
    shoot(page, "widget-closed")
    host.locator(".launcher").click()
    expect(host.locator("#message")).to_be_visible()
    shoot(page, "widget-welcome")
    ask(page, host)
    shoot(page, "widget-conversation")
    page.close()


def ask(page: Page, area: Page | Locator) -> None:
    area.locator("#message").fill("How do I reset my password?")
    area.locator("#message").press("Enter")
    expect(area.locator(".answer").first).to_have_attribute("data-state", "complete")
    page.wait_for_timeout(SETTLED_MS)


def take(browser: Browser, server: Server, folder: Path, *, session_id: str) -> None:
    for scheme in ("light", "dark"):
        for size, viewport in SIZES.items():

            def shoot(page: Page, name: str, ending: str = f"{size}-{scheme}") -> None:
                page.wait_for_timeout(SETTLED_MS)
                page.screenshot(path=folder / f"{name}-{ending}.png")

            for part in (take_chat, take_widget, partial(take_console, session_id=session_id)):
                # Each is somebody who was never here: what a page keeps in the browser is its own.
                context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
                part(context, server, shoot)
                context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the pictures of the console.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", default="/usr/bin/chromium", help="The Chromium to take them with.")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        server = Server(Path(data))
        try:
            server.wait_until_ready()
            server.create_account()
            waiting = [server.receive(name, messages) for name, messages in CUSTOMERS]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=arguments.browser, args=["--no-sandbox"])
                context = browser.new_context(viewport=SIZES["desktop"])
                work(sign_in(context, server), server, waiting[0])
                context.close()
                take(browser, server, arguments.folder, session_id=waiting[0])
                browser.close()
        finally:
            server.process.terminate()
            server.process.wait(READY_SECONDS)


if __name__ == "__main__":
    main()
