"""PDF: the text of each page in the order in which it is read, its tables as tables, its large print as headings.

Invariant: a page's number is its place in the file, counted from 1, whatever is printed on it. A document of any length is read: what lies
behind the first `_LAID_OUT` characters is taken in the order of the file, without looking where it stands.
"""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator

import pypdfium2
from pypdfium2 import raw

from deskhand.parsing import blocks, pdf_layout
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.pdf_layout import Block, Line, Word
from deskhand.parsing.text import ParsedDocument, Part

_LAID_OUT = 1_500_000
_LARGEST_LAID_OUT_PAGE = 40_000
_WORD = re.compile(r"\S+")
_HEADING_SIZE = 1.15
_LONGEST_HEADING = 160
_MOST_HEADINGS = 0.3
_NO_TITLE = r"untitled|\(?(?:anonymous|unspecified|none)\)?|microsoft (?:word|powerpoint|excel)\b.*"
_FILE_NAME = r".*\.(?:docx?|indd|pptx?|xlsx?|pdf|tex|dvi|qxd)"
_NOT_A_TITLE = re.compile(f"(?:{_NO_TITLE}|{_FILE_NAME})\\Z", re.IGNORECASE)


def read_pdf(data: bytes, *, name: str) -> ParsedDocument:
    """Raises UnreadableDocument: it is damaged, locked by a password, or has no text, as scans have not."""
    try:
        pdf = pypdfium2.PdfDocument(data)
        pages = [(number, blocks_of) for number, blocks_of in enumerate(_pages(pdf), 1) if blocks_of]
        count = len(pdf)
        title = _stated_title(pdf)
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(_reason(error)) from error
    if not pages:
        what = "Its page has no text" if count == 1 else f"Its {count} pages have no text"
        raise UnreadableDocument(
            f"{what}, only pictures, as scans have, and words in pictures are not read. Let a scanner add a text layer (OCR) first."
        )
    pdf_layout.drop_repeated([found for _, found in pages])
    levels = _levels([block for _, found in pages for block in found])
    parts = tuple(Part(_written(found, levels), number) for number, found in pages)
    return ParsedDocument(title or _first_heading(pages, levels) or name, parts)


def _reason(error: pypdfium2.PdfiumError) -> str:
    said = str(error)
    if "password" in said.lower():
        return "It is protected by a password; save it without one and send that."
    if "security" in said.lower():
        return "It is protected in a way that cannot be opened here."
    return "It is a damaged PDF."


def _pages(pdf: pypdfium2.PdfDocument) -> Iterator[list[Block]]:
    left = _LAID_OUT
    for number in range(len(pdf)):
        try:
            page = pdf[number]
        except pypdfium2.PdfiumError:
            # One page that cannot be opened leaves the others; a file without any is refused as a whole.
            yield []
            continue
        textpage = page.get_textpage()
        count = textpage.count_chars()
        text = textpage.get_text_range(0, count) if count else ""
        left -= count
        if left >= 0 and count <= _LARGEST_LAID_OUT_PAGE:
            yield pdf_layout.lay_out(list(_lines(textpage, text, count)))
        else:
            yield [Block([Line([], text=line)]) for line in text.splitlines() if line.strip()]
        textpage.close()
        page.close()


def _lines(textpage: pypdfium2.PdfTextPage, text: str, count: int) -> Iterator[Line]:
    """The lines as PDFium finds them, each with the places of its words."""
    handle = textpage.raw
    shifted = len(text) != count
    first, last = raw.FS_RECTF(), raw.FS_RECTF()
    first_at, last_at = ctypes.byref(first), ctypes.byref(last)
    box_of = raw.FPDFText_GetLooseCharBox
    place = 0
    for line in text.splitlines(keepends=True):
        words: list[Word] = []
        for found in _WORD.finditer(line):
            start, end = place + found.start(), place + found.end() - 1
            if shifted:
                start, end = raw.FPDFText_GetCharIndexFromTextIndex(handle, start), raw.FPDFText_GetCharIndexFromTextIndex(handle, end)
            if box_of(handle, start, first_at) and box_of(handle, end, last_at):
                left, right = min(first.left, last.left), max(first.right, last.right)
                words.append(Word(found.group(), left, right, min(first.bottom, last.bottom), max(first.top, last.top)))
        if words:
            yield Line(words, size=_size_at(handle, place + len(line) - len(line.lstrip())))
        place += len(line)


def _size_at(handle: object, index: int) -> float:
    """The size of the print at a character, in points, as it stands on the page."""
    matrix = raw.FS_MATRIX()
    size = float(raw.FPDFText_GetFontSize(handle, index))
    if not raw.FPDFText_GetMatrix(handle, index, ctypes.byref(matrix)):
        return size
    return size * math.hypot(matrix.b, matrix.d)


def _levels(found: list[Block]) -> dict[float, int]:
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


def _written(found: list[Block], levels: dict[float, int]) -> str:
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


def _first_heading(pages: list[tuple[int, list[Block]]], levels: dict[float, int]) -> str | None:
    headings = [heading for block in pages[0][1] if (heading := _heading(block, levels))]
    return min(headings, key=lambda heading: heading[0])[1] if headings else None


def _stated_title(pdf: pypdfium2.PdfDocument) -> str | None:
    title = " ".join(str(pdf.get_metadata_value("Title")).split())
    return title if len(title) > 3 and not _NOT_A_TITLE.match(title) else None
