"""Whatever breaks between the page and the server: nothing is lost, and nothing is there twice."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from web.chat_page import Chat
from web.conftest import Visitor
from web.site import Site

SLOW = "[model: answer tokens=80 every_ms=50]"
QUICK = "[model: answer tokens=10]"


def read_transcript(page: Page) -> list[dict[str, Any]]:
    """The messages that the server has stored, oldest first."""
    session: dict[str, str] = json.loads(page.evaluate("localStorage.getItem('deskhand.session')"))
    address = page.url.removesuffix("/chat") + f"/api/chat/sessions/{session['sessionId']}/messages?limit=500"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {session['token']}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        messages: list[dict[str, Any]] = json.load(response)["messages"]
    return messages


def assert_all_is_shown_once(chat: Chat) -> None:
    """What the page shows is what the server has stored. An answer stands where it began, in the transcript where it ended."""
    stored = sorted(message["content"].strip() for message in read_transcript(chat.page))
    assert sorted(text.strip() for text in chat.everything()) == stored
    assert chat.page.evaluate("localStorage.getItem('deskhand.outbox')") is None


def test_a_reload_in_the_middle_of_an_answer_goes_on_where_it_was(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    chat.ask(f"Tell me. {SLOW}")
    early = chat.wait_until_writing()
    chat.page.reload()
    again = chat.wait_until_writing()
    assert again.startswith(early[:20])
    chat.wait_until_complete()
    assert_all_is_shown_once(chat)


@pytest.mark.serial
def test_a_server_that_is_killed_in_the_middle_of_an_answer_loses_and_doubles_nothing(
    visitor: Visitor, new_site: Callable[..., Site], scripted_settings: dict[str, str]
) -> None:
    site = new_site(**scripted_settings, DESKHAND_TURN_LEASE_SECONDS="2")
    chat = visitor.open(site)
    chat.ask(f"Before the crash. {SLOW}")
    chat.wait_until_writing()
    site.kill()
    expect(chat.banner).to_have_text("The connection was lost. Reconnecting; nothing you wrote is lost.")
    chat.ask(f"While it is away. {QUICK}")
    expect(chat.said.nth(1)).to_have_attribute("data-delivery", "waiting")
    site.start()
    chat.wait_until_complete(0)
    chat.wait_until_complete(1)
    expect(chat.banner).to_be_hidden()
    expect(chat.said).to_have_count(2)
    expect(chat.answers).to_have_count(2)
    assert_all_is_shown_once(chat)


@pytest.mark.serial
def test_messages_written_while_the_server_is_away_survive_a_reload(
    visitor: Visitor, new_site: Callable[..., Site], scripted_settings: dict[str, str]
) -> None:
    site = new_site(**scripted_settings)
    chat = visitor.open(site)
    chat.ask(f"First. {QUICK}")
    chat.wait_until_complete()
    site.kill()
    chat.ask(f"Second. {QUICK}")
    chat.ask(f"Third. {QUICK}")
    expect(chat.said).to_have_count(3)
    stored = chat.page.evaluate("JSON.parse(localStorage.getItem('deskhand.outbox')).map(entry => entry.clientMessageId)")
    assert len(stored) == 2
    site.start()
    chat.page.reload()
    expect(chat.said).to_have_count(3)
    expect(chat.page.locator('.customer[data-delivery="waiting"]')).to_have_count(0)
    # A burst may be answered at once: how many answers there are is not the page's to say.
    expect(chat.page.locator('.customer:has-text("Third.") ~ .answer[data-state="complete"] > footer').last).to_be_visible()
    expect(chat.stop).to_be_hidden()
    expect(chat.page.locator(".answer footer:visible")).to_have_count(chat.answers.count())
    said = chat.page.locator(".bubble > p").all_inner_texts()
    assert said == [f"First. {QUICK}", f"Second. {QUICK}", f"Third. {QUICK}"]
    assert_all_is_shown_once(chat)


def test_a_lost_response_does_not_double_the_message(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    lost: list[str] = []

    def lose_once(route: Route) -> None:
        if lost:
            route.continue_()
            return
        response = route.fetch()
        lost.append(json.loads(response.text())["message_id"])
        route.abort()

    chat.page.route("**/messages", lose_once)
    chat.ask(f"Once only. {QUICK}")
    chat.wait_until_complete()
    expect(chat.said).to_have_count(1)
    assert [message["message_id"] for message in read_transcript(chat.page) if message["role"] == "customer"] == lost
    assert_all_is_shown_once(chat)


def test_what_is_written_offline_is_sent_when_the_network_is_back(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    chat.ask(f"Online. {QUICK}")
    chat.wait_until_complete()
    visitor.context.set_offline(True)
    chat.ask(f"Offline. {QUICK}")
    expect(chat.banner).to_have_text("You are offline. What you write is kept here and sent when the connection is back.")
    expect(chat.said.nth(1)).to_have_attribute("data-delivery", "waiting")
    visitor.context.set_offline(False)
    chat.wait_until_complete(1)
    assert_all_is_shown_once(chat)


def test_without_a_websocket_the_page_reads_a_stream(visitor: Visitor, scripted_site: Site) -> None:
    visitor.context.route_web_socket("**/ws?*", lambda socket: socket.close())
    chat = visitor.open(scripted_site)
    with chat.page.expect_request("**/events", timeout=20_000) as stream:
        chat.ask(f"Over the stream. {SLOW}")
    assert stream.value.header_value("authorization") is not None
    early = chat.wait_until_writing()
    chat.page.reload()
    chat.wait_until_complete()
    assert chat.text_of().startswith(early[:20])
    assert_all_is_shown_once(chat)


def test_an_answer_is_stopped_over_a_stream_too(visitor: Visitor, scripted_site: Site) -> None:
    visitor.context.route_web_socket("**/ws?*", lambda socket: socket.close())
    chat = visitor.open(scripted_site)
    with chat.page.expect_request("**/events", timeout=20_000):
        chat.ask("Stopped over the stream. [model: answer tokens=400 every_ms=40]")
    chat.wait_until_writing()
    chat.stop.click()
    expect(chat.answer()).to_have_attribute("data-state", "cancelled")
    expect(chat.stop).to_be_hidden()


def test_the_token_is_never_in_an_address(visitor: Visitor, scripted_site: Site) -> None:
    addresses: list[str] = []
    visitor.context.on("request", lambda request: addresses.append(request.url))
    chat = visitor.open(scripted_site)
    chat.page.on("websocket", lambda socket: addresses.append(socket.url))
    chat.ask(f"Hello. {QUICK}")
    chat.wait_until_complete()
    token = json.loads(chat.page.evaluate("localStorage.getItem('deskhand.session')"))["token"]
    assert any("/ws?" in address for address in addresses)
    assert not any(token in address for address in addresses)


def test_a_session_that_was_deleted_makes_room_for_a_new_one(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    chat.ask(f"Hello. {QUICK}")
    chat.wait_until_complete()
    deleted = chat.page.evaluate(
        """async () => {
            const {sessionId, token} = JSON.parse(localStorage.getItem('deskhand.session'));
            const headers = {Authorization: `Bearer ${token}`};
            return (await fetch(`/api/sessions/${sessionId}`, {method: 'DELETE', headers})).status;
        }"""
    )
    assert deleted == 200
    expect(chat.banner).to_have_text("The earlier conversation is no longer available. Your next message opens a new one.")
    chat.ask(f"Again. {QUICK}")
    chat.wait_until_complete()
    expect(chat.said).to_have_count(1)
    assert_all_is_shown_once(chat)
