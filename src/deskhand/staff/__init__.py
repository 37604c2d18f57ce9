"""Who works here: accounts, sessions, keys of programs, and the log of what they did."""

from deskhand.staff.accounts import AccountChange, NewAccount
from deskhand.staff.audit import AuditFinding, AuditLog
from deskhand.staff.keyring import Keyring
from deskhand.staff.model import Account, Actor, ApiKey, AuditEntry, Caller, Presence, SignedIn
from deskhand.staff.parts import StaffRules
from deskhand.staff.service import FIRST_ADMIN, SYSTEM, StaffService
from deskhand.staff.signing_in import Attempt

__all__ = [
    "FIRST_ADMIN",
    "SYSTEM",
    "Account",
    "AccountChange",
    "Actor",
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "AuditFinding",
    "AuditLog",
    "Caller",
    "Keyring",
    "NewAccount",
    "Presence",
    "SignedIn",
    "StaffRules",
    "StaffService",
]
