"""`deskhand backup`: everything the database holds at one moment, in one file."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deskhand.cli.terminal import plain, remarks, start_command
from deskhand.clock import SystemClock
from deskhand.errors import Conflict
from deskhand.persistence.backup import back_up, check_archive
from deskhand.persistence.backup.archive import Manifest
from deskhand.sealing import Sealer
from deskhand.settings import Settings

_ENCRYPTED = {True: "encrypted", False: "not encrypted"}


class FileExists(Conflict):
    """There is a file of that name."""

    code = "file_exists"
    support = "Choose another name; a backup is never written over something else."


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup goes, as in deskhand-2030-01-31.zip.")],
    check: Annotated[bool, typer.Option("--check", help="Write nothing; say whether the backup FILE is whole.")] = False,
) -> None:
    """Write everything the database holds to one file, while the server runs.

    The file is of one moment, with a checksum of every part, and can be restored to SQLite or PostgreSQL, whichever it came from. It holds
    what customers wrote, so only you may read it, and DESKHAND_BACKUP_ENCRYPTION_KEYS encrypts it; it holds no setting and no key.
    docs/backup.md has the rest.

    \b
    Examples:
      deskhand backup /backups/deskhand-$(date +%F).zip
      deskhand backup --check /backups/deskhand-2030-01-31.zip

    Exit codes: 0 it is written, or whole; 1 it is not, and why.
    """
    settings = start_command()
    sealer = backup_sealer(settings)
    notes = remarks()
    if check:
        checked = check_archive(file, sealer)
        show(checked.manifest, f"{plain(str(file))} is whole and {_ENCRYPTED[checked.is_sealed]}")
        return
    if file.exists():
        raise FileExists(f"{plain(str(file))} is there already.")
    with notes.status("Reading the database") as status:
        made = asyncio.run(
            back_up(
                settings.database_address,
                file,
                clock=SystemClock(),
                sealer=sealer,
                progress=lambda table, rows: status.update(f"{table}: {rows:,} rows"),
            )
        )
    show(made.manifest, f"{plain(str(file))} is written ({made.size_bytes / 1e6:.1f} MB, {_ENCRYPTED[sealer is not None]})")


def backup_sealer(settings: Settings) -> Sealer | None:
    """What encrypts and decrypts backups; None where no key is set."""
    keys = settings.backup_encryption_keys
    return Sealer.parse(keys.get_secret_value()) if keys is not None else None


def show(manifest: Manifest, what: str) -> None:
    counts = {entry.name: entry.rows for entry in manifest.tables}
    print(
        f"{what}: {counts.get('session', 0):,} sessions, {counts.get('message', 0):,} messages,"
        f" {counts.get('knowledge_document', 0):,} documents; {manifest.rows:,} rows in all,"
        f" of {manifest.made_at}, {manifest.source}, revision {manifest.revision}, Deskhand {manifest.deskhand}."
    )
