"""What is inside a document and is a document of its own: members of an archive, what is attached to a mail, rows that have a text.

Invariant: members come in the same order every time, so that a page of them can be asked for by its place, and all that comes out of one
document together has its limits, however it is nested.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from deskhand.errors import DeskhandError
from deskhand.parsing import mail, outlook, rows
from deskhand.parsing.archive import Archive
from deskhand.parsing.charset import decode
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.kinds import Container, Kind, look_at
from deskhand.parsing.markdown import find_title, plain
from deskhand.parsing.wire import Member

_DEEPEST = 3
_MOST_BYTES = 400_000_000
_MOST_MEMBERS = 100_000
_LONGEST_OPENING = 60


@dataclass(slots=True)
class _Allowance:
    """What may still come out of the outermost document."""

    max_bytes: int
    left_bytes: int = _MOST_BYTES
    left_members: int = _MOST_MEMBERS

    def take(self, size: int) -> None:
        self.left_bytes -= size
        self.left_members -= 1
        if self.left_bytes < 0 or self.left_members < 0:
            raise UnreadableDocument(f"More than {_MOST_BYTES / 1e6:.0f} MB or {_MOST_MEMBERS:,} documents would come out of it.")


def members_of(filename: str, content_type: str | None, data: bytes, *, max_bytes: int) -> Iterator[Member] | None:
    """The documents inside a document, or `None` if it is one by itself.

    Raises:
        UnsupportedKind, UnreadableDocument: it cannot be opened; the iterator raises it too, when that shows later.
    """
    return _inside(filename, content_type, data, allowance=_Allowance(max_bytes), depth=0)


def kind_inside(filename: str, content_type: str | None, data: bytes) -> tuple[Kind, Archive | None]:
    """The kind of a document, with its containers opened to see."""
    found = look_at(filename, content_type, data)
    if found is Container.ZIP:
        archive = Archive(data)
        return archive.kind(), archive
    if found is Container.OLE:
        return outlook.ole_kind(data), None
    return Kind(found), None


def _inside(filename: str, content_type: str | None, data: bytes, *, allowance: _Allowance, depth: int) -> Iterator[Member] | None:
    kind, archive = kind_inside(filename, content_type, data)
    if kind is Kind.ZIP and archive is not None:
        if depth >= _DEEPEST:
            raise UnreadableDocument(f"Archives are nested more than {_DEEPEST} deep in it.")
        return _archive(archive, allowance=allowance, depth=depth)
    if kind in rows.ROW_KINDS:
        found = rows.rows_of(kind, decode(data, content_type=content_type))
        return _rows(found, allowance) if found is not None else None
    if kind in (Kind.MAIL, Kind.OUTLOOK):
        attached = list(mail.attached_to(data) if kind is Kind.MAIL else outlook.attached_to(data))
        return _mail(filename, data, attached, allowance=allowance, depth=depth) if attached and depth < _DEEPEST else None
    return None


def _archive(archive: Archive, *, allowance: _Allowance, depth: int) -> Iterator[Member]:
    for name in archive:
        if _is_hidden(name):
            continue
        key = f"!/{name}"
        if archive.size(name) > allowance.max_bytes:
            size = archive.size(name) / 1e6
            yield Member(key, problem=f"It has {size:.1f} MB; at most {allowance.max_bytes / 1e6:.1f} MB can be read.")
            continue
        try:
            data = archive.read(name)
        except UnreadableDocument as error:
            yield Member(key, problem=error.message)
            continue
        yield from _member(key, PurePosixPath(name.replace("\\", "/")).name, data, allowance=allowance, depth=depth)


def _mail(filename: str, data: bytes, attached: list[mail.Attached], *, allowance: _Allowance, depth: int) -> Iterator[Member]:
    allowance.take(len(data))
    yield Member("", filename, data)
    taken: dict[str, int] = {}
    for one in attached:
        taken[one.filename] = taken.get(one.filename, 0) + 1
        number = f" ({taken[one.filename]})" if taken[one.filename] > 1 else ""
        key = f"!/{one.filename}{number}"
        if one.data is None:
            yield Member(key, problem="It is too damaged to be taken out of the mail.")
        else:
            yield from _member(key, one.filename, one.data, allowance=allowance, depth=depth)


def _member(key: str, filename: str, data: bytes, *, allowance: _Allowance, depth: int) -> Iterator[Member]:
    allowance.take(len(data))
    try:
        inner = _inside(filename, None, data, allowance=allowance, depth=depth + 1)
    except DeskhandError as error:
        yield Member(key, problem=error.message)
        return
    if inner is None:
        yield Member(key, filename, data)
        return
    for found in inner:
        shown = key + (found.key if found.shown is None else found.shown)
        yield msgspec.structs.replace(found, key=key + found.key, shown=shown)


def _rows(found: Iterator[rows.Row | rows.UnreadableRow], allowance: _Allowance) -> Iterator[Member]:
    for row in found:
        if isinstance(row, rows.UnreadableRow):
            yield Member(f"#row-{row.place}", problem=row.reason, shown=f"#{row.place}")
            continue
        data = row.text.encode()
        allowance.take(len(data))
        title = row.title or find_title(row.text) or opening(row.text)
        yield Member(f"#{row.key}", "row.md", data, title, row.url, dict(row.metadata))


def opening(text: str) -> str:
    """The first words of a text, to call it by where nobody gave it a name."""
    line = plain(text.lstrip().split("\n", 1)[0].lstrip("#>-*| "))
    if len(line) <= _LONGEST_OPENING:
        return line
    return line[:_LONGEST_OPENING].rsplit(" ", 1)[0] + " …"


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.replace("\\", "/").split("/"))
