"""All SQL of accounts and their sessions. Keys are in `key_repository`, attempts in `throttle`, the log in `audit`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from deskhand.ids import StaffId, StaffSessionId, new_staff_id, new_staff_session_id
from deskhand.persistence import Prepared, Transaction, db_now, serialise
from deskhand.roles import Role
from deskhand.staff.model import Account, Presence
from deskhand.staff.tables import accounts, sessions

_NOW: sa.ColumnElement[float] = db_now()
_MOST_ENDED_AT_ONCE = 1_000
_LOCK = 0x4163636F756E7473
# Seeing somebody again is noted once in a while, not at each request.
_SEEN_SECONDS = 60.0

_SESSION_BY_TOKEN = Prepared(
    sa.select(
        sessions.c.id.label("session_id"),
        sessions.c.last_seen_at,
        sessions.c.expires_at,
        db_now().label("now"),
        *[column for column in accounts.c if column.name not in ("password_hash", "totp_secret", "recovery_hashes", "totp_last_step")],
    )
    .join(accounts, accounts.c.id == sessions.c.staff_id)
    .where(sessions.c.token_hash == sa.bindparam("token_hash"))
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with what it is signed in with."""

    account: Account
    password_hash: str = field(repr=False)
    totp_secret: bytes | None = field(repr=False)
    totp_last_step: int
    recovery_hashes: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredSession:
    id: StaffSessionId
    account: Account
    last_seen_at: float
    expires_at: float
    now: float

    def is_over(self, *, idle_seconds: float) -> bool:
        return self.account.is_disabled or self.now >= self.expires_at or self.now - self.last_seen_at >= idle_seconds

    @property
    def should_note(self) -> bool:
        return self.now - self.last_seen_at >= _SEEN_SECONDS


def insert_account(tx: Transaction, *, email: str, values: Mapping[str, Any]) -> Account | None:
    """None: there is one with this address."""
    # Another transaction may make the same account at this moment, which looking for it does not find.
    serialise(tx, _LOCK)
    if tx.execute(sa.select(accounts.c.id).where(accounts.c.email == email)).first() is not None:
        return None
    account_id = new_staff_id()
    defaults = {"presence": Presence.ONLINE, "totp_enabled": False, "totp_last_step": 0, "recovery_hashes": [], "created_at": _NOW}
    tx.execute(sa.insert(accounts).values(**defaults, **values, id=account_id, email=email))
    return get_account(tx.connection, account_id)


def find_account(connection: sa.Connection, staff_id: str) -> Account | None:
    row = connection.execute(sa.select(accounts).where(accounts.c.id == staff_id)).one_or_none()
    return None if row is None else to_account(row)


def get_account(connection: sa.Connection, staff_id: StaffId) -> Account:
    return to_account(connection.execute(sa.select(accounts).where(accounts.c.id == staff_id)).one())


def find_by_email(connection: sa.Connection, email: str) -> Credentials | None:
    row = connection.execute(sa.select(accounts).where(accounts.c.email == email)).one_or_none()
    return None if row is None else _to_credentials(row)


def find_by_identity(connection: sa.Connection, identity: str) -> Account | None:
    """Whose this identity at the provider is."""
    row = connection.execute(sa.select(accounts).where(accounts.c.oidc_identity == identity)).one_or_none()
    return None if row is None else to_account(row)


def link_identity(tx: Transaction, staff_id: StaffId, identity: str) -> bool:
    """Let the account be that of an identity at the provider; False: it is another's."""
    is_free = sa.or_(accounts.c.oidc_identity.is_(None), accounts.c.oidc_identity == identity)
    free = sa.update(accounts).where(accounts.c.id == staff_id, is_free)
    return tx.execute(free.values(oidc_identity=identity)).rowcount == 1


def find_credentials(connection: sa.Connection, staff_id: str) -> Credentials | None:
    row = connection.execute(sa.select(accounts).where(accounts.c.id == staff_id)).one_or_none()
    return None if row is None else _to_credentials(row)


def list_accounts(connection: sa.Connection) -> list[Account]:
    """All of them, by name."""
    return [to_account(row) for row in connection.execute(sa.select(accounts).order_by(accounts.c.name, accounts.c.id))]


def has_accounts(connection: sa.Connection) -> bool:
    """Whether anybody could sign in."""
    return connection.execute(sa.select(accounts.c.id).where(accounts.c.disabled_at.is_(None)).limit(1)).first() is not None


