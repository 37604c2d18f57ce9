"""One document from its bytes: what an upload, an ingest and an attachment all go through."""

from pathlib import PurePosixPath

from deskhand.errors import TooLarge
from deskhand.parsing import markdown, rows
from deskhand.parsing.charset import decode
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.html import read_html
from deskhand.parsing.kinds import Kind, kind_of
from deskhand.parsing.text import ParsedDocument, Part

MAX_BYTES = 25_000_000


def read_text(filename: str, content_type: str | None, data: bytes, *, max_bytes: int = MAX_BYTES) -> ParsedDocument:
    """The words of a document as Markdown.

    `content_type` is what the sender says; it decides only where the name has no ending, and by its `charset`. Blocks while it works:
    1 MB takes some tens of milliseconds.

    Raises:
        UnsupportedKind: not a kind that can be read here.
        TooLarge: more than `max_bytes`.
        UnreadableDocument: it is not what its name says, not in the character set it has, or there are no words in it.
    """
    kind = kind_of(filename, content_type)
    if len(data) > max_bytes:
        raise TooLarge(f"'{filename}' has {len(data) / 1e6:.1f} MB; at most {max_bytes / 1e6:.1f} MB can be read.")
    try:
        parsed = _read(kind, decode(data, content_type=content_type, is_html=kind is Kind.HTML), name=_stem(filename))
    except UnreadableDocument as error:
        raise UnreadableDocument(f"'{filename}' cannot be read. {error.message}", details={"filename": filename}) from error
    if not any(part.text.strip() for part in parsed.parts):
        raise UnreadableDocument(f"'{filename}' has no text in it.", details={"filename": filename})
    return parsed


def _read(kind: Kind, text: str, *, name: str) -> ParsedDocument:
    match kind:
        case Kind.MARKDOWN:
            body, given = markdown.split_front_matter(text)
            return _whole(given.get("title") or markdown.find_title(body) or name, body, url=given.get("url"))
        case Kind.TEXT:
            return _whole(name, text)
        case Kind.HTML:
            page = read_html(text)
            return _whole(page.title or name, page.markdown, url=page.url)
        case Kind.CSV | Kind.TSV | Kind.JSON | Kind.JSON_LINES:
            return _whole(name, _read_rows(kind, text))


def _read_rows(kind: Kind, text: str) -> str:
    found = rows.rows_of(kind, text) if kind in (Kind.JSON, Kind.JSON_LINES) else None
    if found is not None:
        read: list[rows.Row] = []
        for row in found:
            if isinstance(row, rows.UnreadableRow):
                raise UnreadableDocument(row.reason)
            read.append(row)
        return rows.as_sections(read)
    if kind is Kind.JSON:
        return "\n".join(rows.outline(rows.load_json(text)))
    cells = rows.read_table(text, kind)
    return rows.as_table(cells) if cells else ""


def _whole(title: str, text: str, *, url: str | None = None) -> ParsedDocument:
    return ParsedDocument(title=title, parts=(Part(text.strip()),), url=url)


def _stem(filename: str) -> str:
    stem = PurePosixPath(filename.replace("\\", "/")).stem
    return stem.replace("_", " ").replace("-", " ").strip() or filename
