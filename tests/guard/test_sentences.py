"""Cutting an answer into sentences while it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskhand.guard.evidence.sentences import SentenceStream


def cut(*pieces: str) -> list[str]:
    stream = SentenceStream()
    return [*(sentence for piece in pieces for sentence in stream.feed(piece)), *stream.flush()]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Use e.g. 3.5 GB of data. ", "See https://a.example/x.y?z=1. ", "Done."],
        ["Dr. Smith met No. 5 on the 5. November 2025. ", "It rained."],
        ["Es gilt z. B. ab dem 5. November. ", "Danach nicht."],
        ["Steps:\n", "1. Open Settings. ", "Tap OK.\n", "2. Done!\n\n", "Bye."],
        ["| plan | price |\n", "|---|---|\n", "| Pro. Max | 3.50 |\n"],
        ["Run this:\n", "```\n", "a = b. C\n", "```\n", "That is all."],
        ["It is 5 [1]. ", "See there. [2] ", "Next one? ", "Yes… ok. ", "Fine."],
        ["你好。", "再见！", "好"],
        ["“Really?” ", "She said so. ", "Ok"],
        ["costs 1,264.50 at 9.30 p.m. on Monday. ", "Ok"],
    ],
)
def test_a_text_is_cut_where_its_sentences_end(sentences: list[str]) -> None:
    assert cut("".join(sentences)) == sentences


def test_a_sentence_goes_out_as_soon_as_the_next_one_begins() -> None:
    stream = SentenceStream()
    assert [stream.feed(token) for token in ("All", " is", " well", ".", " ", "We")] == [[], [], [], [], [], ["All is well. "]]


@given(st.lists(st.sampled_from(["Ok", ". ", " 5", ".", "\n", "- ", "e.g", "[1]", "Nov", "ember", "。", "! ", "«", " x"]), max_size=30))
def test_tokens_and_the_whole_text_are_cut_alike_and_nothing_is_lost(pieces: list[str]) -> None:
    assert "".join(cut(*pieces)) == "".join(pieces)
    assert cut(*"".join(pieces)) == cut("".join(pieces))
