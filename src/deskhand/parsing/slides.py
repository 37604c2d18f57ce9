"""PowerPoint documents: each slide is a page, its title a heading, and the speaker's notes stand below."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from deskhand.parsing import blocks
from deskhand.parsing.archive import Archive
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.office import DRAWING, LINKED, SLIDE, Link, Package
from deskhand.parsing.text import ParsedDocument, Part

_TITLES = ("title", "ctrTitle")
_UNSAID = ("sldNum", "dt", "ftr", "hdr", "sldImg")
_DEEPEST = 30


def read_slides(archive: Archive, *, name: str) -> ParsedDocument:
    package = Package(archive)
    main = package.main()
    links = package.links(main)
    listed = package.part(main).find(f"{SLIDE}sldIdLst")
    parts: list[Part] = []
    title: str | None = None
    for number, entry in enumerate(listed if listed is not None else (), 1):
        link = links.get(entry.get(f"{LINKED}id", ""))
        if link is None or not package.has(link.target):
            raise UnreadableDocument(f"It is not whole: slide {number} is missing.")
        heading, text = _slide(package, link.target)
        title = title or heading
        parts.append(Part(text, number))
    return ParsedDocument(package.title() or title or name, tuple(parts))


def _slide(package: Package, part: str) -> tuple[str | None, str]:
    links = package.links(part)
    heading: str | None = None
    found: list[str] = []
    tree = package.part(part).find(f"{SLIDE}cSld/{SLIDE}spTree")
    for shape in _shapes(tree, depth=0) if tree is not None else ():
        kind = _placeholder(shape)
        if kind in _TITLES and heading is None:
            heading = " ".join(" ".join(text for _, text in _paragraphs(shape, links)).split()) or None
            if heading:
                found.insert(0, f"## {heading}")
        elif kind not in _UNSAID:
            found += _shape(shape, links)
    notes = next((link.target for link in links.values() if link.kind == "notesSlide"), None)
    if notes is not None and package.has(notes):
        said = [
            text for shape in package.part(notes).iter(f"{SLIDE}sp") if _placeholder(shape) == "body" for _, text in _paragraphs(shape, {})
        ]
        if any(text.strip() for text in said):
            found += ["Notes: " + "\n".join(said)]
    return heading, blocks.join(found)


def _shapes(tree: Element, *, depth: int) -> Iterator[Element]:
    for shape in tree:
        if shape.tag == f"{SLIDE}grpSp" and depth < _DEEPEST:
            yield from _shapes(shape, depth=depth + 1)
        elif shape.tag in (f"{SLIDE}sp", f"{SLIDE}graphicFrame"):
            yield shape


def _shape(shape: Element, links: dict[str, Link]) -> list[str]:
    table = shape.find(f".//{DRAWING}tbl")
    if table is not None:
        rows = [
            [" ".join(text for _, text in _paragraphs(cell, links)) for cell in row.iterfind(f"{DRAWING}tc")]
            for row in table.iterfind(f"{DRAWING}tr")
        ]
        return [blocks.table(rows)]
    said = [(depth, text) for depth, text in _paragraphs(shape, links) if text.strip()]
    if len(said) == 1:
        return [blocks.words(said[0][1])]
    return ["   " * depth + "- " + text.replace("\n", " ") for depth, text in said]


def _paragraphs(shape: Element, links: dict[str, Link]) -> Iterator[tuple[int, str]]:
    for paragraph in shape.iter(f"{DRAWING}p"):
        properties = paragraph.find(f"{DRAWING}pPr")
        depth = properties.get("lvl", "0") if properties is not None else "0"
        yield min(int(depth), 8) if depth.isdecimal() else 0, "".join(_runs(paragraph, links)).strip()


def _runs(paragraph: Element, links: dict[str, Link]) -> Iterator[str]:
    for run in paragraph:
        if run.tag == f"{DRAWING}br":
            yield "\n"
        elif run.tag in (f"{DRAWING}r", f"{DRAWING}fld"):
            text = run.findtext(f"{DRAWING}t") or ""
            click = run.find(f"{DRAWING}rPr/{DRAWING}hlinkClick")
            link = links.get(click.get(f"{LINKED}id", "")) if click is not None else None
            address = link.target if link is not None and link.external and link.target.startswith(("http://", "https://")) else None
            yield f"[{text}]({address})" if address and address.rstrip("/") not in text and text.strip() else text


def _placeholder(shape: Element) -> str | None:
    """What a shape is for; `None` if it is a shape of its own."""
    found = shape.find(f"{SLIDE}nvSpPr/{SLIDE}nvPr/{SLIDE}ph")
    return found.get("type", "body") if found is not None else None
