"""What Word and PowerPoint documents have in common: parts in an archive, which name each other in lists beside them."""

import posixpath
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from deskhand.parsing.archive import Archive
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.xml import parse_xml, squeeze

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
SLIDE = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
LINKED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
MATHS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_PURL = "http://purl.oclc.org/ooxml/"
_TRANSITIONAL = {
    b"http://purl.oclc.org/ooxml/wordprocessingml/main": b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    b"http://purl.oclc.org/ooxml/drawingml/main": b"http://schemas.openxmlformats.org/drawingml/2006/main",
    b"http://purl.oclc.org/ooxml/presentationml/main": b"http://schemas.openxmlformats.org/presentationml/2006/main",
    b"http://purl.oclc.org/ooxml/officeDocument/relationships": b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    b"http://purl.oclc.org/ooxml/officeDocument/math": b"http://schemas.openxmlformats.org/officeDocument/2006/math",
}


@dataclass(frozen=True, slots=True)
class Link:
    """What a part names. `kind` is the last word of the relation's type; `target` is a part's name or, if `external`, an address."""

    kind: str
    target: str
    external: bool


class Package:
    """An Office document as its parts."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def has(self, name: str) -> bool:
        return self._archive.has(name)

    def part(self, name: str) -> Element:
        """A part as XML.

        Raises:
            UnreadableDocument: it is missing or damaged.
        """
        data = self._archive.read(name)
        if _PURL.encode() in data[:5000]:
            # The strict dialect has other names for the same things.
            for strict, known in _TRANSITIONAL.items():
                data = data.replace(strict, known)
        return parse_xml(data)

    def links(self, name: str) -> dict[str, Link]:
        """What a part names, by the ids it uses for it; empty if it names nothing."""
        folder, base = posixpath.split(name)
        listed = posixpath.join(folder, "_rels", f"{base}.rels")
        if not self.has(listed):
            return {}
        found: dict[str, Link] = {}
        for entry in self.part(listed):
            target = entry.get("Target", "")
            external = entry.get("TargetMode") == "External"
            found[entry.get("Id", "")] = Link(
                entry.get("Type", "").rsplit("/", 1)[-1],
                target if external else posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/"),
                external,
            )
        return found

    def main(self) -> str:
        """The name of the part that everything begins with.

        Raises:
            UnreadableDocument: there is none.
        """
        main = next((link.target for link in self.links("").values() if link.kind == "officeDocument"), None)
        if main is None or not self.has(main):
            raise UnreadableDocument("It is not whole: the part that everything begins with is missing.")
        return main

    def title(self) -> str | None:
        """The title in the document's properties."""
        core = next((link.target for link in self.links("").values() if link.kind == "core-properties"), None)
        if core is None or not self.has(core):
            return None
        found = self.part(core).find("{http://purl.org/dc/elements/1.1/}title")
        return squeeze(found.text or "") or None if found is not None else None