def lock_admins(tx: Transaction) -> set[StaffId]:
    """The administrators who can sign in; nobody else changes one of them until this transaction ends."""
    query = sa.select(accounts.c.id).where(accounts.c.role == Role.ADMIN, accounts.c.disabled_at.is_(None))
    return {StaffId(row.id) for row in tx.execute(query.order_by(accounts.c.id).with_for_update())}


def update_account(tx: Transaction, staff_id: StaffId, values: Mapping[str, Any]) -> None:
    tx.execute(sa.update(accounts).where(accounts.c.id == staff_id).values(**values))


def disable_account(tx: Transaction, staff_id: StaffId) -> None:
    update_account(tx, staff_id, {"disabled_at": _NOW})


def lock_capacity(tx: Transaction, staff_id: StaffId) -> int:
    """How many conversations somebody takes at once, 0 for who cannot sign in; nobody else asks until this transaction ends."""
    query = sa.select(accounts.c.capacity).where(accounts.c.id == staff_id, accounts.c.disabled_at.is_(None))
    return tx.execute(query.with_for_update(key_share=True)).scalar_one_or_none() or 0


def take_step(tx: Transaction, staff_id: StaffId, step: int) -> bool:
    """Note that the code of this step was used; False: it, or a later one, was used before."""
    taken = sa.update(accounts).where(accounts.c.id == staff_id, accounts.c.totp_last_step < step).values(totp_last_step=step)
    return tx.execute(taken).rowcount == 1


def insert_session(
    tx: Transaction, staff_id: StaffId, *, token_hash: str, address: str, lasts_seconds: float
) -> tuple[StaffSessionId, float]:
    """A new session and when it ends at the latest."""
    session_id = new_staff_session_id()
    now = tx.execute(sa.select(db_now())).scalar_one()
    tx.execute(
        sa.insert(sessions).values(
            token_hash=token_hash,
            id=session_id,
            staff_id=staff_id,
            address=address[:64],
            created_at=now,
            last_seen_at=now,
            expires_at=now + lasts_seconds,
        )
    )
    update_account(tx, staff_id, {"last_sign_in_at": now})
    return session_id, now + lasts_seconds


def find_session(connection: sa.Connection, token_hash: str) -> StoredSession | None:
    row = _SESSION_BY_TOKEN.one_or_none(connection, {"token_hash": token_hash})
    if row is None:
        return None
    return StoredSession(StaffSessionId(row.session_id), to_account(row), row.last_seen_at, row.expires_at, row.now)


def note_seen(tx: Transaction, session_id: StaffSessionId) -> None:
    tx.execute(sa.update(sessions).where(sessions.c.id == session_id).values(last_seen_at=_NOW))


def delete_session(tx: Transaction, session_id: StaffSessionId) -> None:
    tx.execute(sa.delete(sessions).where(sessions.c.id == session_id))


def delete_session_of_token(tx: Transaction, token_hash: str) -> None:
    tx.execute(sa.delete(sessions).where(sessions.c.token_hash == token_hash))


def delete_sessions(tx: Transaction, staff_id: StaffId, *, but: StaffSessionId | None = None) -> None:
    """Sign somebody out everywhere, or everywhere else."""
    query = sa.delete(sessions).where(sessions.c.staff_id == staff_id)
    tx.execute(query if but is None else query.where(sessions.c.id != but))


def delete_ended_sessions(tx: Transaction, *, idle_seconds: float) -> None:
    ended = sa.or_(sessions.c.expires_at <= _NOW, sessions.c.last_seen_at <= _NOW - idle_seconds)
    chosen = sa.select(sessions.c.token_hash).where(ended).limit(_MOST_ENDED_AT_ONCE)
    tx.execute(sa.delete(sessions).where(sessions.c.token_hash.in_(chosen)))


def to_account(row: Any) -> Account:
    return Account(
        id=StaffId(row.id),
        email=row.email,
        name=row.name,
        role=Role(row.role),
        skills=tuple(row.skills),
        capacity=row.capacity,
        avatar_color=row.avatar_color,
        presence=Presence(row.presence),
        # SQLite keeps 0 and 1.
        totp_enabled=bool(row.totp_enabled),
        password_is_temporary=bool(row.password_is_temporary),
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        last_sign_in_at=row.last_sign_in_at,
    )


def _to_credentials(row: Any) -> Credentials:
    return Credentials(to_account(row), row.password_hash, row.totp_secret, row.totp_last_step, tuple(row.recovery_hashes))
