"""`deskhand migrate`: bring the database to the version that this Deskhand was written for, or say whether it is there."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deskhand.cli.terminal import start_command
from deskhand.persistence import Database, DatabaseNotSetUp, parse_url
from deskhand.persistence.migrations import HEAD, check_schema, migrate
from deskhand.settings import Settings


def command(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; say whether a migration is needed.")] = False,
) -> None:
    """Set up or update the tables of the database.

    All or nothing, and safe to run twice or by several at once. In development the server does it by itself at start; elsewhere run this
    before a new version starts.

    \b
    Examples:
      deskhand migrate
      deskhand migrate --check && deskhand serve

    Exit codes: 0 the database is up to date; 1 it is not, or cannot be used.
    """
    settings = start_command()
    shown = parse_url(settings.database_address).render_as_string(hide_password=True)
    if check:
        _require_file(settings)
        asyncio.run(_check(settings))
        print(f"{shown} is up to date (revision {HEAD}).")
    elif asyncio.run(_migrate(settings)):
        print(f"{shown} was brought to revision {HEAD}.")
    else:
        print(f"{shown} is up to date already (revision {HEAD}).")


def _require_file(settings: Settings) -> None:
    """Opening a file that is not there would make it."""
    url = parse_url(settings.database_address)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise DatabaseNotSetUp(f"There is no database file {url.database}.")


async def _check(settings: Settings) -> None:
    database = await Database.open(settings.database_address)
    try:
        await check_schema(database)
    finally:
        await database.close()


async def _migrate(settings: Settings) -> bool:
    database = await Database.open(settings.database_address)
    try:
        return await migrate(database)
    finally:
        await database.close()
