"""The tables that an empty database gets are those that the revisions make."""

from typing import Any

import sqlalchemy as sa

import deskhand.app  # noqa: F401 - declares every table
from deskhand.persistence import Database, metadata
from deskhand.persistence.migrations import TABLES, create, upgrade


async def test_an_empty_database_gets_the_tables_that_the_revisions_make(database_url: str) -> None:
    database = await Database.open(database_url)
    try:
        await database.write(lambda tx: upgrade(tx.connection))
        migrated = await database.read(_schema)
        await database.write(lambda tx: _drop_all(tx.connection))
        assert await database.read(_schema) == {}
        await database.write(lambda tx: create(tx.connection))
        assert await database.read(_schema) == migrated
    finally:
        await database.close()
    assert set(migrated) == {*TABLES, "alembic_version"}


def _drop_all(connection: sa.Connection) -> None:
    metadata.drop_all(connection)
    connection.exec_driver_sql("DROP TABLE alembic_version")


def _schema(connection: sa.Connection) -> dict[str, Any]:
    """Everything about every table but the order of its columns, which a later revision cannot choose."""
    found = sa.inspect(connection)
    return {
        table: {
            "columns": sorted(_plain(column) for column in found.get_columns(table)),
            "primary key": _plain(found.get_pk_constraint(table)),
            "foreign keys": sorted(_plain(key) for key in found.get_foreign_keys(table)),
            "unique": sorted(_plain(constraint) for constraint in found.get_unique_constraints(table)),
            "checks": sorted(_plain(constraint) for constraint in found.get_check_constraints(table)),
            "indexes": sorted(_plain(index) for index in found.get_indexes(table)),
            "options": _plain(found.get_table_options(table)),
        }
        for table in found.get_table_names()
    }


def _plain(found: Any) -> str:
    """What the database says of something, SQL in it as text."""
    if isinstance(found, dict):
        return str({name: _plain(value) for name, value in sorted(found.items())})
    return str(found)
