"""The file of a backup: a ZIP archive with `manifest.json`, a member of lines for each table, and `SHA256SUMS` over all of them.

With a key all of that is sealed (`sealed.py`).

Invariant: a file with the name that was asked for is whole. It is written under another name, and only then gets its own.
`unzip` and `sha256sum -c SHA256SUMS` can check a plain one without Deskhand.
"""

import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Self

import msgspec

from deskhand.persistence.backup.rows import Column, LineCodec, Row, Table, Tally
from deskhand.persistence.backup.sealed import MAGIC, BackupUnusable, SealedReader, SealedWriter
from deskhand.sealing import Sealer

FORMAT = 1
_MANIFEST = "manifest.json"
_SUMS = "SHA256SUMS"
# Most of a large backup is vectors, which do not get smaller: more effort would only take longer.
_COMPRESSION = 1
_LONGEST_MANIFEST = 1_000_000
_PIECE_BYTES = 1_000_000
# What reading a ZIP archive raises where a bit of it is another: a RuntimeError, for one, that it is encrypted.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, KeyError, RuntimeError)


class TableEntry(msgspec.Struct, frozen=True):
    """`digest` is that of `Tally`."""

    name: str
    columns: tuple[Column, ...]
    rows: int
    digest: str

    @property
    def member(self) -> str:
        return f"tables/{self.name}.jsonl"

    @property
    def table(self) -> Table:
        return Table(self.name, self.columns)


class Manifest(msgspec.Struct, frozen=True):
    """`made_at` is a moment before the snapshot: whatever was acknowledged by then is in.

    `revision` is that of the schema; `tables` are in an order in which none refers to a later one.
    `sequences`: for each table that numbers its rows by itself, the highest number that was ever given.
    """

    format: int
    deskhand: str
    made_at: str
    source: str
    revision: str
    tables: tuple[TableEntry, ...]
    sequences: dict[str, int]

    @property
    def rows(self) -> int:
        return sum(entry.rows for entry in self.tables)


