"""CSV, JSON and JSON lines. A row that has a text of its own (an article, a question with its answer) is a document of its own.

Invariant: a row is one of title, text, address and key by the name of its column alone; what is in it never decides.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.kinds import Kind

_TEXT = ("text", "content", "body", "answer", "article", "response", "description", "html", "markdown")
_TITLE = ("title", "question", "subject", "heading", "name", "headline", "summary")
_KEY = ("_id", "id", "key", "slug", "uuid", "sku")
_URL = ("url", "link", "href", "source_url", "permalink")
# Other ways to ask the question of a row: a list, or one text with a bar or a line end between them.
_VARIANTS = ("variants", "variations", "utterances", "phrasings", "example_questions")
_LISTS = ("documents", "articles", "items", "faqs", "faq", "entries", "results", "rows", "data", "records", "pages", "questions")
_SNIFFED = 8192
ROW_KINDS = frozenset({Kind.CSV, Kind.TSV, Kind.JSON, Kind.JSON_LINES})


@dataclass(frozen=True, slots=True)
class Row:
    """A document in a row. `key` is its name within its file: its own id if it has one, else its place, counted from 1. `others` is all
    of the row but its title and text."""

    key: str
    title: str | None
    text: str
    url: str | None
    metadata: Mapping[str, Any]
    others: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """`place` counts from 1."""

    place: int
    reason: str


def rows_of(kind: Kind, text: str) -> Iterator[Row | UnreadableRow] | None:
    """The documents in the rows of a table or a list, or `None` if it is one document rather than a list of them.

    Raises:
        UnreadableDocument: it is not JSON or not a table.
    """
    match kind:
        case Kind.JSON_LINES:
            return _json_lines(text)
        case Kind.JSON:
            records = _records(load_json(text))
            if records is None or not records or not all(_has_text(record) for record in records):
                return None
            return (_row(record, place) for place, record in enumerate(records, 1))
        case Kind.CSV | Kind.TSV:
            head, *body = read_table(text, kind) or [[]]
            if not _has_text(dict.fromkeys(head, "")):
                return None
            return (_row(dict(zip(head, cells, strict=False)), place) for place, cells in enumerate(body, 1))
        case _:
            return None


def read_table(text: str, kind: Kind) -> list[list[str]]:
    """The rows of a CSV or TSV file, its head first, without empty ones.

    Raises:
        UnreadableDocument: a quote is not closed, or a field is larger than 128 KiB.
    """
    if kind is Kind.TSV:
        delimiter = "\t"
    else:
        try:
            delimiter = csv.Sniffer().sniff(text[:_SNIFFED], delimiters=",;\t|").delimiter
        except csv.Error:
            delimiter = ","
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)]
    except csv.Error as error:
        raise UnreadableDocument(f"It is not a table: {error}.") from error
    return [row for row in rows if any(row)]


def load_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        UnreadableDocument: it is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableDocument(f"It is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    except ValueError as error:
        raise UnreadableDocument("It is JSON with a number too long to be read.") from error
    except RecursionError as error:
        raise UnreadableDocument("It is JSON nested too deeply to be read.") from error


def outline(value: Any, *, path: str = "") -> list[str]:
    """A JSON value as lines `a.b: value`, so that what is deep in it can still be found by its name."""
    if isinstance(value, dict):
        return [line for key, inner in value.items() for line in outline(inner, path=f"{path}.{key}" if path else str(key))]
    if isinstance(value, list):
        return [line for inner in value for line in outline(inner, path=path)]
    if value is None or value == "":
        return []
    return [f"- {path}: {value}" if path else f"- {value}"]


def as_sections(rows: Sequence[Row]) -> str:
    """Rows as one Markdown text, a heading each, with nothing left out."""
    return "\n\n".join("\n\n".join([f"## {row.title or row.key}", row.text, *_listed(row.others)]) for row in rows)


def _listed(others: Mapping[str, Any]) -> list[str]:
    lines = outline(others)
    return ["\n".join(lines)] if lines else []


def _json_lines(text: str) -> Iterator[Row | UnreadableRow]:
    for place, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = load_json(line)
        except UnreadableDocument as error:
            yield UnreadableRow(place, f"Line {place}: {error.message}")
            continue
        if not isinstance(record, dict):
            yield UnreadableRow(place, f"Line {place} is not a JSON object.")
        elif not _has_text(record):
            yield UnreadableRow(place, f"Line {place} has no text: none of {', '.join(_TEXT)} is in it.")
        else:
            yield _row(record, place)


def _records(value: Any) -> list[dict[str, Any]] | None:
    if isinstance(value, dict):
        named = {str(key).lower(): inner for key, inner in value.items()}
        value = next((named[name] for name in _LISTS if isinstance(named.get(name), list)), None)
    if isinstance(value, list) and all(isinstance(record, dict) for record in value):
        return value
    return None


def _has_text(record: Mapping[str, Any]) -> bool:
    return _column(record, _TEXT) is not None


def _column(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
    by_name = {str(key).strip().lower(): key for key in record}
    return next((by_name[name] for name in names if name in by_name), None)


def _row(record: Mapping[str, Any], place: int) -> Row | UnreadableRow:
    columns = {role: _column(record, names) for role, names in (("text", _TEXT), ("title", _TITLE), ("key", _KEY), ("url", _URL))}
    text = _words(record.get(columns["text"] or ""))
    title = _words(record.get(columns["title"])) if columns["title"] else ""
    if not text:
        return UnreadableRow(place, f"Row {place} has an empty '{columns['text']}'.")
    from deskhand.parsing.html import looks_like_html, read_html  # noqa: PLC0415 - no start has to wait for the reader of HTML

    if looks_like_html(text):
        text = read_html(text).markdown
    key = _words(record.get(columns["key"])) if columns["key"] else ""
    url = _words(record.get(columns["url"])) if columns["url"] else ""
    if any("\x00" in words or not _is_encodable(words) for words in (text, title, key, url)):
        return UnreadableRow(place, f"Row {place} has characters in it that no text can have.")
    variants = _column(record, _VARIANTS)
    metadata: dict[str, Any] = {}
    if variants is not None and (listed := _listed_variants(record[variants])):
        metadata["variants"] = listed
    for name, value in record.items():
        if name == "metadata" and isinstance(value, dict):
            metadata.update(value)
        elif name not in (*columns.values(), variants) and isinstance(value, str | int | float | bool) and value != "":
            metadata[name] = value
    others = {name: value for name, value in record.items() if name not in (columns["text"], columns["title"])}
    return Row(key or str(place), title or None, text, url if url.startswith(("http://", "https://")) else None, metadata, others)


def _listed_variants(value: Any) -> list[str]:
    written = value if isinstance(value, list) else re.split(r"[|\n]", value) if isinstance(value, str) else []
    found = (variant.strip() for variant in written if isinstance(variant, str) and "\x00" not in variant and _is_encodable(variant))
    return [variant for variant in dict.fromkeys(found) if variant]


def _is_encodable(text: str) -> bool:
    """Whether it is without halves of surrogate pairs, which JSON can carry and UTF-8 cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    return "\n".join(outline(value))
