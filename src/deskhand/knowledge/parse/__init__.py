"""Reading documents in child processes, from the server's side. What a document is read with is in `deskhand.parsing`."""

from deskhand.knowledge.parse.reader import DocumentReader, ReaderOptions, ReadersUnavailable
from deskhand.knowledge.parse.recognising import PictureOptions
from deskhand.knowledge.parse.scans import OCR_ADVICE, READS_PICTURES, ScannedPage
from deskhand.parsing.kinds import MAX_BYTES, SUPPORTED_SUFFIXES, may_hold_documents
from deskhand.parsing.wire import Document

__all__ = [
    "MAX_BYTES",
    "OCR_ADVICE",
    "READS_PICTURES",
    "SUPPORTED_SUFFIXES",
    "Document",
    "DocumentReader",
    "PictureOptions",
    "ReaderOptions",
    "ReadersUnavailable",
    "ScannedPage",
    "may_hold_documents",
]
