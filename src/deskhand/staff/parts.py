"""What the pieces of this package share."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from deskhand.clock import Clock
from deskhand.ids import StaffId
from deskhand.persistence import Database, Transaction
from deskhand.staff.audit import AuditLog
from deskhand.staff.keyring import Keyring
from deskhand.staff.passwords import Passwords

Revoked = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StaffRules:
    """`idle_seconds`: how long a session lasts that nobody uses. `issuer`: what authenticator apps name the account after."""

    idle_seconds: float
    session_seconds: float
    issuer: str


@dataclass(frozen=True, slots=True)
class Parts:
    database: Database
    clock: Clock
    keyring: Keyring
    audit: AuditLog
    rules: StaffRules
    passwords: Passwords = field(default_factory=Passwords)
    revoked: list[Revoked] = field(default_factory=list)

    def tell_revoked(self, tx: Transaction, staff_id: StaffId | str) -> None:
        """Once this is committed, tell whoever holds a connection open for this account or key to look again."""
        for listener in self.revoked:
            tx.after_commit(partial(listener, str(staff_id)))


def normal_email(email: str) -> str:
    """One spelling of an address, whatever case and form of Unicode it is typed in."""
    return unicodedata.normalize("NFKC", email).strip().casefold()
