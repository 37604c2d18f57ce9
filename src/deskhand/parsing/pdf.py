"""PDF: the text of each page in the order in which it is read, its tables as tables, its large print as headings.

Invariant: a page's number is its place in the file, counted from 1, whatever is printed on it. A document of any length is read: what lies
behind the first `_LAID_OUT` characters is taken in the order of the file, without looking where it stands.
"""

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw

from deskhand.parsing import page_writing, pdf_layout, scans
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.pdf_layout import Block, Line, Word
from deskhand.parsing.text import ParsedDocument, Part

_LAID_OUT = 1_500_000
_LARGEST_LAID_OUT_PAGE = 40_000
_WORD = re.compile(r"\S+")
_NO_TITLE = r"untitled|\(?(?:anonymous|unspecified|none)\)?|microsoft (?:word|powerpoint|excel)\b.*"
_FILE_NAME = r".*\.(?:docx?|indd|pptx?|xlsx?|pdf|tex|dvi|qxd)"
_NOT_A_TITLE = re.compile(f"(?:{_NO_TITLE}|{_FILE_NAME})\\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Page:
    blocks: list[Block]
    is_scan: bool = False


def read_pdf(data: bytes, *, name: str) -> ParsedDocument:
    """The text of a PDF, and which of its pages are scans.

    Raises:
        UnreadableDocument: it is damaged, locked by a password, or empty.
    """
    try:
        pdf = pypdfium2.PdfDocument(data)
        looked_at = list(enumerate(_pages(pdf), 1))
        title = _stated_title(pdf)
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(_reason(error)) from error
    pages = [(number, page.blocks) for number, page in looked_at if page.blocks]
    scanned = tuple(number for number, page in looked_at if page.is_scan)
    if not pages and not scanned:
        what = "Its page is" if len(looked_at) == 1 else f"Its {len(looked_at)} pages are"
        raise UnreadableDocument(f"{what} empty: there is neither text nor a picture of any.")
    pdf_layout.drop_repeated([found for _, found in pages])
    levels = page_writing.levels_of([block for _, found in pages for block in found])
    parts = tuple(Part(page_writing.written(found, levels), number) for number, found in pages)
    heading = page_writing.first_heading(pages[0][1], levels) if pages else None
    return ParsedDocument(title or heading or name, parts, scanned=scanned)


def _reason(error: pypdfium2.PdfiumError) -> str:
    said = str(error)
    if "password" in said.lower():
        return "It is protected by a password; save it without one and send that."
    if "security" in said.lower():
        return "It is protected in a way that cannot be opened here."
    return "It is a damaged PDF."


def _pages(pdf: pypdfium2.PdfDocument) -> Iterator[_Page]:
    left = _LAID_OUT
    for number in range(len(pdf)):
        try:
            page = pdf[number]
        except pypdfium2.PdfiumError:
            # One page that cannot be opened leaves the others; a file without any is refused as a whole.
            yield _Page([])
            continue
        textpage = page.get_textpage()
        count = textpage.count_chars()
        text = textpage.get_text_range(0, count) if count else ""
        left -= count
        is_scan = scans.is_scan(page, letters=len(text.strip()))
        if left >= 0 and count <= _LARGEST_LAID_OUT_PAGE:
            yield _Page(pdf_layout.lay_out(list(_lines(textpage, text, count))), is_scan)
        else:
            yield _Page([Block([Line([], text=line)]) for line in text.splitlines() if line.strip()], is_scan)
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


def _stated_title(pdf: pypdfium2.PdfDocument) -> str | None:
    title = " ".join(str(pdf.get_metadata_value("Title")).split())
    return title if len(title) > 3 and not _NOT_A_TITLE.match(title) else None
