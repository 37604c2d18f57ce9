"""PDF."""

import pypdfium2

from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.text import ParsedDocument, Part


def read_pdf(data: bytes, *, name: str) -> ParsedDocument:
    try:
        pdf = pypdfium2.PdfDocument(data)
        parts = tuple(Part(page.get_textpage().get_text_range(), number) for number, page in enumerate(pdf, 1))
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(f"It is not a PDF that can be opened: {error}.") from error
    return ParsedDocument(name, parts)
