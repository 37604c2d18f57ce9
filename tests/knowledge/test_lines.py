"""Lines compared with a question by what they mean."""

import pytest

from deskhand.knowledge import Embedder
from deskhand.knowledge.lines import LineReader

INVITE = "Members: Owners invite users under Settings."
CODE = "Report: Add the error code to your message."


async def test_the_line_that_means_the_question_is_the_nearer_one(embedder: Embedder) -> None:
    code, invite = await LineReader(embedder).compare("How do I add a colleague?", (), [CODE, INVITE])
    assert invite > code


async def test_what_was_said_before_counts(embedder: Embedder) -> None:
    reader = LineReader(embedder)
    (alone,) = await reader.compare("How do I add one?", (), [INVITE])
    (after,) = await reader.compare("How do I add one?", ("I have a new colleague in my team.",), [INVITE])
    assert after > alone


async def test_a_question_in_another_language_is_compared_in_the_words_of_the_lines(embedder: Embedder) -> None:
    lines = ["Where do I find my invoices?: Owners find them under Billing.", "Change the billing details: Open Settings and Details."]
    find, change = await LineReader(embedder).compare("¿Dónde están mis facturas?", (), lines)
    assert find > change + 0.1


async def test_a_language_that_the_model_does_not_know_decides_nothing(embedder: Embedder) -> None:
    near = await LineReader(embedder).compare("วิธีเพิ่มเพื่อนร่วมงาน", (), [CODE, INVITE])
    assert near == pytest.approx([0.0, 0.0], abs=0.05)


async def test_what_was_forgotten_is_computed_again(embedder: Embedder) -> None:
    reader = LineReader(embedder, remembered=2)
    first = await reader.compare("How do I add a colleague?", (), [CODE, INVITE, "Lights: The box is blue."])
    assert await reader.compare("How do I add a colleague?", (), [CODE, INVITE, "Lights: The box is blue."]) == first


async def test_no_lines_have_nothing_to_compare(embedder: Embedder) -> None:
    assert await LineReader(embedder).compare("How do I add a colleague?", (), []) == []
