"""Deleting so that nothing is left in the file."""

from collections.abc import Iterator
from contextlib import contextmanager

from deskhand.persistence.transaction import Transaction


@contextmanager
def erasing(transaction: Transaction) -> Iterator[None]:
    """What is deleted meanwhile is overwritten with zeros. `Database.checkpoint` then takes it out of the write-ahead log, too.

    On PostgreSQL, where deleted rows stay in the file until it vacuums, this does nothing.
    """
    if transaction.connection.dialect.name != "sqlite":
        yield
        return
    # Not always on: the hot path rewrites rows all the time, and need not pay for zeros.
    transaction.connection.exec_driver_sql("PRAGMA secure_delete=ON").close()
    try:
        yield
    finally:
        transaction.connection.exec_driver_sql("PRAGMA secure_delete=OFF").close()
