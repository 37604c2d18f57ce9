"""Citations: the numbers that customers see, in the running text and in the sources."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.conftest import Desk
from deskhand.agent.citations import CitationStream, supporting
from deskhand.agent.findings import FoundPassage
from deskhand.agent.run import SourcesFound
from deskhand.knowledge import SourceDocument
from deskhand.models.port import ModelRequest, ToolCall
from deskhand.testing.scripted_model import Script, ScriptedModel


def passage(number: int, text: str = "…") -> FoundPassage:
    return FoundPassage(key=str(number), text=text, title=f"Title {number}", source=f"{number}.md", score=0.5)


PASSAGES = [passage(number) for number in range(1, 13)]


def stream(text: str, *, pieces: int = 1, passages: list[FoundPassage] = PASSAGES) -> tuple[str, list[str]]:
    citations = CitationStream(passages)
    shown = "".join(citations.feed(text[at : at + pieces]) for at in range(0, len(text), pieces)) + citations.flush()
    return shown, [found.key for found in citations.cited]


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("text", "shown", "cited"),
    [
        ("No marker.", "No marker.", []),
        ("One [3]. Two [1]. One again [3].", "One [1]. Two [2]. One again [1].", ["3", "1"]),
        ("Both [12][2] and [2, 12].", "Both [1][2] and [2][1].", ["12", "2"]),
        ("Unknown [99] goes.", "Unknown  goes.", []),
        ("Mixed [99, 4].", "Mixed [1].", ["4"]),
        ("In code items[1] stays.", "In code items[1] stays.", []),
        ("Open [1", "Open [1", []),
        ("Open [", "Open [", []),
        ("[2] begins, [link](https://x) stays, [x] too.", "[1] begins, [link](https://x) stays, [x] too.", ["2"]),
    ],
)
def test_markers_are_numbered_in_the_order_of_first_citation(text: str, shown: str, cited: list[str], pieces: int) -> None:
    assert stream(text, pieces=pieces) == (shown, cited)


@given(st.text(alphabet="a .[]0123,;(\n", max_size=60), st.integers(1, 9))
def test_how_the_text_is_cut_changes_nothing(text: str, pieces: int) -> None:
    assert stream(text, pieces=pieces) == stream(text, pieces=1_000)


@given(st.text(alphabet="a [0123],", max_size=60))
def test_every_marker_that_is_shown_has_its_source(text: str) -> None:
    shown, cited = stream(text)
    for marker in re.findall(r"(?<![\w)])\[(\d{1,3})\]", shown):
        assert 1 <= int(marker) <= len(cited)


def test_without_passages_the_text_passes_untouched() -> None:
    assert stream("See [1].", passages=[]) == ("See [1].", [])


def test_an_answer_without_markers_is_given_the_passages_that_hold_its_words() -> None:
    passages = [passage(1, "Bananas are yellow fruit."), passage(2, "Refunds arrive within five business days by bank transfer.")]
    assert supporting("Your refund arrives within five business days.", passages) == [passages[1]]
    assert supporting("I do not know, sorry.", passages) == []


DOCUMENTS = {
    "Password": "# Password\n\nReset your password on the sign-in page. The link works for 30 minutes.",
    "Refunds": "# Refunds\n\nRefunds arrive within five business days by bank transfer.",
    "Parcels": "# Parcels\n\nParcels are delivered by bicycle on weekdays.",
}


async def fill(desk: Desk) -> None:
    await desk.knowledge.ingest(
        [
            SourceDocument(origin=title, source=f"{title}.md", filename=f"{title}.md", data=text.encode())
            for title, text in DOCUMENTS.items()
        ],
        sync_scope=None,
    )


def answer_citing_all_backwards(request: ModelRequest) -> Script:
    tool_messages = [message for message in request.messages if message.tool_call_id]
    if not tool_messages:
        return (ToolCall("call_1", "search_knowledge", '{"query": "How long do refunds take?"}'),)
    return ("Refunds take five days [1]", ".")


async def test_an_answer_carries_the_sources_it_cites(desk: Desk) -> None:
    await fill(desk)
    taken = await desk.take_turn(desk.agent(ScriptedModel(otherwise=answer_citing_all_backwards)), await desk.open_session(), "Refunds?")
    assert taken.answered.text == taken.streamed == "Refunds take five days [1]."
    (source,) = taken.answered.sources
    assert source.rank == 1
    assert "five business days" in source.content
    assert source.metadata["title"] == "Refunds"
    assert 0 <= source.relevance <= 1
    assert SourcesFound(taken.answered.sources) in taken.events
    assert taken.answered.metadata["answered"] is True
    assert taken.answered.tools_used == ("search_knowledge",)


async def test_a_passage_keeps_its_number_over_several_searches(desk: Desk) -> None:
    await fill(desk)
    first = ToolCall("call_1", "search_knowledge", '{"query": "How long do refunds take?"}')
    second = ToolCall("call_2", "search_knowledge", '{"query": "reset password link"}')
    model = ScriptedModel((first,), (second,), ("Refunds [1].",))
    taken = await desk.take_turn(desk.agent(model), await desk.open_session(), "Refunds and password?")
    assert taken.answered.sources[0].metadata["title"] == "Refunds"
    assert len(model.requests[2].messages[-1].content) > 0
