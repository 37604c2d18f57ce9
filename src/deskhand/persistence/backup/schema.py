"""What tables there are.

Invariant: the database itself tells, so that a table that is added later is in the backup without anybody thinking of it.
"""

from collections.abc import Collection

import sqlalchemy as sa

from deskhand.persistence.backup.rows import Column, Table, kind_of
from deskhand.persistence.errors import DatabaseNotSetUp, DatabaseTooNew
from deskhand.persistence.migrations import HEAD, REVISIONS

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


def tables_of(connection: sa.Connection, *, leave_out: Collection[str] = ()) -> list[Table]:
    """The tables of the database but those of `leave_out`, none before one that it refers to."""
    inspector = sa.inspect(connection)
    names = [name for name, _ in inspector.get_sorted_table_and_fkc_names() if name is not None]
    return [_table(inspector, name) for name in names if name != VERSION_TABLE and name not in leave_out]


def _table(inspector: sa.Inspector, name: str) -> Table:
    columns: list[Column] = []
    for column in inspector.get_columns(name):
        kind = kind_of(column["type"])
        if kind is None:
            raise TypeError(f"{name}.{column['name']} is of a type that a backup cannot hold")
        columns.append(Column(column["name"], kind))
    return Table(name, tuple(columns))
