"""`deskhand restore`: put a backup back, into an empty database."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deskhand.cli.backup import backup_sealer, show
from deskhand.cli.terminal import remarks, start_command
from deskhand.persistence import parse_url
from deskhand.persistence.backup import restore
from deskhand.settings import Settings

# What the index in PostgreSQL is made of: it is made again from the documents when a server starts.
_DERIVED = ("knowledge_embedding", "knowledge_search", "knowledge_search_state", "knowledge_term")
# A server that was started once on an empty database has put a row there.
_BOOKKEEPING = ("knowledge_state",)


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    force: Annotated[bool, typer.Option("--force", help="Also when the database has something in it, which is then lost.")] = False,
    accept_plain: Annotated[bool, typer.Option("--plain", help="Also when the backup is not encrypted, although keys are set.")] = False,
) -> None:
    """Make the database what the backup holds.

    The backup is checked before anything is touched, and what was restored is compared with it. If anything fails, the database is as it
    was before. A backup of an older version is brought to this one. An encrypted one needs its key in DESKHAND_BACKUP_ENCRYPTION_KEYS. Stop
    the servers first.

    \b
    Examples:
      deskhand restore /backups/deskhand-2030-01-31.zip
      DESKHAND_DATABASE_URL=postgresql://… deskhand restore from-sqlite.zip

    Exit codes: 0 it is restored; 1 it is not, and why.
    """
    settings = start_command()
    notes = remarks()
    with notes.status("Checking the backup") as status:
        manifest = asyncio.run(
            restore(
                settings.database_address,
                file,
                force=force,
                spared=_BOOKKEEPING,
                derived=_DERIVED,
                sealer=backup_sealer(settings),
                accept_plain=accept_plain,
                progress=lambda table, rows: status.update(f"{table}: {rows:,} rows"),
            )
        )
    _forget_index(settings)
    show(manifest, f"{parse_url(settings.database_address).render_as_string(hide_password=True)} is restored")
    if settings.redis_url is not None or settings.session_redis_url is not None:
        notes.print("Empty the Redis of sessions before a server starts: it may hold contexts of sessions that are not what they were.")


def _forget_index(settings: Settings) -> None:
    """The files of a search index are of the database that was; a server would take them for copies of what is there now."""
    for shard in (settings.data_dir / "index").glob("*.shard"):
        shard.unlink(missing_ok=True)
