"""Which kind of document something is: by its first bytes where they tell, else by its name, last by what it was sent as.

Invariant: what begins as a PDF, an archive or a picture is that, whatever it is called; what is called so and does not begin so is refused.
What the sender says about the type is believed only of texts without an ending.
"""

from enum import StrEnum
from pathlib import PurePosixPath

from deskhand.errors import UnsupportedKind
from deskhand.parsing import ocr
from deskhand.parsing.errors import UnreadableDocument


class Kind(StrEnum):
    """The value is the media type that the kind is stored under."""

    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    HTML = "text/html"
    XML = "application/xml"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    JSON = "application/json"
    JSON_LINES = "application/jsonl"
    PDF = "application/pdf"
    WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    OLD_SHEETS = "application/vnd.ms-excel"
    OPEN_SHEETS = "application/vnd.oasis.opendocument.spreadsheet"
    EPUB = "application/epub+zip"
    MAIL = "message/rfc822"
    OUTLOOK = "application/vnd.ms-outlook"
    ZIP = "application/zip"
    # Stored under the type of the very picture.
    IMAGE = "image/*"


class Container(StrEnum):
    """What the first bytes can tell, where several kinds begin alike."""

    ZIP = "a ZIP archive"
    OLE = "an Office document of before 2007"


_TEXTS = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".text": Kind.TEXT,
    ".log": Kind.TEXT,
    ".htm": Kind.HTML,
    ".html": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".xml": Kind.XML,
    ".csv": Kind.CSV,
    ".tsv": Kind.TSV,
    ".json": Kind.JSON,
    ".jsonl": Kind.JSON_LINES,
    ".ndjson": Kind.JSON_LINES,
    ".eml": Kind.MAIL,
}
_BINARIES = {
    ".pdf": Kind.PDF,
    ".docx": Kind.WORD,
    ".docm": Kind.WORD,
    ".pptx": Kind.SLIDES,
    ".pptm": Kind.SLIDES,
    ".xlsx": Kind.SHEETS,
    ".xlsm": Kind.SHEETS,
    ".xls": Kind.OLD_SHEETS,
    ".ods": Kind.OPEN_SHEETS,
    ".epub": Kind.EPUB,
    ".msg": Kind.OUTLOOK,
    ".zip": Kind.ZIP,
}
_IMAGES = dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"), Kind.IMAGE)
_BY_SUFFIX = {**_TEXTS, **_BINARIES, **_IMAGES}
_TEXT_TYPES = {
    **{kind.value: kind for kind in _TEXTS.values()},
    "text/x-markdown": Kind.MARKDOWN,
    "application/xhtml+xml": Kind.HTML,
    "text/xml": Kind.XML,
    "application/x-ndjson": Kind.JSON_LINES,
    "application/csv": Kind.CSV,
    "text/json": Kind.JSON,
}
_BY_TYPE = {**{kind.value: kind for kind in Kind}, **_TEXT_TYPES}
_FIRST_BYTES: tuple[tuple[bytes, Kind | Container], ...] = (
    (b"%PDF-", Kind.PDF),
    (b"PK\x03\x04", Container.ZIP),
    (b"PK\x05\x06", Container.ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Container.OLE),
    (b"\x89PNG\r\n\x1a\n", Kind.IMAGE),
    (b"\xff\xd8\xff", Kind.IMAGE),
    (b"GIF8", Kind.IMAGE),
    (b"II*\x00", Kind.IMAGE),
    (b"MM\x00*", Kind.IMAGE),
)
_NAMED = {
    Kind.PDF: "a PDF",
    Kind.WORD: "a Word document",
    Kind.SLIDES: "a PowerPoint document",
    Kind.SHEETS: "an Excel workbook",
    Kind.OLD_SHEETS: "an Excel workbook",
    Kind.OPEN_SHEETS: "an OpenDocument spreadsheet",
    Kind.EPUB: "an EPUB",
    Kind.OUTLOOK: "an Outlook message",
    Kind.ZIP: "a ZIP archive",
    Kind.IMAGE: "a picture",
}
# Too short to be told from a text by.
_BITMAP = b"BM"
_IMAGE_TYPES = {b"\x89P": "image/png", b"\xff\xd8": "image/jpeg", b"GI": "image/gif", b"RI": "image/webp", _BITMAP: "image/bmp"}
MAX_BYTES = 25_000_000
# Some programs write a line or two before the PDF begins, and every reader looks past them.
_BEFORE_A_PDF = 1024
SUPPORTED_SUFFIXES = frozenset({**_TEXTS, **_BINARIES, **(_IMAGES if ocr.INSTALLED else {})})


