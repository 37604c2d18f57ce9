"""Write a migration from what the tables in the code have and the newest revision has not: `python tools/new_migration.py 0002 "Add …"`.

Read what it wrote before it is committed, and add the revision to `REVISIONS`.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

import deskhand.handoff.tables
import deskhand.jobs.tables
import deskhand.knowledge.tables
import deskhand.memory.tables
import deskhand.persistence.migrations
import deskhand.sessions.tables
from deskhand.persistence import Database, Transaction
from deskhand.persistence.migrations import migrate

FOLDER = Path(deskhand.persistence.migrations.__file__).parent


async def write_migration(revision: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(f"sqlite:///{folder}/empty.db")
        if any((FOLDER / "versions").glob("*.py")):
            await migrate(database)

        def generate(tx: Transaction) -> None:
            config = Config()
            config.set_main_option("script_location", str(FOLDER))
            config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            config.attributes["connection"] = tx.connection
            command.revision(config, message=message, autogenerate=True, rev_id=revision)

        await database.write(generate)
        await database.close()


if __name__ == "__main__":
    asyncio.run(write_migration(sys.argv[1], sys.argv[2]))
