"""The embedded default through its port: it quotes, cites, or says that it does not know."""

import re
from typing import Any

import msgspec
import pytest

from deskhand.models.port import (
    EndReason,
    ModelEnded,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    Role,
    TextDelta,
    ToolCall,
    ToolCallRequested,
    ToolSpec,
)
from deskhand.models.quoting import QuotingModel
from deskhand.texts import LANGUAGES, texts_for

OFFERED = tuple(
    ToolSpec(name, "", {"type": "object"})
    for name in ("search_knowledge", "read_attachment", "remember", "recall", "forget", "escalate_to_human")
)
PASSWORD = """## Reset your password

If you forgot your password, reset it from the sign-in page:

1. Open **Sign in** and choose *Forgot password*.
2. Enter your e-mail address.
3. Follow the link. It works for 30 minutes.

You are signed out everywhere afterwards. Your files stay as they are.
"""
PLANS = """Every plan includes support by e-mail.

| Plan | Price | Storage |
|---|---|---|
| Free | $0 | 5 GB |
| Premium | $12 per month | 1 TB |
| Team | $30 per month | 5 TB |
"""
RETURNS = """You can return goods within 30 days. Refunds arrive within 5 to 10 business days. The original delivery fee is not refunded.

What you need:

- the order number
- the goods in their packaging
"""
PASSAGES = [
    {"n": 1, "text": PASSWORD, "title": "Account and password", "section": "Reset your password", "score": 0.8},
    {"n": 2, "text": PLANS, "title": "Plans and pricing", "section": "Plans", "score": 0.6},
    {"n": 3, "text": RETURNS, "title": "Returns and refunds", "score": 0.6},
]


async def ask(*messages: ModelMessage, tools: tuple[ToolSpec, ...] = OFFERED) -> list[ModelEvent]:
    return [event async for event in QuotingModel().stream(ModelRequest(messages=(ModelMessage(Role.SYSTEM, "…"), *messages), tools=tools))]


async def first_step(text: str) -> list[ModelEvent]:
    return await ask(ModelMessage(Role.USER, text))


async def second_step(
    text: str, passages: list[dict[str, Any]] | None = None, *, earlier: tuple[str, ...] = (), result: str | None = None
) -> tuple[str, float]:
    """The text and the confidence of the answer to a question, given what the search returned."""
    call = ToolCall("call_0", "search_knowledge", "{}")
    found = result or msgspec.json.encode({"notice": "data", "passages": PASSAGES if passages is None else passages}).decode()
    history = [ModelMessage(role, said) for said in earlier for role in (Role.USER, Role.ASSISTANT)]
    events = await ask(
        *history,
        ModelMessage(Role.USER, text),
        ModelMessage(Role.ASSISTANT, "", tool_calls=(call,)),
        ModelMessage(Role.TOOL, found, tool_call_id="call_0"),
    )
    end = events[-1]
    assert isinstance(end, ModelEnded)
    assert end.reason is EndReason.STOP
    assert end.confidence is not None
    assert 0 <= end.confidence <= 1
    return "".join(event.text for event in events if isinstance(event, TextDelta)), end.confidence


def calls_of(events: list[ModelEvent]) -> list[tuple[str, Any]]:
    return [(event.call.name, msgspec.json.decode(event.call.arguments)) for event in events if isinstance(event, ToolCallRequested)]


async def test_a_question_is_searched_in_the_customers_words() -> None:
    events = await first_step("Hello, how do I reset my password?")
    assert calls_of(events) == [("search_knowledge", {"query": "Hello, how do I reset my password?"})]
    assert events[-1] == ModelEnded(EndReason.TOOL_CALLS)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("hi", texts_for("en").greeting),
        ("Good morning!", texts_for("en").greeting),
        ("Thanks a lot, that worked", texts_for("en").thanks),
        ("bye", texts_for("en").goodbye),
        ("Vielen Dank!", texts_for("de").thanks),
        ("Bonjour", texts_for("fr").greeting),
        ("Muchas gracias", texts_for("es").thanks),
    ],
)
async def test_small_talk_is_answered_with_a_phrase_of_ours(text: str, phrase: str) -> None:
    events = await first_step(text)
    assert events == [TextDelta(phrase), ModelEnded(EndReason.STOP, confidence=1.0)]


