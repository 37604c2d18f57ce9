"""E-books: the chapters in the order in which they are read."""

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from deskhand.parsing.archive import Archive
from deskhand.parsing.charset import decode
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.html import read_html
from deskhand.parsing.text import ParsedDocument, Part
from deskhand.parsing.xml import local, parse_xml, squeeze

_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(archive: Archive, *, name: str) -> ParsedDocument:
    rootfile = next((entry for entry in parse_xml(archive.read(_CONTAINER)).iter() if local(entry) == "rootfile"), None)
    if rootfile is None:
        raise UnreadableDocument("It is not whole: it does not say where the book begins.")
    opf = posixpath.normpath(rootfile.get("full-path", ""))
    package = parse_xml(archive.read(opf))
    title = next((squeeze(entry.text or "") for entry in package.iter() if local(entry) == "title"), "")
    if archive.has("META-INF/encryption.xml") and any(
        local(entry) == "EncryptedKey" for entry in parse_xml(archive.read("META-INF/encryption.xml")).iter()
    ):
        raise UnreadableDocument("It is protected against being read by other programs.")
    parts = []
    for chapter in _spine(package, folder=posixpath.dirname(opf)):
        text = read_html(decode(archive.read(chapter), is_html=True)).markdown
        if text:
            parts.append(Part(text))
    return ParsedDocument(title or name, tuple(parts))


def _spine(package: Element, *, folder: str) -> Iterator[str]:
    """The names of the chapters."""
    items = {entry.get("id"): entry for entry in package.iter() if local(entry) == "item"}
    seen: set[str] = set()
    for reference in package.iter():
        item = items.get(reference.get("idref")) if local(reference) == "itemref" else None
        if item is None or item.get("media-type") not in _PAGES or "nav" in (item.get("properties") or "").split():
            continue
        path = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", "").partition("#")[0])))
        if path not in seen:
            seen.add(path)
            yield path
