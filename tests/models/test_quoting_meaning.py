"""The embedded default where words alone mislead: lines that mean the question, and messages that ask several things."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from deskhand.models.port import ModelEnded, ModelMessage, ModelRequest, Role, TextDelta, ToolCall
from deskhand.models.quoting import Compare, QuotingModel
from deskhand.texts import LANGUAGES, texts_for
from models.test_quoting import OFFERED, calls_of, first_step

CODES = {"n": 1, "title": "Contact", "section": "What should I write?", "score": 0.7, "text": "Add the error code to your message."}
MEMBERS = {"n": 2, "title": "Teams", "section": "Members", "score": 0.6, "text": "Owners invite users under Settings.\n\nA seat costs 5 €."}
CANCEL = {"n": 1, "title": "Plans", "section": "Cancel", "score": 0.9, "text": "Cancel the subscription under Settings."}
REFUND = {"n": 2, "title": "Money", "section": "Refunds", "score": 0.9, "text": "A refund is paid within 14 days."}
NEITHER = {"n": 3, "title": "Box", "section": "Lights", "score": 0.1, "text": "The refund light of the box is blue."}
BOTH = "How do I cancel my subscription and when do I get a refund?"


class Meaning:
    """Compares lines by what a test says they mean, and keeps what it was asked."""

    def __init__(self, **meant: float) -> None:
        self.meant = meant
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    async def compare(self, question: str, earlier: Sequence[str], lines: Sequence[str]) -> list[float]:
        self.asked.append((question, tuple(earlier)))
        return [max((near for word, near in self.meant.items() if word in line), default=0.1) for line in lines]


async def answered(
    text: str, *found: list[dict[str, Any]], compare: Compare | None = None, tool: str = "search_knowledge", earlier: tuple[str, ...] = ()
) -> tuple[str, float]:
    """The text and the confidence of the answer, given what each search found."""
    calls = tuple(ToolCall(f"call_{at}", tool, "{}") for at in range(len(found)))
    results = [
        {"notice": "data", "passages": passages} if tool == "search_knowledge" else {"filename": "a.txt", **passages[0]}
        for passages in found
    ]
    messages = (
        *(ModelMessage(Role.USER, said) for said in earlier),
        ModelMessage(Role.USER, text),
        ModelMessage(Role.ASSISTANT, "", tool_calls=calls),
        *(
            ModelMessage(Role.TOOL, msgspec.json.encode(result).decode(), tool_call_id=call.id)
            for call, result in zip(calls, results, strict=True)
        ),
    )
    events = [event async for event in QuotingModel(compare=compare).stream(ModelRequest(messages=messages, tools=OFFERED))]
    end = events[-1]
    assert isinstance(end, ModelEnded)
    assert end.confidence is not None
    return "".join(event.text for event in events if isinstance(event, TextDelta)), end.confidence


async def test_a_line_that_means_the_question_is_quoted_before_one_that_shares_its_words() -> None:
    question = "How do I add a colleague?"
    by_words, _ = await answered(question, [CODES, MEMBERS])
    by_meaning, _ = await answered(question, [CODES, MEMBERS], compare=Meaning(invite=0.7).compare)
    assert by_words.startswith("Add the error code to your message. [1]")
    assert by_meaning == "Owners invite users under Settings. [2]"


async def test_lines_are_compared_with_what_was_said_before() -> None:
    meaning = Meaning(invite=0.7)
    await answered("And how do I add one?", [CODES, MEMBERS], compare=meaning.compare, earlier=("I have a new colleague.",))
    assert meaning.asked == [("And how do I add one?", ("I have a new colleague.",))]


async def test_a_file_alone_is_read_by_its_words() -> None:
    meaning = Meaning(invite=0.7)
    text, _ = await answered("How do I add the error code?", [CODES], compare=meaning.compare, tool="read_attachment")
    assert text == "Add the error code to your message. [1]"
    assert meaning.asked == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (BOTH, ["How do I cancel my subscription", "when do I get a refund?"]),
        ("Do you take PayPal? And how long is the warranty?", ["Do you take PayPal?", "how long is the warranty?"]),
        ("Wie kündige ich, und wo ist meine Rechnung?", ["Wie kündige ich", "wo ist meine Rechnung?"]),
    ],
)
async def test_each_of_two_questions_is_searched(text: str, parts: list[str]) -> None:
    assert [arguments["query"] for _, arguments in calls_of(await first_step(text))] == parts


@pytest.mark.parametrize(
    "text",
    [
        "Can I pause my subscription, and what does that cost?",
        "How and why do I cancel?",
        "I paid with my card and was charged twice",
        "Do you ship to France and Spain?",
        "I bought a box. Can I send it back?",
        "What does Team cost? And what about Business?",
    ],
)
async def test_a_question_that_leans_on_another_is_not_torn_from_it(text: str) -> None:
    assert [arguments["query"] for _, arguments in calls_of(await first_step(text))] == [text]


async def test_two_questions_are_answered_in_their_order() -> None:
    text, confidence = await answered(BOTH, [CANCEL, NEITHER], [REFUND, NEITHER])
    assert text == "Cancel the subscription under Settings. [1]\n\nA refund is paid within 14 days. [2]"
    assert confidence > 0.9


async def test_what_is_not_known_of_two_questions_is_said() -> None:
    text, confidence = await answered(BOTH, [CANCEL], [NEITHER])
    assert text == f"Cancel the subscription under Settings. [1]\n\n{texts_for('en').unknown_part}"
    assert confidence < 0.9


async def test_of_two_questions_without_an_answer_it_is_said_once_that_it_is_not_known() -> None:
    text, _ = await answered(BOTH, [NEITHER], [NEITHER])
    assert text.count(texts_for("en").nearest) == 1
    assert re.findall(r"^\d\. (.+)$", text, re.MULTILINE) == ["Box › Lights"]


async def test_a_passage_that_answers_two_questions_is_quoted_once() -> None:
    text, _ = await answered(BOTH, [CANCEL], [CANCEL])
    assert text == "Cancel the subscription under Settings. [1]"


async def test_a_row_is_not_named_by_a_word_of_the_heading() -> None:
    rows = "| Way | Hours |\n| --- | --- |\n| Chat | 8:00 to 20:00 |\n| support@example.org | on working days |"
    hours = {"n": 1, "title": "Support", "section": "Support hours", "score": 0.9, "text": f"## Support hours\n\n{rows}"}
    text, _ = await answered("support hours", [hours])
    assert text == f"{rows}\n\n[1]"


def test_every_language_says_that_a_part_is_not_known() -> None:
    assert len({texts_for(language).unknown_part for language in LANGUAGES}) == len(LANGUAGES)
