"""Who works here: accounts, sessions, keys of programs, and the log of what they did."""

from deskhand.staff.accounts import AccountChange, NewAccount
from deskhand.staff.audit import AuditFinding, AuditLog
from deskhand.staff.keyring import Keyring
from deskhand.staff.model import SYSTEM, Account, Actor, ApiKey, AuditEntry, Caller, Presence, SignedIn
from deskhand.staff.oidc_rules import OidcRules
from deskhand.staff.parts import StaffRules
from deskhand.staff.service import FIRST_ADMIN, StaffService
from deskhand.staff.signing_in import Arrival, Attempt

__all__ = [
    "FIRST_ADMIN",
    "SYSTEM",
    "Account",
    "AccountChange",
    "Actor",
    "ApiKey",
    "Arrival",
    "Attempt",
    "AuditEntry",
    "AuditFinding",
    "AuditLog",
    "Caller",
    "Keyring",
    "NewAccount",
    "OidcRules",
    "Presence",
    "SignedIn",
    "StaffRules",
    "StaffService",
]
