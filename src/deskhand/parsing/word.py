"""Word documents. What was deleted, comments and what only repeats on every page are not part of the text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from deskhand.parsing import blocks
from deskhand.parsing.archive import Archive
from deskhand.parsing.office import LINKED, MATHS, WORD, Link, Package
from deskhand.parsing.text import ParsedDocument, Part

_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED = frozenset({f"{WORD}{name}" for name in ("del", "moveFrom", "pPr", "rPr", "sectPr", "instrText", "delText")} | {_FALLBACK})
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class _Styles:
    """`levels` are the headings among the styles, the title being level 0."""

    levels: dict[str, int]
    numbered: dict[tuple[str, str], bool]


@dataclass(slots=True)
class _Reader:
    package: Package
    links: dict[str, Link]
    styles: _Styles
    boxes: list[Element] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    title: str | None = None


def read_word(archive: Archive, *, name: str) -> ParsedDocument:
    package = Package(archive)
    main = package.main()
    links = package.links(main)
    reader = _Reader(package, links, _Styles(_levels(package, links), _numbering(package, links)))
    body = package.part(main).find(f"{WORD}body")
    found = list(_blocks(body, reader, depth=0)) if body is not None else []
    found += _notes(reader)
    text = blocks.join([*_repeated(reader, "header"), *found, *_repeated(reader, "footer")])
    return ParsedDocument(reader.title or package.title() or name, (Part(text),))


def _blocks(parent: Element, reader: _Reader, *, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    for child in parent:
        if child.tag == f"{WORD}p":
            yield _paragraph(child, reader)
            while reader.boxes:
                yield from _blocks(reader.boxes.pop(0), reader, depth=depth + 1)
        elif child.tag == f"{WORD}tbl":
            yield from _table(child, reader, depth=depth)
        elif child.tag not in _SKIPPED:
            yield from _blocks(child, reader, depth=depth + 1)


def _paragraph(paragraph: Element, reader: _Reader) -> str:
    text = "".join(_inline(paragraph, reader, depth=0)).strip()
    if not text:
        return ""
    properties = paragraph.find(f"{WORD}pPr")
    style = _value(properties, "pStyle") or ""
    level = reader.styles.levels.get(style)
    outline = _value(properties, "outlineLvl")
    if level is None and outline is not None and outline.isdecimal() and int(outline) < 6:
        level = int(outline) + 1
    if level is not None:
        flat = " ".join(text.split())
        if reader.title is None and level <= 1:
            reader.title = flat
        return "#" * max(level, 1) + " " + flat
    return _item(properties, text, style=style, reader=reader) or blocks.words(text)


def _item(properties: Element | None, text: str, *, style: str, reader: _Reader) -> str | None:
    numbering = properties.find(f"{WORD}numPr") if properties is not None else None
    number = _value(numbering, "numId")
    depth = _value(numbering, "ilvl") or "0"
    if number is None and style.startswith("List") and style[4:5] in ("B", "N"):
        number = "bullets" if style.startswith("ListBullet") else "numbers"
        reader.styles.numbered.setdefault((number, depth), number == "numbers")
    if number is None or number == "0" or not depth.isdecimal():
        return None
    indent = "   " * min(int(depth), 8)
    flat = text.replace("\n", f"\n{indent}   ")
    if not reader.styles.numbered.get((number, depth), False):
        return f"{indent}- {flat}"
    place = reader.counts.get((number, depth), 0) + 1
    reader.counts[number, depth] = place
    for known in list(reader.counts):
        if known[0] == number and known[1] > depth:
            del reader.counts[known]
    return f"{indent}{place}. {flat}"


def _inline(element: Element, reader: _Reader, *, depth: int) -> Iterator[str]:
    for child in element:
        tag = child.tag
        if tag in (f"{WORD}t", f"{MATHS}t"):
            yield child.text or ""
        elif tag in (f"{WORD}tab", f"{WORD}ptab"):
            yield " "
        elif tag in (f"{WORD}br", f"{WORD}cr"):
            yield "\n"
        elif tag == f"{WORD}noBreakHyphen":
            yield "-"
        elif tag in (f"{WORD}footnoteReference", f"{WORD}endnoteReference"):
            yield f" [{child.get(f'{WORD}id', '')}]"
        elif tag == f"{WORD}txbxContent":
            reader.boxes.append(child)
        elif tag == f"{WORD}hyperlink":
            yield _link("".join(_inline(child, reader, depth=depth + 1)), reader.links.get(child.get(f"{LINKED}id", "")))
        elif tag not in _SKIPPED and depth < _DEEPEST:
            yield from _inline(child, reader, depth=depth + 1)


def _link(text: str, link: Link | None) -> str:
    if link is None or not link.external or not link.target.startswith(("http://", "https://", "mailto:")) or not text.strip():
        return text
    return text if link.target.removeprefix("mailto:").rstrip("/") in text else f"[{text}]({link.target})"


def _table(table: Element, reader: _Reader, *, depth: int) -> Iterator[str]:
    if table.find(f"{WORD}tr/{WORD}tc//{WORD}tbl") is not None:
        # A table inside a table is layout: its cells are read as blocks.
        for cell in table.iterfind(f".//{WORD}tr/{WORD}tc"):
            if cell.find(f".//{WORD}tbl") is None:
                yield from _blocks(cell, reader, depth=depth + 1)
        return
    rows: list[list[str]] = []
    for row in table.iter(f"{WORD}tr"):
        cells: list[str] = []
        for cell in row.iter(f"{WORD}tc"):
            properties = cell.find(f"{WORD}tcPr")
            merged = properties.find(f"{WORD}vMerge") if properties is not None else None
            continued = merged is not None and merged.get(f"{WORD}val", "continue") == "continue"
            cells.append("" if continued else " ".join(text.lstrip("# ") for text in _blocks(cell, reader, depth=depth + 1) if text))
            span = _value(properties, "gridSpan")
            cells += [""] * (min(int(span), 60) - 1 if span and span.isdecimal() else 0)
        rows.append(cells)
    yield blocks.table(rows)


def _notes(reader: _Reader) -> Iterator[str]:
    for kind in ("footnote", "endnote"):
        part = next((link.target for link in reader.links.values() if link.kind == f"{kind}s"), None)
        if part is None or not reader.package.has(part):
            continue
        for note in reader.package.part(part).iterfind(f"{WORD}{kind}"):
            text = " ".join(text for text in _blocks(note, reader, depth=0) if text).strip()
            if text and note.get(f"{WORD}type") is None:
                yield f"[{note.get(f'{WORD}id', '')}] {text}"


def _repeated(reader: _Reader, kind: str) -> list[str]:
    """What stands at the head or the foot of the pages, each once; without what is nothing but a page number."""
    found: list[str] = []
    for part in sorted({link.target for link in reader.links.values() if link.kind == kind}):
        if reader.package.has(part):
            inner = _Reader(reader.package, reader.package.links(part), reader.styles)
            text = blocks.join(list(_blocks(reader.package.part(part), inner, depth=0)))
            if text and text not in found and sum(character.isalpha() for character in text) > len("page of"):
                found.append(text)
    return found


def _levels(package: Package, links: dict[str, Link]) -> dict[str, int]:
    part = next((link.target for link in links.values() if link.kind == "styles"), None)
    if part is None or not package.has(part):
        return {f"Heading{level}": level for level in range(1, 7)} | {"Title": 0}
    levels: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in package.part(part).iterfind(f"{WORD}style"):
        key = style.get(f"{WORD}styleId", "")
        name = (_value(style, "name") or "").lower()
        outline = _value(style.find(f"{WORD}pPr"), "outlineLvl")
        based[key] = _value(style, "basedOn") or ""
        if name == "title":
            levels[key] = 0
        elif name.startswith("heading ") and name[8:].isdecimal():
            levels[key] = min(int(name[8:]), 6)
        elif outline is not None and outline.isdecimal() and int(outline) < 6:
            levels[key] = int(outline) + 1
    for key, nearest in based.items():
        above, steps = nearest, 0
        while key not in levels and above and steps < 20:
            if above in levels:
                levels[key] = levels[above]
            above, steps = based.get(above, ""), steps + 1
    return levels


def _numbering(package: Package, links: dict[str, Link]) -> dict[tuple[str, str], bool]:
    """For each list and depth, whether its items are counted."""
    part = next((link.target for link in links.values() if link.kind == "numbering"), None)
    if part is None or not package.has(part):
        return {}
    root = package.part(part)
    kinds: dict[str, dict[str, bool]] = {}
    for abstract in root.iterfind(f"{WORD}abstractNum"):
        depths = {
            level.get(f"{WORD}ilvl", ""): _value(level, "numFmt") not in ("bullet", "none", None)
            for level in abstract.iterfind(f"{WORD}lvl")
        }
        kinds[abstract.get(f"{WORD}abstractNumId", "")] = depths
    found: dict[tuple[str, str], bool] = {}
    for number in root.iterfind(f"{WORD}num"):
        for depth, counted in kinds.get(_value(number, "abstractNumId") or "", {}).items():
            found[number.get(f"{WORD}numId", ""), depth] = counted
    return found


def _value(parent: Element | None, name: str) -> str | None:
    found = parent.find(f"{WORD}{name}") if parent is not None else None
    return found.get(f"{WORD}val") if found is not None else None
