"""How the company's identity provider (OpenID Connect) is asked, and whom of those it knows this server lets in. Pure.

The invariant: nobody gets an account, or a role, that the settings do not name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deskhand.roles import Role


@dataclass(frozen=True, slots=True)
class OidcRules:
    """`name` is what people call the provider. `trusts_unverified`: an e-mail address counts although the provider does not say that it
    was verified. `domains`: whose addresses get an account when they first sign in. `roles_claim` is the claim, parts joined by dots,
    that gives the role; None leaves it as the account has it."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    name: str = "Single sign-on"
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    trusts_unverified: bool = False
    domains: frozenset[str] = frozenset()
    roles_claim: str | None = None
    admin_roles: frozenset[str] = frozenset()
    operator_roles: frozenset[str] = frozenset()

    def admits(self, email: str) -> bool:
        """Whether an account is made for somebody of this address (as `normal_email` writes it)."""
        return email.rpartition("@")[2] in self.domains

    def role_of(self, claims: Mapping[str, Any]) -> Role | None:
        """The role that the claims give; None: they give none."""
        found: Any = claims
        for part in (self.roles_claim or "").split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        named = {found} if isinstance(found, str) else {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()
        if named & self.admin_roles:
            return Role.ADMIN
        return Role.OPERATOR if named & self.operator_roles else None
