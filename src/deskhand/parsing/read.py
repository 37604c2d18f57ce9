"""One document from its bytes: what an upload, an ingest and an attachment all go through, inside the child that reads."""

from collections.abc import Iterator
from dataclasses import replace

from deskhand.errors import DeskhandError, TooLarge
from deskhand.parsing import blocks, markdown, rows, unpack
from deskhand.parsing.archive import Archive
from deskhand.parsing.charset import decode
from deskhand.parsing.epub import read_epub
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.html import read_html
from deskhand.parsing.kinds import MAX_BYTES, Kind, image_type, stem
from deskhand.parsing.mail import read_mail
from deskhand.parsing.outlook import read_outlook
from deskhand.parsing.pdf import read_pdf
from deskhand.parsing.sheets import read_sheets
from deskhand.parsing.slides import read_slides
from deskhand.parsing.text import ParsedDocument, Part
from deskhand.parsing.wire import Member
from deskhand.parsing.word import read_word
from deskhand.parsing.xml import read_xml

_MOST_CHARACTERS = 8_000_000
_LONGEST_TITLE = 300


def read_document(
    filename: str, content_type: str | None, data: bytes, *, max_bytes: int = MAX_BYTES, whole: bool = True
) -> ParsedDocument:
    """The words of a document as Markdown.

    `content_type` is what the sender says; it decides only where the name has no ending, and by its `charset`. With `whole`, what is
    inside an archive or attached to a mail is read along. 1 MB takes some tens of milliseconds. Words in pictures are not read: where
    they are is said.

    Raises:
        UnsupportedKind: not a kind that can be read here.
        TooLarge: more than `max_bytes`.
        UnreadableDocument: it is not what its name says, not in the character set it has, or there are no words in it.
    """
    if len(data) > max_bytes:
        raise TooLarge(f"'{filename}' has {len(data) / 1e6:.1f} MB; at most {max_bytes / 1e6:.1f} MB can be read.")
    try:
        parsed = _read(filename, content_type, data, max_bytes=max_bytes, whole=whole)
        parsed = _tidy(parsed, name=stem(filename))
    except UnreadableDocument as error:
        raise UnreadableDocument(f"'{filename}' cannot be read. {error.message}", details={"filename": filename}) from error
    if not parsed.scanned and not any(part.text for part in parsed.parts):
        raise UnreadableDocument(f"'{filename}' has no text in it.", details={"filename": filename})
    return parsed


def _read(filename: str, content_type: str | None, data: bytes, *, max_bytes: int, whole: bool) -> ParsedDocument:
    kind, archive = unpack.kind_inside(filename, content_type, data)
    if whole and kind in (Kind.ZIP, Kind.MAIL, Kind.OUTLOOK):
        members = unpack.members_of(filename, content_type, data, max_bytes=max_bytes)
        if members is not None:
            return _with_members(filename, members, kind)
    parsed = _read_kind(kind, archive, data, content_type=content_type, name=stem(filename))
    return replace(parsed, content_type=image_type(data) if kind is Kind.IMAGE else kind.value)


def _read_kind(kind: Kind, archive: Archive | None, data: bytes, *, content_type: str | None, name: str) -> ParsedDocument:
    match kind:
        case Kind.PDF:
            return read_pdf(data, name=name)
        case Kind.IMAGE:
            return ParsedDocument(name, (), scanned=(1,))
        case Kind.SHEETS | Kind.OLD_SHEETS | Kind.OPEN_SHEETS:
            return read_sheets(data, name=name)
        case Kind.MAIL:
            return read_mail(data, name=name)
        case Kind.OUTLOOK:
            return read_outlook(data, name=name)
        case Kind.XML:
            return _whole(name, read_xml(data))
        case _ if archive is not None:
            return _read_archive(kind, archive, name=name)
        case _:
            return _read_text(kind, decode(data, content_type=content_type, is_html=kind is Kind.HTML), name=name)


def _read_archive(kind: Kind, archive: Archive, *, name: str) -> ParsedDocument:
    match kind:
        case Kind.WORD:
            return read_word(archive, name=name)
        case Kind.SLIDES:
            return read_slides(archive, name=name)
        case Kind.EPUB:
            return read_epub(archive, name=name)
        case _:
            raise UnreadableDocument("It is an archive with nothing in it that can be read here.")


def _read_text(kind: Kind, text: str, *, name: str) -> ParsedDocument:
    match kind:
        case Kind.MARKDOWN:
            body, given = markdown.split_front_matter(text)
            return _whole(given.get("title") or markdown.find_title(body) or name, body, url=given.get("url"))
        case Kind.HTML:
            page = read_html(text)
            return _whole(page.title or name, page.markdown, url=page.url)
        case Kind.CSV | Kind.TSV | Kind.JSON | Kind.JSON_LINES:
            return _whole(name, _read_rows(kind, text))
        case _:
            return _whole(markdown.find_title(text) or markdown.find_first_line(text) or name, text)


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
    return blocks.table(rows.read_table(text, kind))


def _with_members(filename: str, members: Iterator[Member], kind: Kind) -> ParsedDocument:
    """A document and what is inside it, each under its name. What cannot be read says so in its place."""
    parts: list[Part] = []
    problems: list[str] = []
    title = stem(filename)
    for member in members:
        try:
            if member.problem is not None:
                raise UnreadableDocument(member.problem)
            parsed = _read(member.filename, None, member.data, max_bytes=len(member.data), whole=False)
            if parsed.scanned and not parsed.parts:
                raise UnreadableDocument("Its words are in pictures, which are read only if it is sent by itself.")
        except DeskhandError as error:
            problems.append(error.message)
            parts.append(Part(f"## {member.key.lstrip('!/#')}\n\n({error.message})"))
            continue
        if member.key:
            parts.append(Part(f"## {member.key.lstrip('!/#')}"))
        else:
            title = parsed.title
        parts += parsed.parts
        if parsed.scanned:
            parts.append(Part(f"(Words in pictures are not read here; there are some on {len(parsed.scanned)} of its pages.)"))
    if problems and len(problems) == len(parts):
        raise UnreadableDocument(f"Nothing in it can be read. {problems[0]}")
    return ParsedDocument(title, tuple(parts), None, kind.value)


def _whole(title: str, text: str, *, url: str | None = None) -> ParsedDocument:
    return ParsedDocument(title=title, parts=(Part(text),), url=url)


def _tidy(parsed: ParsedDocument, *, name: str) -> ParsedDocument:
    parts = tuple(Part(blocks.clean(part.text).strip(), part.page) for part in parsed.parts)
    characters = sum(len(part.text) for part in parts)
    if characters > _MOST_CHARACTERS:
        raise UnreadableDocument(f"It has {characters:,} characters of text; at most {_MOST_CHARACTERS:,} are read. Split it.")
    title = " ".join(blocks.clean(parsed.title).split())[:_LONGEST_TITLE] or name
    return replace(parsed, title=title, parts=tuple(part for part in parts if part.text))
