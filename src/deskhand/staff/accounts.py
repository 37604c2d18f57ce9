"""Accounts: who works here and as what. Who may change them is for `api` to say.

The invariant: there is always an administrator who can sign in, once there was one; and whatever makes an account less than it was ends its
sessions in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deskhand.ids import StaffSessionId
from deskhand.persistence import Transaction
from deskhand.roles import Role
from deskhand.staff import repository
from deskhand.staff.errors import AccountExists, AccountNotFound, LastAdmin, WrongPassword
from deskhand.staff.model import Account, Actor, Caller, Presence
from deskhand.staff.parts import Parts, normal_email
from deskhand.staff.passwords import check_password, make_password

_COLORS = ("#4f6bed", "#0e7490", "#15803d", "#a16207", "#b45309", "#be123c", "#7e22ce", "#475569")
_CAPACITY = 5


@dataclass(frozen=True, slots=True)
class NewAccount:
    email: str
    name: str
    role: Role
    skills: tuple[str, ...] = ()
    capacity: int = _CAPACITY
    # None: one is made up, to be changed by the person.
    password: str | None = None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What is `None` stays."""

    name: str | None = None
    role: Role | None = None
    skills: tuple[str, ...] | None = None
    capacity: int | None = None
    disabled: bool | None = None

    def values(self) -> dict[str, Any]:
        """What is set, but for `disabled`."""
        given = {"name": self.name, "role": self.role, "capacity": self.capacity}
        skills = {} if self.skills is None else {"skills": list(self.skills)}
        return {name: value for name, value in given.items() if value is not None} | skills


