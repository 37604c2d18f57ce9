"""Opening ZIP files, and what is made of them (Office documents, EPUB), against those that are built to burst.

Invariant: how much comes out is known and allowed before anything is inflated, and no member gives more than its entry says. Names of
members are keys; nothing is ever written under them.
"""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator

from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.kinds import Kind

_MOST_MEMBERS = 10_000
_MOST_BYTES = 200_000_000
# Text that repeats itself packs 1:1000 at most, and real documents stay below 1:100. Small ones may have what they like.
_LARGEST_RATIO = 200
_FREE_BYTES = 10_000_000
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_DAMAGES = (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class Archive:
    """A ZIP file in memory whose members may be read one by one.

    Raises:
        UnreadableDocument: it is not a ZIP file, has too many members, or would inflate to too much.
    """

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, UnicodeError, OverflowError) as error:
            raise UnreadableDocument(f"It is a damaged ZIP archive: {error}.") from error
        self._entries = {entry.filename: entry for entry in self._zip.infolist() if not entry.is_dir()}
        _check(list(self._zip.infolist()), packed=len(data))

    @property
    def names(self) -> list[str]:
        """The members in the order of the archive, folders left out."""
        return list(self._entries)

    def has(self, name: str) -> bool:
        return name in self._entries

    def size(self, name: str) -> int:
        """The bytes that a member says it has."""
        return self._entries[name].file_size

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises:
            UnreadableDocument: there is none of that name, it is damaged, encrypted or packed in a way that is not known.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise UnreadableDocument(f"It is not whole: '{name[:200]}' is missing in it.")
        if entry.flag_bits & 1:
            raise UnreadableDocument(f"'{name[:200]}' in it is encrypted; save it without a password and send that.")
        if entry.compress_type not in _METHODS:
            raise UnreadableDocument(f"'{name[:200]}' in it is packed in a way that is not known here.")
        try:
            with self._zip.open(entry) as member:
                data = member.read(entry.file_size + 1)
        except _DAMAGES as error:
            raise UnreadableDocument(f"'{name[:200]}' in it is damaged: {error}.") from error
        if len(data) != entry.file_size:
            raise UnreadableDocument(f"'{name[:200]}' in it has another size than the archive says.")
        return data

    def kind(self) -> Kind:
        """Which kind of document the archive is; `ZIP` if it is none but an archive.

        Raises:
            UnreadableDocument: it is a kind that is not read here, with the name of the kind.
        """
        if self.has("mimetype") and self.size("mimetype") < 200:
            stated = self.read("mimetype").decode("ascii", "replace").strip()
            if stated == Kind.EPUB.value:
                return Kind.EPUB
            if stated.startswith(Kind.OPEN_SHEETS.value):
                return Kind.OPEN_SHEETS
            if stated.startswith(_OPEN_DOCUMENT):
                raise UnreadableDocument("It is an OpenDocument text or presentation; save it as DOCX, PPTX or PDF and send that.")
        if self.has("META-INF/container.xml"):
            return Kind.EPUB
        if self.has("[Content_Types].xml"):
            for folder, kind in (("word/", Kind.WORD), ("ppt/", Kind.SLIDES), ("xl/", Kind.SHEETS)):
                if any(name.startswith(folder) for name in self._entries):
                    return kind
        return Kind.ZIP

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)


def _check(entries: list[zipfile.ZipInfo], *, packed: int) -> None:
    if len(entries) > _MOST_MEMBERS:
        raise UnreadableDocument(f"It has {len(entries):,} files in it; at most {_MOST_MEMBERS:,} are read.")
    inflated = sum(entry.file_size for entry in entries)
    if inflated > _MOST_BYTES:
        raise UnreadableDocument(f"It would unpack to {inflated / 1e6:,.0f} MB; at most {_MOST_BYTES / 1e6:.0f} MB are read.")
    if inflated > max(_FREE_BYTES, packed * _LARGEST_RATIO):
        raise UnreadableDocument(f"It would unpack to {inflated / max(packed, 1):,.0f} times its size, as no real document does.")
