"""Which kind of document something is, by its name first and by what it was sent as second."""

from enum import StrEnum
from pathlib import PurePosixPath

from deskhand.errors import UnsupportedKind


class Kind(StrEnum):
    """The value is the media type that the kind is stored under."""

    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    HTML = "text/html"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    JSON = "application/json"
    JSON_LINES = "application/jsonl"


_BY_SUFFIX = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".text": Kind.TEXT,
    ".log": Kind.TEXT,
    ".htm": Kind.HTML,
    ".html": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".csv": Kind.CSV,
    ".tsv": Kind.TSV,
    ".json": Kind.JSON,
    ".jsonl": Kind.JSON_LINES,
    ".ndjson": Kind.JSON_LINES,
}
_BY_TYPE = {
    **{kind.value: kind for kind in Kind},
    "text/x-markdown": Kind.MARKDOWN,
    "application/xhtml+xml": Kind.HTML,
    "application/x-ndjson": Kind.JSON_LINES,
    "application/csv": Kind.CSV,
    "text/json": Kind.JSON,
}
SUPPORTED_SUFFIXES = frozenset(_BY_SUFFIX)


def kind_of(filename: str, content_type: str | None = None) -> Kind:
    """The kind of a file.

    Raises:
        UnsupportedKind: neither the name nor the media type is one that can be read here.
    """
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    kind = _BY_SUFFIX.get(suffix)
    if kind is None and not suffix and content_type is not None:
        kind = _BY_TYPE.get(content_type.split(";")[0].strip().lower())
    if kind is None:
        what = f"'{suffix}' files" if suffix else f"Files of type '{content_type}'" if content_type else "Files without an ending"
        raise UnsupportedKind(
            f"{what} cannot be read here.",
            support=f"Send one of {', '.join(sorted(SUPPORTED_SUFFIXES))}.",
            details={"filename": filename, "supported": sorted(SUPPORTED_SUFFIXES)},
        )
    return kind