def kind_of(filename: str, content_type: str | None = None) -> Kind:
    """The kind that a file claims to be by its name or, without an ending, by the media type it was sent as.

    Raises:
        UnsupportedKind: neither is one that can be read here.
    """
    suffix = suffix_of(filename)
    kind = _BY_SUFFIX.get(suffix)
    if kind is None and not suffix and content_type is not None:
        kind = _BY_TYPE.get(content_type.split(";")[0].strip().lower())
    if kind is None or (kind is Kind.IMAGE and not ocr.INSTALLED):
        what = f"'{suffix}' files" if suffix else f"Files of type '{content_type}'" if content_type else "Files without an ending"
        raise UnsupportedKind(
            f"{what} cannot be read here.",
            support=f"Send one of {', '.join(sorted(SUPPORTED_SUFFIXES))}."
            + (f" For words in pictures: {ocr.ADVICE}" if kind is Kind.IMAGE else ""),
            details={"filename": filename, "supported": sorted(SUPPORTED_SUFFIXES)},
        )
    return kind


def look_at(filename: str, content_type: str | None, data: bytes) -> Kind | Container:
    """The kind of a file by its bytes and its name, or the container that has to be opened to tell.

    Raises:
        UnsupportedKind: neither its bytes nor its name nor its type say that it can be read here.
        UnreadableDocument: it is called what it is not.
    """
    found = _begins_as(data)
    if found is Kind.IMAGE:
        return kind_of(filename if _BY_SUFFIX.get(suffix_of(filename)) is Kind.IMAGE else "picture.png")
    if found is not None:
        return found
    claimed = kind_of(filename, content_type)
    if (claimed is Kind.PDF and b"%PDF-" in data[:_BEFORE_A_PDF]) or (claimed is Kind.IMAGE and data.startswith(_BITMAP)):
        return claimed
    if claimed in _NAMED:
        raise UnreadableDocument(f"It is called {_NAMED[claimed]} and does not begin as one; it is damaged or something else.")
    return claimed


def may_hold_documents(filename: str, content_type: str | None, data: bytes) -> bool:
    """Whether there may be documents of their own in a file: rows, members of an archive, what came with a mail. Looks at a few bytes."""
    claimed = _BY_SUFFIX.get(suffix_of(filename)) or _BY_TYPE.get((content_type or "").split(";")[0].strip().lower())
    found = _begins_as(data[:16])
    if found is Container.ZIP:
        return claimed not in (Kind.WORD, Kind.SLIDES, Kind.SHEETS, Kind.OPEN_SHEETS, Kind.EPUB)
    if found is Container.OLE:
        return claimed is not Kind.OLD_SHEETS
    return found is None and claimed in (Kind.CSV, Kind.TSV, Kind.JSON, Kind.JSON_LINES, Kind.MAIL)


def image_type(data: bytes) -> str:
    """The media type of a picture, by its first bytes."""
    return _IMAGE_TYPES.get(data[:2], "image/tiff")


def suffix_of(filename: str) -> str:
    return PurePosixPath(filename.replace("\\", "/")).suffix.lower()


def stem(filename: str) -> str:
    """A file's name without its folders and its ending, as a title."""
    found = PurePosixPath(filename.replace("\\", "/")).stem
    return found.replace("_", " ").replace("-", " ").strip() or filename


def _begins_as(data: bytes) -> Kind | Container | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Kind.IMAGE
    return next((found for begin, found in _FIRST_BYTES if data.startswith(begin)), None)
