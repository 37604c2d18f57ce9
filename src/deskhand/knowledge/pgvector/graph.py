"""The graph that nearest vectors are found by, once there are too many to compare all (Malkov and Yashunin, IEEE TPAMI 42, 2020).

Invariant: it is built beside everything else, from all rows at once, which is many times faster than row by row; until it is whole, every
vector is compared. From then on the database keeps it up with the rows.
"""

import sqlalchemy as sa

from deskhand.persistence import Database

_NAME = "ix_knowledge_embedding_embedding"
_STATE = sa.text(
    """SELECT indisvalid, EXISTS (SELECT 1 FROM pg_stat_progress_create_index WHERE index_relid = indexrelid) AS is_growing
    FROM pg_index WHERE indexrelid = to_regclass(:name)"""
)


def has_graph(connection: sa.Connection) -> bool:
    """Whether there is a whole one."""
    found = connection.execute(_STATE, {"name": _NAME}).first()
    return found is not None and bool(found.indisvalid)


async def grow_graph(database: Database) -> None:
    """Build it, unless it is there or somebody builds it. Takes minutes for a million vectors.

    Raises:
        DatabaseUnavailable: the database went away; what was begun is done anew the next time.
    """
    found = await database.read(lambda connection: connection.execute(_STATE, {"name": _NAME}).first())
    if found is not None and (found.indisvalid or found.is_growing):
        return
    if found is not None:
        # Whoever built it did not come to the end.
        await database.maintain(f"DROP INDEX CONCURRENTLY IF EXISTS {_NAME}")
    await database.maintain(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {_NAME} ON knowledge_embedding USING hnsw (embedding halfvec_ip_ops)")
    # So many rows came at once that the first searches would note down for each, page by page, that it is there to stay.
    await database.maintain("VACUUM (ANALYZE) knowledge_search, knowledge_embedding")
