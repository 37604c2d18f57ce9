"""A parsed document into chunks: pieces of one screenful that end where the text itself pauses.

Invariant: each chunk can be understood by itself. It knows the headings above it, and a piece of a table carries the table's head.
Sizes are characters: counting the model's tokens took eighty times as long and found nothing better.
"""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter

from deskhand.knowledge.documents import ParsedDocument
from deskhand.parsing.markdown import Heading, headings

VERSION = "chunks-3"

_TABLE_HEAD = re.compile(r"^[ \t]*\|.*\n[ \t]*\|[ \t:|-]*-[ \t:|-]*(?:\n|\Z)", re.MULTILINE)
_NOT_A_ROW = re.compile(r"^(?![ \t]*\|)", re.MULTILINE)
_SEPARATOR = " › "
# Begins the section of a chunk that is found by an example of its question, which is the rest of it.
EXAMPLE = "\u241f"
_LONGEST_SECTION = 300


@dataclass(frozen=True, slots=True)
class Chunk:
    """`section` is the path of headings above the text, `None` above the first; `page` counts from 1."""

    text: str
    section: str | None
    page: int | None


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """Characters. A chunk is full from `least` on and never longer than `most`, the repeated head of a table apart."""

    least: int = 600
    most: int = 900


def split(document: ParsedDocument, *, size: ChunkSize) -> list[Chunk]:
    """The chunks of a document in order; empty only if the document is."""
    splitter = MarkdownSplitter((size.least, size.most))
    path: list[Heading] = []
    found: list[Chunk] = []
    for part in document.parts:
        known = list(headings(part.text))
        ahead = list(known)
        tables = list(_tables(part.text))
        pieces = [piece for start, end in _sections(part.text, known) for piece in _pieces(splitter, part.text, start=start, end=end)]
        for number, (start, text) in enumerate(pieces):
            # A piece that starts with headings belongs under the last of them; headings further down are inside it.
            body = _body_start(start, known)
            _enter_until(path, ahead, body)
            # Headings alone say nothing that the section of the next piece does not.
            if body < start + len(text) or number + 1 == len(pieces):
                found.append(Chunk(_with_table_head(text, start, tables), _section(path, document.title), part.page))
            _enter_until(path, ahead, start + len(text))
        _enter_until(path, ahead, len(part.text))
    return found


def indexed_text(chunk: Chunk, *, title: str) -> str:
    """What is analysed and embedded: the chunk under its title and those headings that are not in it; of an example, that alone."""
    if chunk.section and chunk.section.startswith(EXAMPLE):
        return chunk.section.removeprefix(EXAMPLE)
    above = [title]
    if chunk.section:
        above += [heading for heading in chunk.section.split(_SEPARATOR) if heading != title and heading not in chunk.text]
    return "\n".join([*above, chunk.text])


def heading_of(chunk: Chunk, *, title: str) -> str | None:
    """The headings above a chunk, which are embedded once more by themselves; `None` if it stands under none."""
    return f"{title}\n{chunk.section}" if chunk.section and not chunk.section.startswith(EXAMPLE) else None


def _sections(text: str, known: Sequence[Heading]) -> Iterator[tuple[int, int]]:
    """From where to where the sections go: each from its headings to the next one that follows on text.

    A section is what a question is about. Two of them in one piece make a vector that is close to neither.
    """
    start = body = 0
    for heading in known:
        if text[body : heading.start].strip():
            yield start, heading.start
            start = heading.start
        body = heading.end
    yield start, len(text)


def _pieces(splitter: MarkdownSplitter, text: str, *, start: int, end: int) -> Iterator[tuple[int, str]]:
    return ((start + place, piece) for place, piece in splitter.chunk_indices(text[start:end]) if piece.strip())


def _body_start(start: int, known: list[Heading]) -> int:
    place = bisect.bisect_left([heading.start for heading in known], start)
    while place < len(known) and known[place].start <= start + 2:
        start = known[place].end
        place += 1
    return start


def _enter_until(path: list[Heading], ahead: list[Heading], place: int) -> None:
    """Take the headings before `place` off `ahead`, and let `path` be what is above the text there."""
    while ahead and ahead[0].start < place:
        heading = ahead.pop(0)
        while path and path[-1].level >= heading.level:
            path.pop()
        if heading.text:
            path.append(heading)


def _section(path: list[Heading], title: str) -> str | None:
    names = [heading.text for heading in path]
    if names and names[0] == title:
        names = names[1:]
    return _SEPARATOR.join(names)[:_LONGEST_SECTION] or None


@dataclass(frozen=True, slots=True)
class _Table:
    """Places in the text: of the first row after the head, and behind the last."""

    head: str
    body: int
    end: int


def _tables(text: str) -> Iterator[_Table]:
    for match in _TABLE_HEAD.finditer(text):
        after = _NOT_A_ROW.search(text, match.end())
        yield _Table(match.group().strip("\n"), match.end(), after.start() if after else len(text))


def _with_table_head(text: str, start: int, tables: list[_Table]) -> str:
    for table in tables:
        if table.body <= start < table.end and text.lstrip().startswith("|"):
            return f"{table.head}\n{text}"
    return text
