"""The nouns of staff as values. None of them holds a secret."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from deskhand.ids import StaffId, StaffKeyId, StaffSessionId
from deskhand.roles import Role, Scope


class Presence(StrEnum):
    """What somebody wants to be seen as while their console is open."""

    ONLINE = "online"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Account:
    """`capacity`: conversations that may be assigned at once. `password_is_temporary`: made up by somebody else."""

    id: StaffId
    email: str
    name: str
    role: Role
    skills: tuple[str, ...]
    capacity: int
    avatar_color: str
    presence: Presence
    totp_enabled: bool
    password_is_temporary: bool
    disabled_at: float | None
    created_at: float
    last_sign_in_at: float | None

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a session's token or a key. `session_id` is `None` for a key, and so is `account`."""

    id: StaffId
    name: str
    role: Role
    scopes: frozenset[Scope]
    account: Account | None = None
    session_id: StaffSessionId | None = None

    @classmethod
    def of(cls, account: Account, *, session_id: StaffSessionId | None = None) -> Self:
        """Somebody with an account, who may do what their role may."""
        return cls(account.id, account.name, account.role, account.role.scopes, account=account, session_id=session_id)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` and `known_browser` are shown this once; times are epoch seconds."""

    account: Account
    token: str
    known_browser: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`hint` is how the key ends, for people who have several."""

    id: StaffKeyId
    name: str
    hint: str
    scopes: tuple[Scope, ...]
    created_by: str
    created_at: float
    last_used_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as the audit log names them."""

    id: StaffId
    name: str


# What nobody did by hand.
SYSTEM = Actor(StaffId("staff_system"), "Deskhand")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`at_ms` is in epoch milliseconds; `target` is the id of what it was done to."""

    seq: int
    at_ms: int
    actor: Actor
    action: str
    target: str
    details: dict[str, Any]
