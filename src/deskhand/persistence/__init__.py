"""Engine, transactions and migrations. SQLite and PostgreSQL behave alike to whoever is above this floor."""

from deskhand.persistence.database import Database, Dialect, parse_url
from deskhand.persistence.erasing import erasing
from deskhand.persistence.errors import DatabaseFull, DatabaseNotSetUp, DatabaseTooNew, DatabaseUnavailable, OutcomeNotKnown
from deskhand.persistence.gathered import GatheredRead
from deskhand.persistence.metadata import db_now, listed, metadata, partial_index
from deskhand.persistence.postgresql_options import PostgresqlOptions
from deskhand.persistence.prepared import Prepared, insert_into
from deskhand.persistence.serialising import hold_moment, serialise
from deskhand.persistence.transaction import Alongside, Transaction, nothing_else

__all__ = [
    "Alongside",
    "Database",
    "DatabaseFull",
    "DatabaseNotSetUp",
    "DatabaseTooNew",
    "DatabaseUnavailable",
    "Dialect",
    "GatheredRead",
    "OutcomeNotKnown",
    "PostgresqlOptions",
    "Prepared",
    "Transaction",
    "db_now",
    "erasing",
    "hold_moment",
    "insert_into",
    "listed",
    "metadata",
    "nothing_else",
    "parse_url",
    "partial_index",
    "serialise",
]
