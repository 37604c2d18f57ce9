"""Taking a backup."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

import deskhand
from deskhand.clock import Clock, to_iso
from deskhand.errors import DeskhandError
from deskhand.persistence.backup.archive import FORMAT, ArchiveWriter, Manifest, TableEntry
from deskhand.persistence.backup.rows import Table
from deskhand.persistence.backup.sources import Snapshot, open_snapshot
from deskhand.persistence.database import parse_url
from deskhand.sealing import Sealer

# Called with the name of a table and how many of its rows were done so far.
Progress = Callable[[str, int], None]


class BackupNotWritten(DeskhandError):
    """The backup could not be written."""

    code = "backup_not_written"
    support = "Choose a folder that you may write to and that has room for it."


@dataclass(frozen=True, slots=True)
class Made:
    manifest: Manifest
    size_bytes: int


async def back_up(url: str, path: Path, *, clock: Clock, progress: Progress, sealer: Sealer | None = None) -> Made:
    """Write everything the database holds now to `path`, encrypted by `sealer`, without hindering who uses it meanwhile.

    Raises:
        BackupNotWritten: there is no room, or no right to write there.
        ConfigurationError: the database is not Deskhand's, is damaged, or cannot be read.
    """
    made_at = to_iso(clock.now())
    address = parse_url(url)
    try:
        with ArchiveWriter(path, sealer) as archive:
            async with open_snapshot(address, scratch=_scratch(address, path, sealer)) as snapshot:
                entries = [await _write_table(archive, snapshot, table, progress=progress) for table in snapshot.tables]
                manifest = Manifest(
                    format=FORMAT,
                    deskhand=deskhand.__version__,
                    made_at=made_at,
                    source=snapshot.engine,
                    revision=snapshot.revision,
                    tables=tuple(entries),
                    sequences=await snapshot.sequences(),
                )
            return Made(manifest, archive.finish(manifest))
    except OSError as error:
        raise BackupNotWritten(f"{path} cannot be written: {error.strerror or error}.") from error


def _scratch(address: sa.URL, path: Path, sealer: Sealer | None) -> Path:
    """Where a copy of the database may lie meanwhile: what is to be encrypted never lies plain where the backup goes."""
    if sealer is not None and address.get_backend_name() == "sqlite":
        return Path(address.database or "").absolute().parent
    return path.parent


async def _write_table(archive: ArchiveWriter, snapshot: Snapshot, table: Table, *, progress: Progress) -> TableEntry:
    written = 0
    writer = archive.open_table(table)
    async for rows in snapshot.rows(table):
        writer.write(rows)
        written += len(rows)
        progress(table.name, written)
    return writer.close()
