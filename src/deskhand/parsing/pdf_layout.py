"""From where words stand on a page to what they are: paragraphs, tables and columns.

A line whose words stand far apart falls into segments. Rows of segments below each other that leave the same stripes of the page white are
a table, or columns of text if the segments are long. All else stays in the order of the file, which is nearly always that of reading.
"""

import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_CELL_GAP = 0.7  # of the height of the print: words within a line are closer, cells of a row are not
_ROW_GAP = 2.4  # of it, from one row of a table to the next
_LINE_GAP = 1.75  # of it, from one line of a paragraph to the next
_WHITE = 0.08  # how many of a table's rows may have a cell that reaches over the white between two columns
_PROSE = 32  # characters: what stands in columns of text is longer, what stands in cells is shorter
_BESIDE = 0.1  # how many of a page's rows may have something beside them that is no table, on a page without columns
_PAGE_NUMBER = 8  # letters that may stand beside a page's number
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Word:
    """Places in points, from the left and from the bottom of the page."""

    text: str
    left: float
    right: float
    bottom: float
    top: float


@dataclass(slots=True)
class Line:
    """`size` is that of the print, in points. `text` is the words with a space between them."""

    words: list[Word]
    size: float = 0.0
    text: str = ""

    def __post_init__(self) -> None:
        self.text = self.text or " ".join(word.text for word in self.words)

    @property
    def left(self) -> float:
        return min(word.left for word in self.words)

    @property
    def right(self) -> float:
        return max(word.right for word in self.words)

    @property
    def bottom(self) -> float:
        return min(word.bottom for word in self.words)

    @property
    def top(self) -> float:
        return max(word.top for word in self.words)

    @property
    def height(self) -> float:
        return max(self.top - self.bottom, 1.0)


@dataclass(slots=True)
class Block:
    """Lines of one paragraph, or the rows of a table."""

    lines: list[Line]
    table: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class _Row:
    segments: list[Line]
    line_numbers: set[int]

    @property
    def top(self) -> float:
        return max(segment.top for segment in self.segments)

    @property
    def bottom(self) -> float:
        return min(segment.bottom for segment in self.segments)

    @property
    def height(self) -> float:
        return statistics.median(segment.height for segment in self.segments)


def lay_out(lines: Sequence[Line]) -> list[Block]:
    """The blocks of a page in the order of reading, from its lines in the order of the file."""
    if not lines:
        return []
    if sum(_is_upright(line) for line in lines) * 2 < len(lines):
        return [Block([line]) for line in lines]
    rows = _rows(lines)
    regions = [region for region in _regions(rows) if region]
    by_line: dict[int, list[Block]] = {}
    for region in regions:
        found = _region(region)
        if found:
            numbers = {number for row in region for number in row.line_numbers}
            by_line |= dict.fromkeys(numbers, found)
    order = list(range(len(lines)))
    if sum(len(row.segments) > 1 and not row.line_numbers & by_line.keys() for row in rows) <= _BESIDE * len(rows):
        # Nothing stands beside anything else, so the page is read from top to bottom, whatever the order of the file.
        places = {number: place for place, row in reversed(list(enumerate(rows))) for number in row.line_numbers}
        order.sort(key=lambda number: (places[number], lines[number].left))
    return list(_in_order(lines, order, by_line))


def drop_repeated(pages: Sequence[list[Block]]) -> None:
    """Take what stands at the head or foot of most pages off all but the first that has it."""
    if len(pages) < 3:
        return
    counts: Counter[tuple[str, int]] = Counter()
    for page in pages:
        counts.update({_mark(block) for block in _edges(page)})
    seen: set[tuple[str, int]] = set()
    for page in pages:
        for block in _edges(page):
            mark = _mark(block)
            if counts[mark] * 2 > len(pages):
                if mark in seen:
                    page.remove(block)
                seen.add(mark)


def _edges(page: list[Block]) -> list[Block]:
    """The single lines that stand highest and lowest."""
    standing = [block for block in page if not block.table and len(block.lines) == 1 and block.lines[0].words]
    standing.sort(key=lambda block: block.lines[0].top)
    return standing if len(standing) <= 4 else standing[:2] + standing[-2:]


def _mark(block: Block) -> tuple[str, int]:
    line = block.lines[0]
    # "Page 3 of 9" is one line on all pages; "Chapter 3: Refunds" is not.
    letters = sum(character.isalpha() for character in line.text)
    return _DIGITS.sub("0", line.text) if letters <= _PAGE_NUMBER else line.text, round(line.bottom / 6)


def _is_upright(line: Line) -> bool:
    return len(line.text) < 3 or line.right - line.left > line.height * 0.5


def _segments(line: Line) -> Iterator[Line]:
    """The line, parted where its words stand far from each other."""
    words = [line.words[0]]
    for word in line.words[1:]:
        height = max(word.top - word.bottom, 1.0)
        if word.left - words[-1].right > _CELL_GAP * height or word.right < words[0].left:
            yield Line(words, line.size)
            words = []
        words.append(word)
    yield Line(words, line.size)


