"""Sitemaps as sitemaps.org describes them, packed or not. Pure.

Invariant: no entity is ever expanded and nothing is loaded: a document type is refused before its first declaration is looked at.
"""

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from deskhand.errors import TooLarge
from deskhand.knowledge.fetch.errors import FetchFailed, UnreadableSitemap
from deskhand.knowledge.fetch.unpacking import GZIP_MAGIC, gunzip

MAX_BYTES: Final = 50_000_000
MOST_ENTRIES: Final = 50_000
_ROOTS: Final = frozenset({"urlset", "sitemapindex"})
_LONGEST_ENTRY: Final = 4_096
_DEEPEST: Final = 64
_LOOKED_AT_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Sitemap:
    """`pages` of a site, or further `sitemaps`, each once and in order. `left_out` counts those beyond the limit."""

    pages: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    left_out: int = 0


def is_sitemap(data: bytes) -> bool:
    """Whether this is XML, packed or not, whose first element is that of a sitemap, as far as its beginning shows."""
    if data.startswith(GZIP_MAGIC):
        return True
    start = data[:_LOOKED_AT_BYTES].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith(b"<") and (b"<urlset" in start or b"<sitemapindex" in start or b":urlset" in start or b":sitemapindex" in start)


def parse_sitemap(data: bytes) -> Sitemap:
    """Raises:
    UnreadableSitemap: it is no sitemap, has a document type in it, or is too large.
    """
    if data.startswith(GZIP_MAGIC):
        try:
            data = gunzip(data, max_bytes=MAX_BYTES)
        except (TooLarge, FetchFailed) as error:
            raise UnreadableSitemap(error.message) from error
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UnreadableSitemap(f"It is not well-formed XML: {expat.ErrorString(error.code)} in line {error.lineno}.") from error
    return reader.result()


@dataclass(slots=True)
class _Reader:
    """Gathers the text of each `loc` that stands in an entry of the sitemap's own namespace; those of images and videos are others."""

    path: list[str] = field(default_factory=list)
    root: str = ""
    namespace: str = ""
    pieces: list[str] = field(default_factory=list)
    characters: int = 0
    found: dict[str, None] = field(default_factory=dict)
    left_out: int = 0

    def refuse_doctype(self, *_: object) -> None:
        raise UnreadableSitemap("It has a document type in it, which a sitemap does not need.")

    def start(self, name: str, _attributes: object) -> None:
        if not self.path:
            self.namespace, _, self.root = name.rpartition(" ")
            if self.root not in _ROOTS:
                raise UnreadableSitemap("It is XML, but not a sitemap.")
        self.path.append(name)
        if len(self.path) > _DEEPEST:
            raise UnreadableSitemap("Its elements are nested too deeply.")
        self._forget()

    def text(self, text: str) -> None:
        if len(self.path) == 3 and self.characters < _LONGEST_ENTRY:
            self.pieces.append(text)
            self.characters += len(text)

    def end(self, _name: str) -> None:
        name = self.path.pop()
        own = f"{self.namespace} loc" if self.namespace else "loc"
        if name == own and len(self.path) == 2:
            self._take("".join(self.pieces).strip()[:_LONGEST_ENTRY])
        self._forget()

    def _forget(self) -> None:
        self.pieces.clear()
        self.characters = 0

    def _take(self, location: str) -> None:
        if not location or location in self.found:
            return
        if len(self.found) >= MOST_ENTRIES:
            self.left_out += 1
        else:
            self.found[location] = None

    def result(self) -> Sitemap:
        found = tuple(self.found)
        if self.root == "sitemapindex":
            return Sitemap(sitemaps=found, left_out=self.left_out)
        return Sitemap(pages=found, left_out=self.left_out)
