"""A parsed document into chunks: pieces of one screenful that end where the text itself pauses.

Invariant: each chunk can be understood by itself. It knows the headings above it, and a piece of a table carries the table's head.
Sizes are characters: counting the model's tokens took eighty times as long and found nothing better.
"""

import bisect
import re
from collections import deque
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
_LONGEST_STRETCH = 20_000
_PAUSES = ("\n\n", "\n", " ")


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
        starts, bodies = [heading.start for heading in known], _bodies(known)
        ahead = deque(known)
        tables = list(_tables(part.text))
        pieces = [piece for start, end in _sections(part.text, known) for piece in _pieces(splitter, part.text, start=start, end=end)]
        for number, (start, text) in enumerate(pieces):
            # A piece that starts with headings belongs under the last of them; headings further down are inside it.
            body = _body_start(start, starts, bodies)
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
    for first, last in _stretches(text, start=start, end=end):
        yield from ((first + place, piece) for place, piece in splitter.chunk_indices(text[first:last]) if piece.strip())


def _stretches(text: str, *, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A section in stretches that end where a paragraph, a line or at least a word does.

    The splitter takes time with the square of what it is given: two million letters without a space took it two minutes.
    """
    while end - start > _LONGEST_STRETCH:
        most = start + _LONGEST_STRETCH
        cut = next((place + len(pause) for pause in _PAUSES if (place := text.rfind(pause, start + _LONGEST_STRETCH // 2, most)) > 0), most)
        yield start, cut
        start = cut
    yield start, end


def _body_start(start: int, starts: Sequence[int], bodies: Sequence[int]) -> int:
    """Where the text begins that a piece at `start` holds: behind the headings that it begins with."""
    place = bisect.bisect_left(starts, start)
    return bodies[place] if place < len(starts) and starts[place] <= start + 2 else start


def _bodies(known: Sequence[Heading]) -> list[int]:
    """For each heading, where the text begins below it and those that follow on it at once."""
    bodies = [heading.end for heading in known]
    for place in range(len(known) - 2, -1, -1):
        if known[place + 1].start <= known[place].end + 2:
            bodies[place] = bodies[place + 1]
    return bodies


def _enter_until(path: list[Heading], ahead: deque[Heading], place: int) -> None:
    """Take the headings before `place` off `ahead`, and let `path` be what is above the text there."""
    while ahead and ahead[0].start < place:
        heading = ahead.popleft()
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
    end = 0
    while match := _TABLE_HEAD.search(text, end):
        after = _NOT_A_ROW.search(text, match.end())
        end = after.start() if after else len(text)
        yield _Table(match.group().strip("\n"), match.end(), end)


def _with_table_head(text: str, start: int, tables: list[_Table]) -> str:
    place = bisect.bisect_right(tables, start, key=lambda table: table.body) - 1
    if place >= 0 and start < tables[place].end and text.lstrip().startswith("|"):
        return f"{tables[place].head}\n{text}"
    return text
