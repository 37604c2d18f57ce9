"""Who asks. A session can be had only through `SessionService.access_session`, with one of these."""

import hashlib
from dataclasses import dataclass

from deskhand.ids import SessionId, StaffId
from deskhand.roles import ALL_SCOPES, Role, Scope

_HOLDER_OF_THE_SETTINGS_KEY = StaffId("staff_admin")


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Showed no token."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Holds the token of one session, and may see that one alone."""

    session_id: SessionId


@dataclass(frozen=True, slots=True)
class Staff:
    """Works for the company: a person with an account, or a program with a key. As it stands, the holder of the settings' key."""

    name: str
    id: StaffId = _HOLDER_OF_THE_SETTINGS_KEY
    role: Role = Role.ADMIN
    scopes: frozenset[Scope] = ALL_SCOPES

    def may(self, scope: Scope) -> bool:
        # Whoever may change the knowledge base may read it.
        return scope in self.scopes or (scope is Scope.KNOWLEDGE_READ and Scope.KNOWLEDGE in self.scopes)


Principal = Anonymous | Visitor | Staff


def hash_token(token: str) -> str:
    """What is stored of a token. It has 256 random bits, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
