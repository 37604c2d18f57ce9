"""A visitor asks, and gets an answer: with sources, files, a person, and a way on when something fails."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Route, expect

from deskhand.testing.replies import refuse_status, say
from web.chat_page import Chat
from web.conftest import Visitor
from web.site import Model, Site


def test_a_question_is_answered_with_a_source_that_opens(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    expect(chat.page.get_by_role("heading", name="How can we help?")).to_be_visible()
    chat.page.get_by_role("button", name="How do I reset my password?").click()

    answer = chat.wait_until_complete()
    expect(chat.said).to_have_count(1)
    expect(answer.locator("> .prose")).to_have_text(re.compile("password", re.IGNORECASE))
    citation = answer.get_by_role("button", name=re.compile("^Source 1: "))
    citation.first.click()
    card = answer.locator("details").first
    expect(card).to_have_attribute("open", "")
    expect(card.locator("summary")).to_be_focused()
    expect(card.locator("blockquote")).to_have_text(re.compile("password", re.IGNORECASE))


def test_a_visitor_judges_an_answer_keeps_the_conversation_and_rates_it(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    chat.ask("How do I reset my password?")
    helpful = chat.wait_until_complete().get_by_role("button", name="This helped", exact=True)
    with chat.page.expect_response(lambda response: response.url.endswith("/feedback")) as judged:
        helpful.click()
    assert judged.value.ok
    expect(helpful).to_have_attribute("aria-pressed", "true")

    with chat.page.expect_download() as download:
        chat.page.get_by_role("button", name="Save this conversation as a file").click()
    assert "Forgot password?" in Path(download.value.path()).read_text(encoding="utf-8")

    chat.page.get_by_role("button", name="Talk to a person").first.click()
    expect(chat.escalation).to_be_visible()
    conversation = f"/desk/conversations/{chat.session_id()}"
    quoting_site.ask_desk("POST", f"{conversation}/claim", {})
    quoting_site.ask_desk("POST", f"{conversation}/resolve", {})
    with chat.page.expect_response(lambda response: response.url.endswith("/rating")) as rated:
        chat.page.get_by_role("button", name="4 of 5").click()
    assert rated.value.ok
    assert quoting_site.ask_desk("GET", conversation)["rating"] is not None


def test_an_answer_is_shown_while_it_is_written(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    chat.ask("Tell me. [model: answer tokens=60 every_ms=40]")
    early = chat.wait_until_writing()
    expect(chat.stage).to_have_text("Writing…")
    chat.wait_until_complete()
    assert chat.text_of().startswith(early.rstrip())
    assert len(chat.text_of()) > len(early)


def test_a_file_goes_with_a_message_and_is_read(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    chat.add_file("order.md", b"# Order 2231\n\nThe order 2231 holds two blue kettles and was paid on 3 May.\n")
    expect(chat.files.get_by_text("order.md")).to_be_visible()
    expect(chat.files.locator("progress")).to_be_hidden()
    chat.ask("What does the order 2231 hold?")
    chat.wait_until_complete()
    expect(chat.said.first.get_by_text("order.md")).to_be_visible()
    expect(chat.files).to_be_hidden()
    assert "kettles" in chat.text_of()


def test_a_file_that_cannot_be_read_is_named_and_does_not_stop_the_message(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    chat.add_file("film.mp4", b"\x00\x00\x00\x18ftypmp42", kind="video/mp4")
    expect(chat.files.get_by_text("This kind of file cannot be read here.")).to_be_visible()
    chat.add_file("empty.txt", b"")
    expect(chat.files.get_by_text("The file is empty.")).to_be_visible()
    chat.files.get_by_role("button", name="Remove film.mp4").click()
    expect(chat.files.get_by_text("film.mp4")).to_have_count(0)
    chat.ask("How do I reset my password?")
    chat.wait_until_complete()
    expect(chat.said.first.locator(".chip")).to_have_count(0)


def test_asking_for_a_person_hands_over_and_the_assistant_is_silent_afterwards(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    chat.ask("How do I reset my password?")
    chat.wait_until_complete()
    chat.page.get_by_role("button", name="Talk to a person").click()
    expect(chat.escalation).to_be_visible()
    expect(chat.escalation.locator("code")).to_have_text(re.compile(r"^ticket_[0-9a-f]+$"))
    expect(chat.page.get_by_role("button", name="Talk to a person")).to_be_hidden()
    answers = chat.answers.count()
    chat.ask("My order number is 2231.")
    expect(chat.said.last.get_by_text("2231")).to_be_visible()
    expect(chat.said.last).to_have_attribute("data-delivery", "stored")
    assert chat.answers.count() == answers


def test_an_answer_that_does_not_know_offers_a_person(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    chat.ask("Can you build me a spaceship?")
    offer = chat.wait_until_complete().get_by_role("button", name="Talk to a person")
    offer.click()
    expect(chat.escalation).to_be_visible()
    expect(offer).to_be_hidden()


def test_the_page_finds_the_api_where_the_settings_put_it(visitor: Visitor, new_site: Callable[..., Site]) -> None:
    chat = visitor.open(new_site(DESKHAND_API_PREFIX="/support/v1"))
    chat.ask("How do I reset my password?")
    chat.wait_until_complete()


def test_a_failed_turn_says_what_to_do_and_can_be_tried_again(visitor: Visitor, scripted_site: Site, model: Model) -> None:
    chat = visitor.open(scripted_site)
    model.reply_with(refuse_status(401, kind="invalid_request_error"))
    chat.ask("Is anybody there?")
    failed = chat.answer()
    expect(failed).to_have_attribute("data-state", "failed")
    expect(failed.get_by_role("button", name="Talk to a person")).to_be_visible()
    model.reply_with(say("Yes", ", ", "here", "."))
    failed.get_by_role("button", name="Try again").click()
    chat.wait_until_complete(1)
    assert chat.text_of(1) == "Yes, here."
    expect(chat.said).to_have_count(2)


def test_escape_stops_an_answer_and_what_was_written_is_marked(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    chat.ask("Tell me all. [model: answer tokens=400 every_ms=40]")
    early = chat.wait_until_writing()
    expect(chat.stop).to_be_visible()
    chat.page.keyboard.press("Escape")
    answer = chat.answer()
    expect(answer).to_have_attribute("data-state", "cancelled")
    expect(answer.get_by_text("Stopped. The answer is incomplete.")).to_be_visible()
    assert chat.text_of().startswith(early[:20])
    expect(chat.stop).to_be_hidden()


def test_a_message_sent_while_an_answer_runs_is_answered_next(visitor: Visitor, scripted_site: Site) -> None:
    chat = visitor.open(scripted_site)
    chat.ask("The first. [model: answer tokens=60 every_ms=40]")
    chat.wait_until_writing()
    chat.ask("The second. [model: answer tokens=10]")
    expect(chat.said.nth(1).get_by_text("Will be answered next")).to_be_visible()
    chat.wait_until_complete(1)
    said = chat.everything()
    assert [text.split(".")[0] for text in (said[0], said[2])] == ["The first", "The second"]
    assert len(said) == 4


def test_a_new_conversation_begins_with_nothing(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    chat.ask("How do I reset my password?")
    chat.wait_until_complete()
    chat.page.get_by_role("button", name="New conversation").click()
    chat.page.get_by_role("button", name="Keep this one").click()
    expect(chat.said).to_have_count(1)
    chat.page.get_by_role("button", name="New conversation").click()
    chat.page.get_by_role("button", name="Start a new one").click()
    expect(chat.said).to_have_count(0)
    expect(chat.page.get_by_role("heading", name="How can we help?")).to_be_visible()
    expect(chat.message).to_be_focused()


def test_two_tabs_of_one_browser_show_the_same_conversation(visitor: Visitor, scripted_site: Site) -> None:
    first = visitor.open(scripted_site)
    second = visitor.open(scripted_site)
    # Of a tab that another covers, the browser draws a frame a second.
    first.page.bring_to_front()
    first.ask("From the first tab. [model: answer tokens=20 every_ms=20]")
    first.wait_until_complete()
    second.page.bring_to_front()
    second.wait_until_complete()
    second.ask("From the second tab. [model: answer tokens=20]")
    second.wait_until_complete(1)
    first.page.bring_to_front()
    first.wait_until_complete(1)
    assert first.everything() == second.everything()
    assert len(first.everything()) == 4


def test_a_message_that_is_too_long_is_not_sent_and_says_by_how_much(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    chat.message.fill("a" * 10_002)
    expect(chat.page.get_by_text("2 characters too many")).to_be_visible()
    expect(chat.page.get_by_role("button", name="Send")).to_be_disabled()
    chat.message.press("Enter")
    expect(chat.said).to_have_count(0)


def test_what_was_being_written_survives_a_reload(visitor: Visitor, quoting_site: Site) -> None:
    chat = visitor.open(quoting_site)
    chat.message.fill("Half a thought")
    chat.page.reload()
    expect(chat.message).to_have_value("Half a thought")


def test_what_is_written_before_the_page_is_ready_is_kept(visitor: Visitor, quoting_site: Site) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    visitor.context.route("**/public/config", hold)
    visitor.address = quoting_site.address
    page = visitor.context.new_page()
    page.goto(f"{quoting_site.address}/chat")
    chat = Chat(page)
    chat.message.fill("A quick thought")
    expect(page.locator("html[data-ready]")).to_have_count(0)
    waiting[0].continue_()
    chat.wait_until_ready()
    expect(chat.message).to_have_value("A quick thought")


def test_hostile_answers_are_shown_as_text(visitor: Visitor, scripted_site: Site, model: Model) -> None:
    chat = visitor.open(scripted_site)
    hostile = (
        "<script>alert(1)</script> <img src=x onerror=alert(1)> ![pixel](https://evil.example/p.png) "
        "[click](javascript:alert(1)) [bank](https://bank.example@evil.example/) [help](https://help.example.com/x) "
        "<iframe src='https://evil.example'></iframe> **bold**"
    )
    model.reply_with(say(hostile))
    chat.ask("Show me something.")
    prose = chat.wait_until_complete().locator("> .prose")
    # The server has taken the tags and the addresses apart before; what is left is for the page.
    expect(prose).to_contain_text("\u2039script>alert(1)\u2039/script>")
    expect(prose.locator("img, script, iframe")).to_have_count(0)
    links = prose.get_by_role("link").all()
    assert [link.get_attribute("href") for link in links] == ["https://help.example.com/x"]
    assert [link.inner_text() for link in links] == ["help (help.example.com)"]
    expect(prose.locator("code").first).to_have_text("evil.example")
    expect(prose.locator("strong")).to_have_text("bold")
