"""Where documents come from: files, folders, and bytes that came by another way. Only `documents_in` opens them.

Invariant: the origin of a file is its absolute address, and that of a row the file's with the row's key, so reading the same thing twice,
by whatever relative path, names the same documents.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from deskhand.errors import UnsupportedKind
from deskhand.knowledge.documents import SourceDocument, Tier, UnreadableSource
from deskhand.knowledge.errors import UnreadableDocument
from deskhand.knowledge.opening import member_of
from deskhand.knowledge.parse import MAX_BYTES, SUPPORTED_SUFFIXES


class FileSources:
    """The documents of files and folders, read as they are iterated over; may be iterated more than once.

    A folder gives its files of the supported kinds, in order of name, hidden ones left out; `passed_over` counts the others. A path named
    by itself is always given, as a failure if it must be.

    `walk` gives the files of a folder where others than these are wanted; `address_of` where a file can be read in a browser.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        tier: Tier = Tier.PUBLIC,
        max_bytes: int = MAX_BYTES,
        walk: Callable[[Path], Iterable[Path]] | None = None,
        address_of: Callable[[Path], str | None] = lambda _path: None,
    ) -> None:
        self._paths = tuple(paths)
        self._tier = tier
        self._max_bytes = max_bytes
        self._walk = walk or files_of
        self._address_of = address_of
        self.passed_over = 0

    def __iter__(self) -> Iterator[SourceDocument | UnreadableSource]:
        self.passed_over = 0
        for root in self._paths:
            scope = scope_of(root)
            if not root.is_dir():
                yield from self._read(root, shown=_readable(root.name), scope=scope)
                continue
            for path in self._walk(root):
                if path.suffix.lower() in SUPPORTED_SUFFIXES:
                    yield from self._read(path, shown=_readable(f"{root.resolve().name}/{path.relative_to(root).as_posix()}"), scope=scope)
                else:
                    self.passed_over += 1

    def __len__(self) -> int:
        """How many files there are. What is inside of them shows when they are opened."""
        return sum(
            1 if not root.is_dir() else sum(path.suffix.lower() in SUPPORTED_SUFFIXES for path in self._walk(root)) for root in self._paths
        )

    def _read(self, path: Path, *, shown: str, scope: str) -> Iterator[SourceDocument | UnreadableSource]:
        origin = path.resolve().as_uri()
        try:
            size = path.stat().st_size
            if size > self._max_bytes:
                reason = f"It has {size / 1e6:.1f} MB; at most {self._max_bytes / 1e6:.1f} MB can be read."
                yield UnreadableSource(origin, shown, reason, scope)
                return
            data = path.read_bytes()
        except OSError as error:
            yield UnreadableSource(origin, shown, f"It cannot be opened: {error.strerror or error}.", scope)
            return
        yield SourceDocument(
            origin=origin,
            source=shown,
            filename=_readable(path.name),
            data=data,
            url=self._address_of(path.resolve()),
            tier=self._tier,
            scope=scope,
        )


def scope_of(root: Path) -> str:
    """The name under which a synchronising ingest knows a folder or file."""
    return root.resolve().as_uri()


def documents_in(
    filename: str,
    data: bytes,
    *,
    origin: str,
    source: str,
    scope: str | None = None,
    tier: Tier = Tier.PUBLIC,
    content_type: str | None = None,
) -> Iterator[SourceDocument | UnreadableSource]:
    """The documents in the bytes of one file: itself, or those inside it: rows of a table, members of an archive, what came with a mail.

    Opens it in this process, so it is for files of our own, such as sets of questions that are evaluated. Whatever others hand in is given
    to `ingest` as one `SourceDocument`, which finds the same in it, in a process that can do no harm.
    """
    from deskhand.parsing.unpack import members_of  # noqa: PLC0415 - brings the readers, which a server does without

    whole = SourceDocument(origin=origin, source=source, filename=filename, data=data, content_type=content_type, tier=tier, scope=scope)
    try:
        members = members_of(filename, content_type, data, max_bytes=MAX_BYTES)
        if members is None:
            yield whole
            return
        for member in members:
            yield member_of(whole, member)
    except (UnsupportedKind, UnreadableDocument) as error:
        yield UnreadableSource(origin, source, error.message, scope)


def _readable(name: str) -> str:
    """A file's name with a mark for each byte that is not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def files_of(root: Path) -> Iterator[Path]:
    """The files of a folder and of those in it, in order, hidden ones left out."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder) / name