async def test_steps_are_quoted_whole_numbered_and_with_what_introduces_them() -> None:
    text, confidence = await second_step("How do I reset my password?")
    assert "If you forgot your password, reset it from the sign-in page:" in text
    assert "\n1. Open **Sign in** and choose *Forgot password*.\n2. Enter" in text
    assert "3. Follow the link. It works for 30 minutes." in text
    assert text.endswith(" [1]")
    assert confidence > 0.8


async def test_the_row_that_answers_is_quoted_under_its_head() -> None:
    text, _ = await second_step("How much is Premium?")
    assert "| Plan | Price | Storage |" in text
    assert "| Premium | $12 per month | 1 TB |" in text
    assert "| Free |" not in text
    assert "[2]" in text


async def test_a_follow_up_leans_on_the_question_before() -> None:
    text, _ = await second_step("and for Team?", earlier=("How much is Premium?",))
    assert "| Team | $30 per month | 5 TB |" in text
    assert "| Premium |" not in text


async def test_the_sentence_that_answers_is_quoted_and_cited() -> None:
    text, _ = await second_step("How long does a refund take?")
    assert "Refunds arrive within 5 to 10 business days." in text
    assert "[3]" in text


@pytest.mark.parametrize(
    "question",
    ["How do I reset my password?", "How much is Premium?", "How long does a refund take?", "What do I need to return goods?", "plans"],
)
async def test_nothing_is_written_that_is_not_in_a_source(question: str) -> None:
    text, _ = await second_step(question)
    sources = " ".join(" ".join(passage["text"].split()) for passage in PASSAGES)
    for line in re.sub(r"\[\d\]", "", text).splitlines():
        assert " ".join(line.split()) in sources


async def test_at_most_three_passages_are_quoted() -> None:
    passages = [{"n": n, "text": f"Refunds for product {n} take {n} days.", "title": "Refunds", "score": 0.9} for n in range(1, 9)]
    text, _ = await second_step("How long do refunds take?", passages)
    assert len(set(re.findall(r"\[\d\]", text))) <= 3


@pytest.mark.parametrize("question", ["Do you sell bananas?", "Who won the football match yesterday?", "???", "🙂"])
async def test_what_the_documents_do_not_say_is_not_known_and_a_person_is_offered(question: str) -> None:
    text, confidence = await second_step(question, [{**passage, "score": 0.1} for passage in PASSAGES])
    assert text == texts_for("en").unknown
    assert confidence < 0.5


async def test_a_passage_about_the_thing_that_lacks_what_is_asked_of_it_is_not_quoted() -> None:
    box = [{"n": 1, "text": "The Box keeps a copy of your files in your office.", "title": "Box", "score": 0.55}]
    lacking, unsure = await second_step("What colour is the case of the Box?", box)
    having, sure = await second_step("Does the Box keep a copy of my files?", box)
    assert "[1]" not in lacking
    assert having == "The Box keeps a copy of your files in your office. [1]"
    assert unsure < 0.5 < sure


async def test_where_no_answer_is_sure_what_comes_nearest_is_offered_and_nothing_is_cited() -> None:
    text, confidence = await second_step("Do you charge for a broken parcel?", [{**passage, "score": 0.25} for passage in PASSAGES])
    texts = texts_for("en")
    first, *listed, last = filter(None, text.split("\n"))
    assert (first, last) == (texts.nearest, texts.nearest_more)
    assert sorted(line.split(". ")[1] for line in listed) == [
        "Account and password › Reset your password",
        "Plans and pricing › Plans",
        "Returns and refunds",
    ]
    assert [line[0] for line in listed] == ["1", "2", "3"]
    assert "[" not in text
    assert confidence < 0.5


@pytest.mark.parametrize(
    ("said", "searched"),
    [("2", "Returns and refunds"), (" 1. ", "Plans and pricing › Plans"), ("3", "3"), ("2 of what?", "2 of what?")],
)
async def test_a_number_alone_chooses_what_was_offered(said: str, searched: str) -> None:
    offered = f"{texts_for('en').nearest}\n\n1. Plans and pricing › Plans\n2. Returns and refunds\n\n{texts_for('en').nearest_more}"
    events = await ask(ModelMessage(Role.USER, "And the fee?"), ModelMessage(Role.ASSISTANT, offered), ModelMessage(Role.USER, said))
    assert calls_of(events) == [("search_knowledge", {"query": searched})]


