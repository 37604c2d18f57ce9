"""What people of the company, and programs with a key, may do. The invariant: every right is a scope, and a role is a set of scopes."""

from enum import StrEnum


class Scope(StrEnum):
    # Read all conversations, and work on them.
    DESK = "desk"
    # Open conversations in the name of customers, and speak in them.
    SESSIONS = "sessions"
    # Read the knowledge base and its jobs, whatever the audience of a document is.
    KNOWLEDGE_READ = "knowledge:read"
    # Change it.
    KNOWLEDGE = "knowledge"
    # Accounts, keys, the audit log, settings, and deleting for good.
    STAFF = "staff"


class Role(StrEnum):
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def scopes(self) -> frozenset[Scope]:
        return ALL_SCOPES if self is Role.ADMIN else _OF_OPERATORS


ALL_SCOPES = frozenset(Scope)
_OF_OPERATORS = frozenset({Scope.DESK, Scope.KNOWLEDGE_READ})
