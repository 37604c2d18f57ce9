"""What is written of the blocks of a page, of a PDF or of a picture: headings by the size of print, tables, paragraphs."""

from collections import Counter
from collections.abc import Sequence

from deskhand.parsing import blocks
from deskhand.parsing.pdf_layout import Block

_HEADING_SIZE = 1.15
_LONGEST_HEADING = 160
_MOST_HEADINGS = 0.3


def levels_of(found: Sequence[Block]) -> dict[float, int]:
    """Which sizes of print are headings, and of which level: those clearly larger than what most of the text is set in."""
    sizes: Counter[float] = Counter()
    for block in found:
        for line in block.lines:
            sizes[_rounded(line.size)] += len(line.text)
    if not sizes:
        return {}
    body = sizes.most_common(1)[0][0]
    large = sorted((size for size in sizes if body > 0 and size >= body * _HEADING_SIZE), reverse=True)
    if sum(sizes[size] for size in large) > _MOST_HEADINGS * sizes.total():
        return {}
    return {size: min(place, 4) for place, size in enumerate(large, 1)}


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def written(found: Sequence[Block], levels: dict[float, int]) -> str:
    """The blocks of a page as Markdown."""
    out: list[str] = []
    for block in found:
        heading = _heading(block, levels)
        if heading is not None:
            out.append("#" * heading[0] + " " + heading[1])
        elif block.table:
            out.append(blocks.table(block.table))
        else:
            out.append(blocks.words("\n".join(line.text for line in block.lines)))
    return blocks.join(out)


def _heading(block: Block, levels: dict[float, int]) -> tuple[int, str] | None:
    if block.table or not 1 <= len(block.lines) <= 2:
        return None
    level = levels.get(_rounded(block.lines[0].size))
    text = " ".join(line.text for line in block.lines)
    if level is None or len(text) > _LONGEST_HEADING or not any(character.isalpha() for character in text):
        return None
    return level, text


def first_heading(page: Sequence[Block], levels: dict[float, int]) -> str | None:
    """The first of the largest headings of a page."""
    headings = [heading for block in page if (heading := _heading(block, levels))]
    return min(headings, key=lambda heading: heading[0])[1] if headings else None