class ArchiveWriter:
    """Writes a backup to `path`, which only this user may read, sealed if there is a `sealer`. Left without `finish`, nothing is there."""

    def __init__(self, path: Path, sealer: Sealer | None = None) -> None:
        self._path = path
        self._sealer = sealer
        self._unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._sums: dict[str, str] = {}

    def __enter__(self) -> Self:
        descriptor = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._sealed = SealedWriter(self._file, self._sealer) if self._sealer is not None else None
        self._zip = zipfile.ZipFile(self._sealed or self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._file.closed:
            # An archive that was not finished needs no table of contents, and writing it may be what fails.
            self._zip.fp = None
            self._file.close()
        self._unfinished.unlink(missing_ok=True)

    def open_table(self, table: Table) -> "TableWriter":
        return TableWriter(self._zip, table, self._sums)

    def finish(self, manifest: Manifest) -> int:
        """Write what is still to be written, all the way to the disk; returns the size in bytes."""
        self._put(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        self._put(_SUMS, "".join(f"{digest}  {name}\n" for name, digest in self._sums.items()).encode())
        self._zip.close()
        if self._sealed is not None:
            self._sealed.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        self._unfinished.replace(self._path)
        folder = os.open(self._path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return size

    def _put(self, name: str, content: bytes) -> None:
        self._zip.writestr(name, content)
        self._sums[name] = hashlib.sha256(content).hexdigest()


class TableWriter:
    """Writes the rows of one table; `entry` is complete once it is closed."""

    def __init__(self, archive: zipfile.ZipFile, table: Table, sums: dict[str, str]) -> None:
        self._table = table
        self._sums = sums
        self._codec = LineCodec(table)
        self._tally = Tally()
        self._sum = hashlib.sha256()
        self._name = f"tables/{table.name}.jsonl"
        self._member: IO[bytes] = archive.open(self._name, "w", force_zip64=True)

    def write(self, rows: list[Row]) -> None:
        lines = [self._codec.encode(row) for row in rows]
        for line in lines:
            self._tally.add(line)
        text = b"\n".join([*lines, b""])
        self._sum.update(text)
        self._member.write(text)

    def close(self) -> TableEntry:
        self._member.close()
        self._sums[self._name] = self._sum.hexdigest()
        return TableEntry(self._table.name, self._table.columns, self._tally.rows, self._tally.digest)


class Archive:
    """A backup to read from. `is_sealed`: whoever wrote it has one of the keys.

    Raises:
        BackupLocked: it is encrypted, and `sealer` has not its key.
        BackupUnusable: it is not a backup, not one that this version reads, or damaged.
    """

    def __init__(self, path: Path, sealer: Sealer | None = None) -> None:
        self._path = path
        with ExitStack() as opened:
            try:
                file = opened.enter_context(path.open("rb"))
                self._sealed = _find_seal(file, sealer, path)
                self._zip = opened.enter_context(zipfile.ZipFile(io.BufferedReader(self._sealed) if self._sealed is not None else file))
            except FileNotFoundError as error:
                raise BackupUnusable(f"There is no file {path}.", support="Check the name.") from error
            except _DAMAGE as error:
                raise BackupUnusable(f"{path} is not a backup of Deskhand: {error}.") from error
            self.manifest = self._read_manifest()
            self._opened = opened.pop_all()

    @property
    def is_sealed(self) -> bool:
        return self._sealed is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()

    def check(self) -> None:
        """Compare every member with its checksum, and every table with the manifest."""
        try:
            if self._sealed is not None:
                self._sealed.check()
            lines = [line.partition("  ") for line in self._zip.read(_SUMS).decode().splitlines()]
            sums = {name: digest for digest, _, name in lines}
            expected = {_MANIFEST, *(entry.member for entry in self.manifest.tables)}
            if set(sums) != expected or set(self._zip.namelist()) != {*expected, _SUMS}:
                raise BackupUnusable(f"{self._path} does not have the parts that it should have.")
            for name, digest in sums.items():
                if self._digest(name) != digest:
                    raise BackupUnusable(f"{self._path} is damaged: {name} is not what was written.")
        except _DAMAGE as error:
            raise BackupUnusable(f"{self._path} is damaged: {error}.") from error

    def rows(self, entry: TableEntry) -> Iterator[list[object]]:
        """The rows of a table as the columns name them. Raises BackupUnusable at the end: they were not what the manifest says."""
        codec, tally = LineCodec(entry.table), Tally()
        try:
            with self._zip.open(entry.member) as member:
                for line in member:
                    tally.add(line[:-1])
                    yield codec.decode(line)
        except _DAMAGE as error:
            raise BackupUnusable(f"{self._path} is damaged in {entry.member}: {error}.") from error
        if (tally.rows, tally.digest) != (entry.rows, entry.digest):
            raise BackupUnusable(f"{self._path} is damaged: {entry.member} has other rows than the manifest says.")

    def _digest(self, name: str) -> str:
        found = hashlib.sha256()
        with self._zip.open(name) as member:
            while piece := member.read(_PIECE_BYTES):
                found.update(piece)
        return found.hexdigest()

    def _read_manifest(self) -> Manifest:
        try:
            with self._zip.open(_MANIFEST) as member:
                content = member.read(_LONGEST_MANIFEST)
            manifest = msgspec.json.decode(content, type=Manifest)
        except _DAMAGE as error:
            raise BackupUnusable(f"{self._path} is not a backup of Deskhand, or is damaged: {error}.") from error
        if manifest.format != FORMAT:
            raise BackupUnusable(
                f"{self._path} is a backup of format {manifest.format}; this version reads {FORMAT}.",
                support=f"Restore it with the Deskhand that made it ({manifest.deskhand}), or a newer one.",
            )
        return manifest


@dataclass(frozen=True, slots=True)
class Checked:
    manifest: Manifest
    is_sealed: bool


def check_archive(path: Path, sealer: Sealer | None = None) -> Checked:
    """Read a whole backup and say what is in it. Raises BackupUnusable."""
    with Archive(path, sealer) as archive:
        archive.check()
        for entry in archive.manifest.tables:
            for _ in archive.rows(entry):
                pass
        return Checked(archive.manifest, archive.is_sealed)


def _find_seal(file: BinaryIO, sealer: Sealer | None, path: Path) -> SealedReader | None:
    """What opens the file if it is sealed; None where it is not."""
    start = file.read(len(MAGIC))
    file.seek(0)
    return SealedReader(file, sealer, name=str(path)) if start == MAGIC else None
