"""What tables there are, and in which order they can be filled.

Invariant: all tables of Deskhand's schema count and no others: not what is made from them, nor what others keep in the same database.
"""

import sqlalchemy as sa

from deskhand.persistence.backup.rows import Column, Table, kind_of
from deskhand.persistence.errors import DatabaseNotSetUp, DatabaseTooNew
from deskhand.persistence.migrations import HEAD, REVISIONS, TABLES

VERSION_TABLE = "alembic_version"


def revision_of(connection: sa.Connection) -> str | None:
    """The schema's revision; None where there is none of Deskhand's."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar_one_or_none()  # noqa: S608 - our own name
    return found


def known_revision_of(connection: sa.Connection) -> str:
    """The revision, if this Deskhand knows it.

    Raises:
        DatabaseNotSetUp: there are no tables of Deskhand.
        DatabaseTooNew: a newer Deskhand migrated it.
    """
    found = revision_of(connection)
    if found is None:
        raise DatabaseNotSetUp
    require_known(found, "The database")
    return found


def require_known(revision: str, what: str) -> None:
    """Raises DatabaseTooNew: `what` has a revision that this Deskhand does not know."""
    if revision not in REVISIONS:
        raise DatabaseTooNew(
            f"{what} is at revision {revision}, which this version of Deskhand (revision {HEAD}) does not know.",
            support="Use the Deskhand that made it, or a newer one.",
        )


def tables_of(connection: sa.Connection) -> list[Table]:
    """Deskhand's tables that the database has, none before one that it refers to."""
    inspector = sa.inspect(connection)
    return [_table(inspector, name) for name, _ in inspector.get_sorted_table_and_fkc_names() if name is not None and name in TABLES]


def _table(inspector: sa.Inspector, name: str) -> Table:
    columns: list[Column] = []
    for column in inspector.get_columns(name):
        kind = kind_of(column["type"])
        if kind is None:
            raise TypeError(f"{name}.{column['name']} is of a type that a backup cannot hold")
        columns.append(Column(column["name"], kind))
    return Table(name, tuple(columns))