class Accounts:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create(self, wanted: NewAccount, *, by: Actor) -> tuple[Account, str | None]:
        """The new account, and its password where one was made up.

        Raises:
            AccountExists, PasswordRefused, SignInBusy.
        """
        email = normal_email(wanted.email)
        made = make_password() if wanted.password is None else None
        if wanted.password is not None:
            check_password(wanted.password, email=email)
        hashed = await self._parts.passwords.hash(made or wanted.password or "")

        account = await self._parts.database.write(lambda tx: self.insert(tx, wanted, hashed=hashed, is_temporary=made is not None, by=by))
        return account, made

    def insert(self, tx: Transaction, wanted: NewAccount, *, hashed: str, is_temporary: bool, by: Actor) -> Account:
        """The account as a row; `hashed` is of its password, which the person should change where it `is_temporary`.

        Raises:
            AccountExists.
        """
        email = normal_email(wanted.email)
        account = repository.insert_account(
            tx,
            email=email,
            values={
                "name": wanted.name,
                "role": wanted.role,
                "skills": list(wanted.skills),
                "capacity": wanted.capacity,
                "avatar_color": _color_of(email),
                "password_hash": hashed,
                "password_is_temporary": is_temporary,
            },
        )
        if account is None:
            raise AccountExists
        details = {"email": email, "role": wanted.role}
        self._parts.audit.record(tx, by, "account.create", target=account.id, details=details)
        return account

    async def list(self) -> Sequence[Account]:
        """All of them, by name, those that are disabled too."""
        return await self._parts.database.read(repository.list_accounts)

    async def get(self, staff_id: str) -> Account:
        """Raises AccountNotFound."""
        found = await self._parts.database.read(lambda connection: repository.find_account(connection, staff_id))
        if found is None:
            raise AccountNotFound
        return found

    async def find_by_email(self, email: str) -> Account | None:
        found = await self._parts.database.read(lambda connection: repository.find_by_email(connection, normal_email(email)))
        return None if found is None else found.account

    async def anybody(self) -> bool:
        """Whether there is an account that can sign in."""
        return await self._parts.database.read(repository.has_accounts)

    async def change(self, staff_id: str, wanted: AccountChange, *, by: Actor) -> Account:
        """Set what an administrator may set. Another role, and being disabled, sign the person out everywhere.

        Raises:
            AccountNotFound; LastAdmin: nobody else could do this again.
        """

        return await self._parts.database.write(lambda tx: self.apply(tx, staff_id, wanted, by=by))

    def apply(self, tx: Transaction, staff_id: str, wanted: AccountChange, *, by: Actor) -> Account:
        """As `change`, in an open transaction."""
        admins = repository.lock_admins(tx)
        before = repository.find_account(tx.connection, staff_id)
        if before is None:
            raise AccountNotFound
        loses_admin = wanted.disabled or (wanted.role is not None and wanted.role is not Role.ADMIN)
        if loses_admin and admins == {before.id}:
            raise LastAdmin
        return self._apply(tx, before, wanted, by=by)

    def _apply(self, tx: Transaction, before: Account, wanted: AccountChange, *, by: Actor) -> Account:
        repository.update_account(tx, before.id, {**wanted.values(), "disabled_at": before.disabled_at})
        if wanted.disabled and not before.is_disabled:
            repository.disable_account(tx, before.id)
        elif wanted.disabled is False:
            repository.update_account(tx, before.id, {"disabled_at": None})
        after = repository.get_account(tx.connection, before.id)
        if after == before:
            return after
        if after.is_disabled or after.role is not before.role:
            repository.delete_sessions(tx, after.id)
            self._parts.tell_revoked(tx, after.id)
        self._parts.audit.record(tx, by, "account.change", target=after.id, details=_difference(before, after))
        return after

    async def reset_password(self, staff_id: str, *, by: Actor, without_totp: bool = False) -> str:
        """A new password, which is returned this once. The person is signed out everywhere, and whom the identity provider knows by their
        address next is taken for them. `without_totp` switches codes off, too.

        Raises:
            AccountNotFound, SignInBusy.
        """
        password = make_password()
        hashed = await self._parts.passwords.hash(password)
        off: dict[str, Any] = {"totp_secret": None, "totp_enabled": False, "recovery_hashes": []} if without_totp else {}

        def reset(tx: Transaction) -> None:
            account = repository.find_account(tx.connection, staff_id)
            if account is None:
                raise AccountNotFound
            repository.update_account(
                tx, account.id, {"password_hash": hashed, "password_is_temporary": True, "oidc_identity": None, **off}
            )
            repository.delete_sessions(tx, account.id)
            self._parts.tell_revoked(tx, account.id)
            details = {"without_totp": without_totp}
            self._parts.audit.record(tx, by, "account.reset_password", target=account.id, details=details)

        await self._parts.database.write(reset)
        return password

    async def change_own(self, account: Account, *, name: str | None, presence: Presence | None) -> Account:
        """What somebody sets of themselves. That they are away is no matter for the log."""

        def apply(tx: Transaction) -> Account:
            given = {"name": name, "presence": presence}
            values = {key: value for key, value in given.items() if value is not None}
            if values:
                repository.update_account(tx, account.id, values)
            after = repository.get_account(tx.connection, account.id)
            if after.name != account.name:
                actor = Actor(account.id, after.name)
                self._parts.audit.record(tx, actor, "account.change", target=account.id, details=_difference(account, after))
            return after

        return await self._parts.database.write(apply)

    async def change_password(self, caller: Caller, account: Account, *, current: str, new: str) -> None:
        """Set one's own password; every other session of the account ends.

        Raises:
            WrongPassword, PasswordRefused, SignInBusy.
        """
        await self.check_current(account, current)
        check_password(new, email=account.email)
        hashed = await self._parts.passwords.hash(new)
        session_id: StaffSessionId | None = caller.session_id

        def change(tx: Transaction) -> None:
            repository.update_account(tx, account.id, {"password_hash": hashed, "password_is_temporary": False})
            repository.delete_sessions(tx, account.id, but=session_id)
            self._parts.tell_revoked(tx, account.id)
            self._parts.audit.record(tx, Actor(account.id, account.name), "account.change_password", target=account.id)

        await self._parts.database.write(change)

    async def check_current(self, account: Account, password: str) -> None:
        """Raises WrongPassword, SignInBusy."""
        found = await self._parts.database.read(lambda connection: repository.find_credentials(connection, account.id))
        if not await self._parts.passwords.verify(found.password_hash if found is not None else None, password):
            raise WrongPassword


def _difference(before: Account, after: Account) -> dict[str, Any]:
    """What an administrator changed, as the log keeps it: the new values."""
    fields = {"name": after.name, "role": after.role, "skills": list(after.skills), "capacity": after.capacity}
    old = {"name": before.name, "role": before.role, "skills": list(before.skills), "capacity": before.capacity}
    changed = {name: value for name, value in fields.items() if value != old[name]}
    return changed | ({"disabled": after.is_disabled} if after.is_disabled != before.is_disabled else {})


def _color_of(email: str) -> str:
    return _COLORS[sum(email.encode()) % len(_COLORS)]
