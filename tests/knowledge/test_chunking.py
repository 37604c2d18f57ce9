"""Where a document is cut, and what each piece knows of the rest."""

import pytest

from deskhand.knowledge import ChunkSize, ParsedDocument, Part
from deskhand.knowledge.chunking import indexed_text, split
from deskhand.parsing.read import read_document as read_text

SMALL = ChunkSize(least=200, most=300)


def _read(text: str) -> ParsedDocument:
    return read_text("guide.md", None, text.encode())


def test_a_chunk_knows_the_headings_above_it() -> None:
    filler = "It goes on for a while so that nothing more fits into the piece. " * 4
    text = f"# Guide\n\n{filler}\n\n## Billing\n\n{filler}\n\n### Cards\n\n{filler}\n\n## Other\n\n{filler}"
    chunks = split(_read(text), size=SMALL)
    assert [chunk.section for chunk in chunks] == [None, "Billing", "Billing › Cards", "Other"]
    assert indexed_text(chunks[2], title="Guide").startswith("Guide\nBilling\n### Cards\n")


def test_a_piece_of_a_table_carries_its_head() -> None:
    rows = "\n".join(f"| Plan {number} | {number} € | the note for it |" for number in range(40))
    chunks = split(_read(f"# Plans\n\n| Plan | Price | Note |\n| --- | --- | --- |\n{rows}\n\nAfterwards."), size=SMALL)
    pieces = [chunk.text for chunk in chunks if "€" in chunk.text]
    assert len(pieces) > 3
    assert all("| Plan | Price | Note |\n| --- | --- | --- |\n| Plan" in piece for piece in pieces)
    assert sum(piece.count("€") for piece in pieces) == 40


def test_no_chunk_is_headings_alone_and_no_word_is_lost() -> None:
    text = "# A\n\n## B\n\n### C\n\n" + " ".join(f"word{number}" for number in range(200))
    chunks = split(_read(text), size=SMALL)
    assert all("word" in chunk.text for chunk in chunks)
    words = [word for chunk in chunks for word in chunk.text.split() if word.startswith("word")]
    assert words == [f"word{number}" for number in range(200)]
    assert {chunk.section for chunk in chunks} == {"B › C"}


def test_a_heading_in_a_code_block_is_none() -> None:
    chunks = split(_read("# Guide\n\n```sh\n# not a heading\n```\n\n" + "text " * 100), size=SMALL)
    assert {chunk.section for chunk in chunks} == {None}


def test_pages_come_along_and_a_section_goes_on_over_them() -> None:
    document = ParsedDocument(title="Manual", parts=(Part("## Start\n\nfirst page", page=1), Part("second page", page=2)))
    assert [(chunk.page, chunk.section) for chunk in split(document, size=SMALL)] == [(1, "Start"), (2, "Start")]


def test_each_section_is_a_piece_of_its_own() -> None:
    text = "# Help\n\nWelcome.\n\n## Pay\n\nBy card.\n\n## Ship\n\n### Abroad\n\nTo Norway too.\n\n## Empty\n"
    chunks = split(_read(text), size=ChunkSize())
    assert [(chunk.section, chunk.text.split("\n\n")[-1].strip()) for chunk in chunks] == [
        (None, "Welcome."),
        ("Pay", "By card."),
        ("Ship › Abroad", "To Norway too."),
        ("Empty", "## Empty"),
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "# a\n" * 150_000, "|a|\n|-|\n" * 60_000], ids=["one word", "headings alone", "heads of tables"]
)
def test_the_time_grows_with_the_text_and_not_with_its_square(text: str) -> None:
    chunks = split(ParsedDocument(title="Long", parts=(Part(text),)), size=ChunkSize())
    assert chunks
    assert all(len(chunk.text) <= 900 for chunk in chunks if chunk.text.startswith("x"))
