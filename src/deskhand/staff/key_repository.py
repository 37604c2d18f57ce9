"""All SQL of the keys of programs."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deskhand.ids import StaffKeyId, new_staff_key_id
from deskhand.persistence import Prepared, Transaction, db_now
from deskhand.roles import Scope
from deskhand.staff.model import ApiKey
from deskhand.staff.tables import keys

_NOW: sa.ColumnElement[float] = db_now()
_USED_SECONDS = 60.0
_COLUMNS = [column for column in keys.c if column.name != "key_hash"]
_BY_HASH = Prepared(
    sa.select(*_COLUMNS, db_now().label("now")).where(keys.c.key_hash == sa.bindparam("key_hash"), keys.c.revoked_at.is_(None))
)


def insert_key(tx: Transaction, *, name: str, key_hash: str, hint: str, scopes: Sequence[Scope], created_by: str) -> ApiKey:
    key_id = new_staff_key_id()
    tx.execute(
        sa.insert(keys).values(
            id=key_id, key_hash=key_hash, name=name, hint=hint, scopes=sorted(scopes), created_by=created_by, created_at=_NOW
        )
    )
    return _to_key(tx.execute(sa.select(*_COLUMNS).where(keys.c.id == key_id)).one())


def find_key(connection: sa.Connection, key_hash: str) -> tuple[ApiKey, bool] | None:
    """The key, if it was not revoked, and whether its use should be noted."""
    row = _BY_HASH.one_or_none(connection, {"key_hash": key_hash})
    if row is None:
        return None
    return _to_key(row), row.last_used_at is None or row.now - row.last_used_at >= _USED_SECONDS


def note_used(tx: Transaction, key_id: StaffKeyId) -> None:
    tx.execute(sa.update(keys).where(keys.c.id == key_id).values(last_used_at=_NOW))


def list_keys(connection: sa.Connection) -> list[ApiKey]:
    """All of them, the newest first, with those that were revoked."""
    return [_to_key(row) for row in connection.execute(sa.select(*_COLUMNS).order_by(keys.c.created_at.desc(), keys.c.id))]


def revoke_key(tx: Transaction, key_id: str) -> ApiKey | None:
    """None: there is no such key that could be revoked."""
    done = tx.execute(sa.update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=_NOW))
    return _to_key(tx.execute(sa.select(*_COLUMNS).where(keys.c.id == key_id)).one()) if done.rowcount else None


def _to_key(row: Any) -> ApiKey:
    return ApiKey(
        id=StaffKeyId(row.id),
        name=row.name,
        hint=row.hint,
        scopes=tuple(Scope(scope) for scope in row.scopes),
        created_by=row.created_by,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
