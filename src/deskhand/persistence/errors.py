"""What the database may answer when it cannot do what was asked."""

import sqlalchemy.exc

from deskhand.errors import ConfigurationError, PartDown


class DatabaseUnavailable(PartDown):
    """The database did not take the request in time. Nothing of it was stored."""

    code = "database_unavailable"
    support = "Please send it again in a moment."


class OutcomeNotKnown(DatabaseUnavailable):
    """The connection to the database was lost while the request was being stored: it may be stored, or not."""

    support = "Please send it again, with the same ids: what is stored already is not stored twice."


class DatabaseFull(PartDown):
    """The disk under the database is full. Nothing of the request was stored; reading still works."""

    code = "storage_full"
    status = 507
    support = "Free disk space on the server; then send it again."


class DatabaseNotSetUp(ConfigurationError):
    """The database has no tables of Deskhand, or not all."""

    code = "database_not_set_up"
    status = 503
    support = "Run 'deskhand migrate' with the same DESKHAND_DATABASE_URL, then start again."


class DatabaseTooNew(ConfigurationError):
    """The database was migrated by a newer Deskhand than this one."""

    code = "database_too_new"
    support = "Start the newer version again, or restore a backup made before the migration."


_MISSING_TABLE = ("no such table", "does not exist", "UndefinedTableError", "no such column", "has no column named")
_FULL = ("disk is full", "DiskFullError", "No space left")


def translated(error: sqlalchemy.exc.DBAPIError | OSError) -> Exception:
    """The error a caller should see for a fault of the database; the error itself where it is a fault of ours."""
    text = str(error.orig) if isinstance(error, sqlalchemy.exc.DBAPIError) else str(error)
    if any(mark in text for mark in _FULL):
        return DatabaseFull(retry_after_seconds=30)
    if any(mark in text for mark in _MISSING_TABLE):
        return DatabaseNotSetUp()
    if isinstance(error, sqlalchemy.exc.IntegrityError | sqlalchemy.exc.DataError | sqlalchemy.exc.ProgrammingError):
        return error
    return DatabaseUnavailable(retry_after_seconds=1)