def _rows(lines: Sequence[Line]) -> list[_Row]:
    """Segments by height on the page, those at one height in one row, from top to bottom."""
    segments = [(segment, number) for number, line in enumerate(lines) for segment in _segments(line)]
    segments.sort(key=lambda entry: -(entry[0].top + entry[0].bottom))
    rows: list[_Row] = []
    for segment, number in segments:
        if rows:
            row = rows[-1]
            overlap = min(row.segments[0].top, segment.top) - max(row.segments[0].bottom, segment.bottom)
            if overlap > 0.5 * min(row.segments[0].height, segment.height):
                row.segments.append(segment)
                row.line_numbers.add(number)
                continue
        rows.append(_Row([segment], {number}))
    for row in rows:
        row.segments.sort(key=lambda segment: segment.left)
    return rows


def _regions(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Runs of rows that may be a table: each of several segments, or of one that continues a cell further right."""
    region: list[_Row] = []
    for row in rows:
        close = not region or region[-1].bottom - row.top < (_ROW_GAP - 1) * region[-1].height
        several = len(row.segments) > 1
        continues = bool(region) and not several and row.segments[0].left > region[0].segments[0].right
        if not close or not (several or continues):
            yield region
            region = []
        if several or (continues and region):
            region.append(row)
    yield region


def _region(rows: list[_Row]) -> list[Block]:
    """The rows as a table, or as columns of text one after the other; empty if they are neither."""
    # A head that names several columns at once hides the white between them.
    columns = max(_columns(rows), _columns(rows[1:]), key=len)
    several = sum(len(row.segments) > 1 for row in rows)
    if len(columns) < 2 or several < 2 or (several < 3 and len(columns) < 3):
        return []
    cells = [_cells(row, columns) for row in rows]
    lengths = [len(text) for row in cells for text in row if text]
    if len(columns) <= 3 and statistics.median(lengths) >= _PROSE:
        return _prose(rows, columns) if several >= 4 and _reads_across(rows) else []
    if sum(sum(bool(text) for text in row) >= 2 for row in cells) < 2:
        return []
    table: list[list[str]] = []
    for place, row in enumerate(cells):
        previous = rows[place - 1] if place else None
        wraps = (
            previous is not None and not row[0] and sum(map(bool, row)) == 1 and previous.bottom - rows[place].top < 0.35 * previous.height
        )
        if wraps and table:
            table[-1] = [" ".join(filter(None, pair)) for pair in zip(table[-1], row, strict=True)]
        else:
            table.append(row)
    return [Block([], table)]


def _columns(rows: Sequence[_Row]) -> list[tuple[float, float]]:
    """The stripes of the page that the rows fill, from left to right, with the white between them."""
    edges: list[tuple[float, int]] = []
    for row in rows:
        if len(row.segments) > 1:
            for segment in row.segments:
                edges += [(segment.left, 1), (segment.right, -1)]
    edges.sort(key=lambda edge: (edge[0], -edge[1]))
    allowed = int(_WHITE * len(rows))
    columns: list[tuple[float, float]] = []
    covering, start = 0, 0.0
    for place, change in edges:
        before = covering
        covering += change
        if before <= allowed < covering:
            start = place
        elif covering <= allowed < before:
            columns.append((start, place))
    return columns


def _cells(row: _Row, columns: Sequence[tuple[float, float]]) -> list[str]:
    cells: list[list[str]] = [[] for _ in columns]
    for segment in row.segments:
        reach = [min(segment.right, right) - max(segment.left, left) for left, right in columns]
        cells[reach.index(max(reach))].append(segment.text)
    return [" ".join(texts) for texts in cells]


def _reads_across(rows: Sequence[_Row]) -> bool:
    """Whether the file has most rows as single lines over all columns, so that its order is not that of reading."""
    return sum(len(row.segments) > 1 and len(row.line_numbers) == 1 for row in rows) * 2 > len(rows)


def _prose(rows: Sequence[_Row], columns: Sequence[tuple[float, float]]) -> list[Block]:
    found: list[Block] = []
    for number in range(len(columns)):
        lines = [
            segment
            for row in rows
            for segment in row.segments
            if max(range(len(columns)), key=lambda place: min(segment.right, columns[place][1]) - max(segment.left, columns[place][0]))
            == number
        ]
        found += _paragraphs(lines)
    return found


def _in_order(lines: Sequence[Line], order: Sequence[int], regions: dict[int, list[Block]]) -> Iterator[Block]:
    """The lines as paragraphs, and each of the regions where the first of its lines stands."""
    waiting: list[Line] = []
    given: set[int] = set()
    for number in order:
        region = regions.get(number)
        if region is None:
            waiting.append(lines[number])
        elif id(region) not in given:
            given.add(id(region))
            yield from _paragraphs(waiting)
            waiting = []
            yield from region
    yield from _paragraphs(waiting)


def _paragraphs(lines: Sequence[Line]) -> list[Block]:
    found: list[Block] = []
    for line in lines:
        if found and _goes_on(found[-1].lines[-1], line):
            found[-1].lines.append(line)
        else:
            found.append(Block([line]))
    return found


def _goes_on(above: Line, line: Line) -> bool:
    if not above.words or not line.words:
        return False
    same_size = abs(above.size - line.size) < 0.3 or max(above.size, line.size) < 1.1 * min(above.size, line.size)
    step = above.bottom - line.bottom
    return same_size and -0.5 * line.height < step < _LINE_GAP * max(line.height, above.height) * 0.85
