"""One transaction after the other, where there is no row yet that could be locked."""

import sqlalchemy as sa

from deskhand.persistence.transaction import Transaction


def serialise(transaction: Transaction, lock: int) -> None:
    """Let transactions that take the same `lock` (64 bits, each use its own) run one after the other from here to their ends.

    On SQLite, where all that write do, this does nothing.
    """
    if transaction.connection.dialect.name == "postgresql":
        transaction.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def hold_moment(connection: sa.Connection) -> None:
    """Let all that is read from here on be as it was at one moment; the first thing that a read does. On SQLite every read is so."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
