"""Takes the pictures of the console for the README: a server of its own with a few customers, in light and dark, on a desktop and a phone.

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
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

EMAIL, PASSWORD = "ada@example.com", "lamp orchard violin nine"
READY_SECONDS = 60
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


def answer(page: Page, server: Server, session_id: str) -> None:
    page.goto(f"{server.address}/console#/inbox/all/{session_id}")
    expect(page.locator(".say").first).to_be_visible()
    page.keyboard.press("t")
    expect(page.locator(".conversation-sub .pill")).to_have_text("Yours")
    for label, words in (("Reply to the customer", "Hello Marta, I am looking into it right now."), ("Internal note", "The mail bounced.")):
        if label == "Internal note":
            page.get_by_role("button", name="Note", exact=True).click()
        page.get_by_label(label, exact=True).fill(words)
        page.keyboard.press("Enter")
        expect(page.get_by_role("log").get_by_text(words)).to_be_visible()


def take(browser: Browser, server: Server, folder: Path, *, session_id: str) -> None:
    places = {"inbox": "inbox/all", "conversation": f"inbox/all/{session_id}", "knowledge": "knowledge", "overview": "overview"}
    for scheme in ("light", "dark"):
        for size, viewport in SIZES.items():
            context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
            page = sign_in(context, server)
            for name, place in places.items():
                page.goto(f"{server.address}/console#/{place}")
                page.wait_for_timeout(800)
                page.screenshot(path=folder / f"console-{name}-{size}-{scheme}.png")
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
                answer(sign_in(context, server), server, waiting[0])
                context.close()
                take(browser, server, arguments.folder, session_id=waiting[0])
                browser.close()
        finally:
            server.process.terminate()
            server.process.wait(READY_SECONDS)


if __name__ == "__main__":
    main()
