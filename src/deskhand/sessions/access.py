"""Who asks. A session can be had only through `SessionService.access_session`, with one of these."""

from dataclasses import dataclass

from deskhand.ids import SessionId, StaffId
from deskhand.roles import Role, Scope


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Showed no token."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Holds the token of one session, and may see that one alone."""

    session_id: SessionId


@dataclass(frozen=True, slots=True)
class Staff:
    """Works for the company: a person with an account, or a program with a key."""

    name: str
    id: StaffId
    role: Role
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        # Whoever may change the knowledge base may read it.
        return scope in self.scopes or (scope is Scope.KNOWLEDGE_READ and Scope.KNOWLEDGE in self.scopes)


Principal = Anonymous | Visitor | Staff
