"""Reading documents in child processes, from the server's side. What a document is read with is in `deskhand.parsing`."""

from deskhand.knowledge.parse.reader import DocumentReader, ReaderOptions, ReadersUnavailable
from deskhand.parsing.kinds import MAX_BYTES, SUPPORTED_SUFFIXES, may_hold_documents
from deskhand.parsing.wire import Document

__all__ = [
    "MAX_BYTES",
    "SUPPORTED_SUFFIXES",
    "Document",
    "DocumentReader",
    "ReaderOptions",
    "ReadersUnavailable",
    "may_hold_documents",
]
