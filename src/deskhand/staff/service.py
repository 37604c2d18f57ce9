"""Staff as `api` and `cli` see them."""

from typing import TYPE_CHECKING

from deskhand.clock import Clock
from deskhand.persistence import Database
from deskhand.roles import Role
from deskhand.staff.accounts import Accounts, NewAccount
from deskhand.staff.audit import AuditFinding, AuditLog, list_entries
from deskhand.staff.errors import AccountExists
from deskhand.staff.keyring import Keyring
from deskhand.staff.keys import Keys
from deskhand.staff.model import SYSTEM, AuditEntry
from deskhand.staff.oidc_rules import OidcRules
from deskhand.staff.parts import Parts, Revoked, StaffRules
from deskhand.staff.second_factor import SecondFactor
from deskhand.staff.signing_in import SignIn

if TYPE_CHECKING:
    from deskhand.staff.single_sign_on import SingleSignOn

FIRST_ADMIN = "admin@localhost"


class StaffService:
    def __init__(self, database: Database, *, clock: Clock, keyring: Keyring, rules: StaffRules, oidc: OidcRules | None = None) -> None:
        self.audit = AuditLog(keyring)
        self._parts = Parts(database=database, clock=clock, keyring=keyring, audit=self.audit, rules=rules)
        self.accounts = Accounts(self._parts)
        self.signing_in = SignIn(self._parts)
        self.second_factor = SecondFactor(self._parts)
        self.keys = Keys(self._parts)
        self.single_sign_on = _create_single_sign_on(self._parts, self.accounts, oidc) if oidc is not None else None

    async def close(self) -> None:
        if self.single_sign_on is not None:
            await self.single_sign_on.close()

    def on_revoked(self, listener: Revoked) -> None:
        """Call `listener` with the id of an account or key that lost something of its rights, on the event loop, once that is stored."""
        self._parts.revoked.append(listener)

    async def make_first_admin(self) -> str | None:
        """Where nobody can sign in yet, make `FIRST_ADMIN`; its password, or None where somebody can."""
        if await self.accounts.anybody():
            return None
        try:
            _, password = await self.accounts.create(NewAccount(FIRST_ADMIN, "Admin", Role.ADMIN), by=SYSTEM)
        except AccountExists:
            # Another instance was faster, or it was disabled.
            return None
        return password

    async def list_audit(self, *, before: int | None, actor: str | None, action: str | None, limit: int) -> list[AuditEntry]:
        """The newest entries first, those before the number `before`."""
        return await self._parts.database.read(
            lambda connection: list_entries(connection, before=before, actor=actor, action=action, limit=limit)
        )

    async def verify_audit(self) -> AuditFinding:
        """Read the whole log and say whether it is as it was written."""
        return await self._parts.database.read(self.audit.verify)


def _create_single_sign_on(parts: Parts, accounts: Accounts, rules: OidcRules) -> "SingleSignOn":
    # What it imports takes 0.2 s and 20 MiB that most installations do without.
    from deskhand.staff.single_sign_on import SingleSignOn  # noqa: PLC0415

    return SingleSignOn(parts, accounts, rules)
