"""Reading documents in child processes, from the server's side. What a document is read with is in `deskhand.parsing`."""

from deskhand.knowledge.parse.reader import DocumentReader, ReaderOptions, ReadersUnavailable
from deskhand.parsing.kinds import SUPPORTED_SUFFIXES, Kind, kind_of, may_hold_documents
from deskhand.parsing.read import MAX_BYTES, read_document
from deskhand.parsing.read import read_document as read_text
from deskhand.parsing.rows import Row, rows_of
from deskhand.parsing.wire import Document

__all__ = [
    "MAX_BYTES",
    "SUPPORTED_SUFFIXES",
    "Document",
    "DocumentReader",
    "Kind",
    "ReaderOptions",
    "ReadersUnavailable",
    "Row",
    "kind_of",
    "may_hold_documents",
    "read_document",
    "read_text",
    "rows_of",
]