async def test_a_number_is_no_choice_where_steps_were_quoted_before() -> None:
    steps = "1. Open **Sign in**.\n2. Enter your e-mail address. [1]"
    events = await ask(ModelMessage(Role.USER, "How?"), ModelMessage(Role.ASSISTANT, steps), ModelMessage(Role.USER, "2"))
    assert calls_of(events) == [("search_knowledge", {"query": "2"})]


async def test_the_less_sure_the_search_is_the_less_sure_is_the_answer() -> None:
    confidences = [
        (await second_step("How do I reset my password?", [{**PASSAGES[0], "score": score}]))[1] for score in (0.0, 0.1, 0.5, 0.9, 1.0)
    ]
    assert confidences == sorted(confidences)
    assert 0 < confidences[0] < confidences[-1] < 1


async def test_without_passages_it_is_not_known() -> None:
    assert await second_step("How do I reset my password?", []) == (texts_for("en").unknown, 0.0)


async def test_not_knowing_is_said_in_the_customers_language() -> None:
    text, _ = await second_step("Wie kann ich mein Auto waschen?", [])
    assert text == texts_for("de").unknown


async def test_a_search_that_failed_is_not_called_ignorance() -> None:
    text, confidence = await second_step("How do I reset my password?", result='{"error":"knowledge_unavailable","message":"…"}')
    assert text == texts_for("en").search_failed
    assert confidence == 0.0


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Please remember that I prefer e-mail", [("remember", {"fact": "I prefer e-mail"})]),
        ("My name is Ann Lee.", [("remember", {"fact": "My name is Ann Lee"})]),
        ("Ich heiße Jörg", [("remember", {"fact": "Ich heiße Jörg"})]),
        ("What do you know about me?", [("recall", {})]),
        ("forget everything you know about me", [("forget", {})]),
        (
            "My name is Ann. How do I reset my password?",
            [("remember", {"fact": "My name is Ann"}), ("search_knowledge", {"query": "How do I reset my password?"})],
        ),
        (
            "What does it say?\n[Attached file file_0a1b: bill.txt]",
            [("read_attachment", {"attachment_id": "file_0a1b"}), ("search_knowledge", {"query": "What does it say?"})],
        ),
    ],
)
async def test_a_wish_about_memory_or_files_becomes_tool_calls(text: str, calls: list[tuple[str, Any]]) -> None:
    assert calls_of(await first_step(text)) == calls


async def test_a_tool_that_is_switched_off_is_not_called() -> None:
    events = await ask(ModelMessage(Role.USER, "How do I reset my password?"), tools=())
    assert events == [TextDelta(texts_for("en").unknown), ModelEnded(EndReason.STOP, confidence=0.0)]


async def test_an_attached_file_is_quoted_like_a_passage() -> None:
    file = {
        "notice": "data",
        "n": 1,
        "attachment_id": "file_0a",
        "filename": "bill.txt",
        "text": "The invoice total is 42 euros. Pay by May 3.",
    }
    events = await ask(
        ModelMessage(Role.USER, "What is the invoice total?\n[Attached file file_0a: bill.txt]"),
        ModelMessage(
            Role.ASSISTANT, "", tool_calls=(ToolCall("call_0", "read_attachment", "{}"), ToolCall("call_1", "search_knowledge", "{}"))
        ),
        ModelMessage(Role.TOOL, msgspec.json.encode(file).decode(), tool_call_id="call_0"),
        ModelMessage(Role.TOOL, '{"passages":[]}', tool_call_id="call_1"),
    )
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert "The invoice total is 42 euros." in text
    assert "[1]" in text


def test_every_language_has_every_phrase_in_its_own_words() -> None:
    english = texts_for("en")
    for language in LANGUAGES:
        phrases = texts_for(language)
        for name in phrases.__slots__:
            phrase = getattr(phrases, name)
            assert phrase
            assert phrase == phrase.strip()
            assert language == "en" or phrase != getattr(english, name)
    assert texts_for("xx") is english


@pytest.mark.parametrize(
    "text", ["", "# only a heading", "| a | b |\n|---|---|", "```\ncode", "- \n- ", "1. x\n\n\n   y\n", "\x00", "|" * 2_000, "a. " * 5_000]
)
async def test_an_odd_passage_is_read_without_a_fault(text: str) -> None:
    await second_step("How do I reset x?", [{"n": 1, "text": text, "title": "x reset", "score": 0.9}])
