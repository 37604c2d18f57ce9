"""Pictures, by optical character recognition. An extra: without it a picture is refused."""

from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.text import ParsedDocument


def read_image(_data: bytes, *, name: str) -> ParsedDocument:
    raise UnreadableDocument(f"It is a picture, {name}; its words are read where Deskhand is installed as deskhand[ocr].")
