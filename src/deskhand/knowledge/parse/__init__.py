"""Reading documents in child processes, from the server's side. What a document is read with is in `deskhand.parsing`."""

from deskhand.parsing.kinds import SUPPORTED_SUFFIXES, Kind, kind_of
from deskhand.parsing.read import MAX_BYTES, read_text
from deskhand.parsing.rows import Row, rows_of

__all__ = ["MAX_BYTES", "SUPPORTED_SUFFIXES", "Kind", "Row", "kind_of", "read_text", "rows_of"]
