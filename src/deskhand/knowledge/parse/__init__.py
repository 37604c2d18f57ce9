"""Bytes into text that can be searched: each kind of document by its own module, all of them to Markdown.

Invariant: a document is either read whole or refused with a reason. Nothing is guessed, dropped or replaced by a question mark.
"""

from deskhand.knowledge.parse.kinds import SUPPORTED_SUFFIXES, Kind, kind_of
from deskhand.knowledge.parse.read import MAX_BYTES, read_text
from deskhand.knowledge.parse.rows import Row, rows_of

__all__ = ["MAX_BYTES", "SUPPORTED_SUFFIXES", "Kind", "Row", "kind_of", "read_text", "rows_of"]
