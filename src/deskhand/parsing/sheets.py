"""Workbooks: each sheet a section, each block of cells a table."""

import datetime as dt
import io
from collections.abc import Iterator, Sequence

import python_calamine

from deskhand.parsing import blocks
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.text import ParsedDocument, Part

_LARGEST_RANGE = 5_000_000


def read_sheets(data: bytes, *, name: str) -> ParsedDocument:
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        parts = tuple(_sheet(workbook, sheet) for sheet in workbook.sheets_metadata if _is_read(sheet))
    except python_calamine.PasswordError as error:
        raise UnreadableDocument("It is protected by a password; save it without one and send that.") from error
    except (python_calamine.CalamineError, ValueError, OSError, OverflowError) as error:
        raise UnreadableDocument(f"It is a damaged workbook: {str(error)[:200]}.") from error
    return ParsedDocument(name, tuple(part for part in parts if part.text))


def _is_read(sheet: python_calamine.SheetMetadata) -> bool:
    return sheet.typ is python_calamine.SheetTypeEnum.WorkSheet and sheet.visible is python_calamine.SheetVisibleEnum.Visible


def _sheet(workbook: python_calamine.CalamineWorkbook, sheet: python_calamine.SheetMetadata) -> Part:
    found = workbook.get_sheet_by_name(sheet.name)
    if found.height * found.width > _LARGEST_RANGE:
        raise UnreadableDocument(f"Its sheet '{sheet.name[:80]}' has {found.height * found.width:,} cells, which is too many.")
    rows = [[_shown(value) for value in row] for row in found.to_python(skip_empty_area=True)]
    text = blocks.join([block for table in _tables(rows) for block in _table(table)])
    return Part(f"## {' '.join(sheet.name.split())}\n\n{text}" if text else "")


def _tables(rows: Sequence[list[str]]) -> Iterator[list[list[str]]]:
    """The blocks of rows between empty ones."""
    block: list[list[str]] = []
    for row in rows:
        if any(row):
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _table(rows: list[list[str]]) -> Iterator[str]:
    """A block as a table under the lines of a single cell that it begins with, which are its title and not its head."""
    first = 0
    while first < len(rows) and sum(bool(text) for text in rows[first]) == 1 and any(sum(bool(text) for text in row) > 1 for row in rows):
        yield blocks.words(next(text for text in rows[first] if text))
        first += 1
    yield blocks.table(rows[first:])


def _shown(value: object) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case dt.datetime():
            return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return str(value).strip()
