"""A database with something strange of every kind in it, and a look at all that it holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from deskhand.persistence import Database, Transaction
from deskhand.persistence.migrations import migrate

STRANGE = "a'\"\\ \n\r\t\u2028 ‘ü’ 𝕏 NULL \\N"
# As it is written counts; the colon is masked for SQLAlchemy.
UNEVEN_JSON = r'{"b"\: 1, "a"\:  [null, 1.50]}'
LONG = "x" * 1_200_000


def listed(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def quiet(_table: str, _rows: int) -> None:
    pass


async def with_database(url: str, work: Callable[[Transaction], Any]) -> Any:
    database = await Database.open(url)
    try:
        await migrate(database)
        return await database.write(work)
    finally:
        await database.close()


def fill(tx: Transaction) -> None:
    """A session with a message, an event and a file, and two documents of which the newer is gone again."""
    row = {"id": "sess_1", "thread": "thread_1", "verified": True, "now": 1_700_000_000.123456789}
    session = (
        "INSERT INTO session (id, thread_id, user_is_verified, status, token_hash, metadata, last_seq, fence, created_at, updated_at,"
        f" last_activity) VALUES (:id, :thread, :verified, 'active', 'h', '{UNEVEN_JSON}', 9007199254740993, 1, :now, :now, 0.1)"
    )
    tx.execute(sa.text(session), row)
    tx.execute(
        sa.text(
            "INSERT INTO attachment (id, session_id, filename, content_type, size_bytes, sha256, text, data, created_at)"
            " VALUES ('file_1', 'sess_1', :name, 'text/plain', 256, 's', :text, :data, 1e-300)"
        ),
        {"name": STRANGE, "text": LONG, "data": bytes(range(256)) * 4_000},
    )
    tx.execute(sa.text("INSERT INTO knowledge_state (id, version) VALUES (1, 7)"))
    document = sa.text(
        "INSERT INTO knowledge_document (id, origin, source, title, content_type, tier, metadata, content_hash, recipe, characters,"
        " chunk_count, version, edited, created_at, updated_at)"
        " VALUES (:id, 'o', 's', 't', 'text/plain', 'public', '{}', 'h', 'r', 1, 1, 7, '[]', 0, 0)"
    )
    chunk = sa.text("INSERT INTO knowledge_chunk (document_id, position, text, vector, terms) VALUES (:id, 0, 'c', :data, :data)")
    for name in ("doc_1", "doc_2"):
        tx.execute(document, {"id": name})
        tx.execute(chunk, {"id": name, "data": b"\x00\xff"})
    tx.execute(sa.text("DELETE FROM knowledge_document WHERE id = 'doc_2'"))


async def dump(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as the database's own driver gives it, in an order of its own."""
    database = await Database.open(url)

    def read(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
        names = sorted(sa.inspect(connection).get_table_names())
        reflected = sa.MetaData()
        reflected.reflect(connection, only=names)
        return {
            name: sorted((dict(row) for row in connection.execute(_by_column(reflected.tables[name])).mappings()), key=repr)
            for name in names
        }

    try:
        return await database.read(read)
    finally:
        await database.close()


def _by_column(table: sa.Table) -> sa.Select[Any]:
    """All of it, in an order that does not depend on when a column was added."""
    return sa.select(*sorted(table.columns, key=lambda column: column.name))
