"""The schema's versions. A database is used only at exactly the version that this Deskhand was written for.

Revisions live in `versions/` and are run by Alembic, which is imported only when there is something to change. An empty database gets the
tables as the code declares them, which a test holds equal to what the revisions make.
"""

from pathlib import Path

import sqlalchemy as sa

from deskhand.persistence.database import Database
from deskhand.persistence.errors import DatabaseNotSetUp, DatabaseTooNew
from deskhand.persistence.metadata import metadata
from deskhand.persistence.transaction import Transaction

# The newest revision in `versions/`, and all before it in order.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
HEAD = REVISIONS[-1]
# The tables of the newest revision. A program that has not loaded the code of all of them cannot make them from it.
TABLES = frozenset(
    {
        *("session", "message", "attachment", "event", "turn", "tool_call", "ticket", "note", "reply", "fact"),
        *("knowledge_document", "knowledge_chunk", "knowledge_mark", "knowledge_removal", "knowledge_revision", "knowledge_state"),
        *("job", "job_item", "job_schedule"),
        "used_token",
        *("staff_account", "staff_session", "staff_key", "staff_attempt", "audit_entry", "audit_head"),
        *("rating", "feedback", "said_word", "said_until", "answer_count", "counted_until", "passed_notice"),
    }
)

_version = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


async def check_schema(database: Database) -> None:
    """Ask whether the database is at this Deskhand's version.

    Raises:
        DatabaseNotSetUp: it has no tables, or older ones; the message says which command sets it up.
        DatabaseTooNew: a newer Deskhand migrated it.
    """
    found = await database.read(lambda connection: connection.execute(sa.select(_version.c.version_num)).scalar_one_or_none())
    if found == HEAD:
        return
    if found is None or found in REVISIONS:
        raise DatabaseNotSetUp(f"The database is at revision {found or 'none'}; this version of Deskhand needs {HEAD}.")
    raise DatabaseTooNew(f"The database is at revision {found}, which this version of Deskhand (revision {HEAD}) does not know.")


async def migrate(database: Database) -> bool:
    """Bring the database to this Deskhand's version; False when it was there already. All or nothing.

    Raises:
        DatabaseTooNew: a newer Deskhand migrated it.
    """
    try:
        await check_schema(database)
    except DatabaseNotSetUp:
        await database.alter(_upgrade, lock=_LOCK)
        return True
    return False


def upgrade(connection: sa.Connection, revision: str = HEAD) -> None:
    """Bring the schema to `revision`, in the transaction that is open on `connection`."""
    from alembic import command  # noqa: PLC0415 - 0.2 s that a start with nothing to change does not pay
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _upgrade(tx: Transaction) -> None:
    if set(metadata.tables) == TABLES and not sa.inspect(tx.connection).get_table_names():
        create(tx.connection)
    else:
        upgrade(tx.connection)


def create(connection: sa.Connection) -> None:
    """Make all tables, at the newest revision, in a database that has none."""
    metadata.create_all(connection)
    _version.create(connection)
    connection.execute(sa.insert(_version).values(version_num=HEAD))


_LOCK = 0x4465736B68616E64
