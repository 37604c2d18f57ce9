"""From lines of print to a page: straightened, in the order of reading, in paragraphs, tables and headings.

A page may have columns. Print that reaches over the white between them parts the page into bands; each band is read column by column.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deskhand.parsing import page_writing, pdf_layout
from deskhand.parsing.pdf_layout import Line, Word

_HEADING = 1.35
_STEP = 1.25
_LONG = 18  # characters: lines of a column of text are longer, cells of a table shorter
_FEWEST = 4  # lines in a column
_CROSSING = 0.25  # how many of the lines may reach over the white between two columns
_STRIPES = 200
_STEEPEST = math.radians(20)

Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`heading` is the first of the page's largest headings, if it has one."""

    text: str
    heading: str | None


def sheet_of(found: Sequence[tuple[str, Corners]]) -> Sheet:
    """The page on which `found` stands: each line of print with its corners, as (x, y) in pixels from the top left."""
    words = _sized(_straight(found))
    laid_out = [block for column in _columns(words) for block in pdf_layout.lay_out(column)]
    levels = page_writing.levels_of(laid_out)
    return Sheet(page_writing.written(laid_out, levels), page_writing.first_heading(laid_out, levels))


def _straight(found: Sequence[tuple[str, Corners]]) -> list[Word]:
    """The lines as boxes that stand upright, however the page lay when it was scanned; the bottom of the page is at the lowest of them."""
    slant = _slant([corners for _, corners in found])
    cos, sin = math.cos(slant), math.sin(slant)
    words: list[Word] = []
    for text, corners in found:
        across = [x * cos + y * sin for x, y in corners]
        down = [y * cos - x * sin for x, y in corners]
        words.append(Word(text, min(across), max(across), -max(down), -min(down)))
    return words


def _slant(boxes: Sequence[Corners]) -> float:
    """How far the lines go down to the right, in radians: the median, by their lengths."""
    angles: list[tuple[float, float]] = []
    for (left, top), (right, across), *_ in boxes:
        angle = math.atan2(across - top, right - left)
        if abs(angle) < _STEEPEST:
            angles.append((angle, right - left))
    half = sum(length for _, length in angles) / 2
    for angle, length in sorted(angles):
        half -= length
        if half <= 0:
            return angle
    return 0.0


def _sized(words: Sequence[Word]) -> list[tuple[Word, float]]:
    """The words with the size of their print. It is that of most of the page unless it is clearly larger: boxes around lines without
    long letters are lower than others."""
    if not words:
        return []
    body = statistics.median(word.top - word.bottom for word in words for _ in range(max(1, len(word.text) // 8)))
    return [(word, body * _step(max((word.top - word.bottom) / body, 1.0))) for word in words]


def _step(ratio: float) -> float:
    """A size in steps, so that headings of one kind are of one size."""
    return 1.0 if ratio < _HEADING else float(_STEP ** round(math.log(ratio, _STEP)))


def _columns(words: Sequence[tuple[Word, float]]) -> Iterator[list[Line]]:
    """The rows of the page as lines, a column of a band at a time, in the order of reading."""
    gutter = _gutter([word for word, _ in words])
    if gutter is None:
        if words:
            yield _rows(words)
        return
    ordered = sorted(words, key=lambda entry: -(entry[0].top + entry[0].bottom))
    left: list[tuple[Word, float]] = []
    right: list[tuple[Word, float]] = []
    across: list[tuple[Word, float]] = []
    for entry in ordered:
        word = entry[0]
        reaches = word.left < gutter < word.right and min(gutter - word.left, word.right - gutter) > word.top - word.bottom
        if reaches and (left or right):
            yield from _band(left, right)
            left, right = [], []
        elif not reaches and across:
            yield _rows(across)
            across = []
        (across if reaches else left if word.left + word.right < 2 * gutter else right).append(entry)
    yield from _band(left, right)
    if across:
        yield _rows(across)


def _band(left: Sequence[tuple[Word, float]], right: Sequence[tuple[Word, float]]) -> Iterator[list[Line]]:
    beside = [*left, *right]
    if sum(len(word.text) >= _LONG for word, _ in beside) * 2 < len(beside):
        # A table that happens to leave the same white.
        yield _rows(beside)
        return
    for column in (left, right):
        yield from _columns(column)


def _gutter(words: Sequence[Word]) -> float | None:
    """Where the white between two columns of text is, from the left; `None` if there are none."""
    long = [word for word in words if len(word.text) >= _LONG]
    if len(long) < 2 * _FEWEST:
        return None
    start, end = min(word.left for word in long), max(word.right for word in long)
    stripe = max(end - start, 1.0) / _STRIPES
    cover = [0] * (_STRIPES + 1)
    for word in words:
        first, last = (min(max(int((edge - start) / stripe), 0), _STRIPES) for edge in (word.left, word.right))
        for place in range(first, last + 1):
            cover[place] += 1
    middle = range(_STRIPES // 8, _STRIPES - _STRIPES // 8)
    least = min(cover[place] for place in middle)
    if least > _CROSSING * len(words):
        return None
    run = max(_runs([place for place in middle if cover[place] == least]), key=len)
    gutter = start + (run[0] + run[-1] + 1) / 2 * stripe
    beside = [sum(word.right <= gutter for word in long), sum(word.left >= gutter for word in long)]
    short = sum(len(word.text) < _LONG for word in words if word.right <= gutter or word.left >= gutter)
    return gutter if min(beside) >= _FEWEST and short <= sum(beside) else None


def _runs(places: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for place in places:
        if run and place != run[-1] + 1:
            yield run
            run = []
        run.append(place)
    yield run


def _rows(words: Sequence[tuple[Word, float]]) -> list[Line]:
    """Words that stand at one height as one line, from top to bottom."""
    rows: list[list[tuple[Word, float]]] = []
    for word, size in sorted(words, key=lambda entry: -(entry[0].top + entry[0].bottom)):
        if rows:
            first = rows[-1][0][0]
            overlap = min(first.top, word.top) - max(first.bottom, word.bottom)
            if overlap > 0.5 * min(first.top - first.bottom, word.top - word.bottom):
                rows[-1].append((word, size))
                continue
        rows.append([(word, size)])
    lines: list[Line] = []
    for row in rows:
        row.sort(key=lambda entry: entry[0].left)
        lines.append(Line([word for word, _ in row], size=max(size for _, size in row)))
    return lines
