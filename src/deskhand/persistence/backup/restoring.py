"""Putting a backup back."""

from collections.abc import Collection, Iterator
from pathlib import Path

import sqlalchemy as sa

from deskhand.errors import ConfigurationError
from deskhand.persistence.backup.archive import Archive, Manifest, TableEntry
from deskhand.persistence.backup.making import Progress
from deskhand.persistence.backup.rows import LineCodec, Row, Tally
from deskhand.persistence.backup.schema import require_known, tables_of
from deskhand.persistence.backup.targets import Target, TargetInUse, TargetNotEmpty, open_target
from deskhand.persistence.database import parse_url
from deskhand.persistence.migrations import HEAD, upgrade
from deskhand.sealing import Sealer

__all__ = ["BackupNotEncrypted", "TargetInUse", "TargetNotEmpty", "restore"]

_STEP = 1_000


class BackupNotEncrypted(ConfigurationError):
    """Keys are set, so a backup that none of them made may come from anybody."""

    code = "backup_not_encrypted"
    support = "If it was made before the keys were set, and kept where nobody else could write, restore it with --plain."


async def restore(
    url: str,
    path: Path,
    *,
    progress: Progress,
    force: bool = False,
    spared: Collection[str] = (),
    derived: Collection[str] = (),
    sealer: Sealer | None = None,
    accept_plain: bool = False,
) -> Manifest:
    """Make the database what the backup holds, and bring it to this Deskhand's version. All or nothing.

    `spared` and `derived` are those of `open_target`. The backup is read and checked to its end before anything is touched, and what was
    restored is read back and compared with it. With a `sealer` only what was sealed is restored, unless `accept_plain`: anybody could have
    written the rest.

    Raises:
        BackupNotEncrypted: and not `accept_plain`.
        BackupUnusable: it is damaged, or no backup.
        DatabaseTooNew: it was made by a newer Deskhand.
        TargetNotEmpty, TargetInUse: it must not be restored there.
    """
    with Archive(path, sealer) as archive:
        if sealer is not None and not archive.is_sealed and not accept_plain:
            raise BackupNotEncrypted(f"{path} is not encrypted, although keys for backups are set.")
        manifest = archive.manifest
        require_known(manifest.revision, "The backup")
        archive.check()
        async with open_target(parse_url(url), force=force, spared=spared, derived=derived) as target:
            await target.do(lambda connection: upgrade(connection, manifest.revision))
            await target.do(lambda connection: _require_same_tables(connection, manifest))
            for entry in manifest.tables:
                await target.insert(entry.table, _counted(archive, entry, progress))
                await _compare(target, entry)
            for table, last in manifest.sequences.items():
                await target.set_sequence(table, last)
            await target.check()
            if manifest.revision != HEAD:
                await target.do(upgrade)
        return manifest


def _require_same_tables(connection: sa.Connection, manifest: Manifest) -> None:
    """The schema of a revision never changes, so a difference means that the backup was not made by Deskhand."""
    expected = {table.name: table.columns for table in tables_of(connection)}
    given = {entry.name: entry.columns for entry in manifest.tables}
    if {name: set(columns) for name, columns in expected.items()} != {name: set(columns) for name, columns in given.items()}:
        different = sorted(name for name in {*expected, *given} if set(expected.get(name, ())) != set(given.get(name, ())))
        raise ConfigurationError(
            f"The backup says that it is of revision {manifest.revision}, but its tables are others: {', '.join(different)}.",
            support="Restore it with the Deskhand that made it.",
        )


def _counted(archive: Archive, entry: TableEntry, progress: Progress) -> Iterator[Row]:
    done = 0
    for row in archive.rows(entry):
        yield row
        done += 1
        if done % _STEP == 0:
            progress(entry.name, done)
    progress(entry.name, done)


async def _compare(target: Target, entry: TableEntry) -> None:
    codec, tally = LineCodec(entry.table), Tally()
    async for rows in target.rows(entry.table):
        for row in rows:
            tally.add(codec.encode(row))
    if (tally.rows, tally.digest) != (entry.rows, entry.digest):
        raise ConfigurationError(
            f"What was restored to {entry.name} is not what the backup holds ({tally.rows} rows of {entry.rows}); nothing was changed.",
            support="This is a fault of Deskhand or of the database; please report it.",
        )
