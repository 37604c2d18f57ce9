"""Signing in at the company's identity provider: authorization code with PKCE, and whose account it is that comes back.

The invariants: only the browser that began a sign-in can end it, once begun for at most `_LASTS_SECONDS`; and an account is the provider's
person from the first time on: somebody else who is given the same e-mail address there does not get it.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import msgspec

from deskhand.persistence import Transaction
from deskhand.roles import Role
from deskhand.staff import repository
from deskhand.staff.accounts import AccountChange, Accounts, NewAccount
from deskhand.staff.errors import AccountExists, NotAdmitted, SingleSignOnFailed
from deskhand.staff.identity_provider import Begun, IdentityProvider
from deskhand.staff.model import SYSTEM, Account, Actor, SignedIn
from deskhand.staff.oidc_rules import OidcRules
from deskhand.staff.parts import Parts, normal_email
from deskhand.staff.passwords import make_password
from deskhand.staff.signing_in import Arrival, insert_session, show_signed_in
from deskhand.tokens import new_staff_token

_LASTS_SECONDS: Final = 600
_PLACE: Final = "oidc sign-in"
_LONGEST_NAME: Final = 200
_LONGEST_EMAIL: Final = 254


class _Kept(msgspec.Struct, frozen=True):
    """What the browser keeps, sealed, while its person is at the provider."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    expires_at: float


class SingleSignOn:
    def __init__(self, parts: Parts, accounts: Accounts, rules: OidcRules) -> None:
        self._parts = parts
        self._accounts = accounts
        self._rules = rules
        self._provider = IdentityProvider(rules, clock=parts.clock)

    @property
    def name(self) -> str:
        """What people call the provider."""
        return self._rules.name

    async def begin(self, redirect_uri: str) -> tuple[str, str]:
        """Where the browser goes, and what it keeps until it is back at `redirect_uri`. Raises IdentityProviderDown."""
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), redirect_uri)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).decode().rstrip("=")
        address = await self._provider.address(begun, challenge=challenge)
        kept = msgspec.json.encode({**asdict(begun), "expires_at": self._parts.clock.now() + _LASTS_SECONDS})
        return address, base64.urlsafe_b64encode(self._parts.keyring.seal(kept, place=_PLACE)).decode()

    async def end(self, answer: Mapping[str, str], kept: str | None, *, arrival: Arrival) -> SignedIn:
        """Open a session for whoever came back with `answer`, the query of the redirect, in the browser that has `kept`.

        Raises:
            SingleSignOnFailed: it is no end of a sign-in that this browser began.
            NotAdmitted: the provider knows them, and they have no account here, or none that may be used.
            LastAdmin: the provider makes the only administrator an operator.
            IdentityProviderDown.
        """
        begun = self._open(kept)
        if not hmac.compare_digest(begun.state.encode(), answer.get("state", "").encode("utf-8", "surrogatepass")):
            raise SingleSignOnFailed
        if answer.get("iss", self._rules.issuer) != self._rules.issuer or "code" not in answer:
            raise SingleSignOnFailed
        claims = await self._provider.redeem(answer["code"], begun)
        identity = hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode("utf-8", "surrogatepass")).hexdigest()
        role = self._rules.role_of(claims)
        if self._rules.roles_claim is not None and role is None:
            raise NotAdmitted("The identity provider gives you no role here.")
        # Of a password that nobody knows, for an account that is made.
        hashed = await self._parts.passwords.hash(make_password()) if self._rules.domains else ""
        token = new_staff_token()

        def open_session(tx: Transaction) -> tuple[Account, float]:
            account = self._find_account(tx, claims, identity, role=role or Role.OPERATOR, hashed=hashed)
            if account.is_disabled:
                raise NotAdmitted("Your account here is disabled.")
            if role is not None and role is not account.role:
                account = self._accounts.apply(tx, account.id, AccountChange(role=role), by=SYSTEM)
            return account, insert_session(self._parts, tx, account, token=token, arrival=arrival, by="oidc")

        try:
            account, expires_at = await self._parts.database.write(open_session)
        except AccountExists:
            # Made a moment ago, by the same person in another window: it is found now.
            account, expires_at = await self._parts.database.write(open_session)
        return show_signed_in(self._parts, account, token=token, expires_at=expires_at)

    async def close(self) -> None:
        await self._provider.close()

    def _open(self, kept: str | None) -> Begun:
        """Raises SingleSignOnFailed: this browser began nothing, or too long ago."""
        try:
            sealed = base64.urlsafe_b64decode((kept or "").encode("ascii"))
        except ValueError as error:
            raise SingleSignOnFailed from error
        opened = self._parts.keyring.open(sealed, place=_PLACE)
        if opened is None:
            raise SingleSignOnFailed("This browser has begun no sign-in.")
        found = msgspec.json.decode(opened, type=_Kept)
        if found.expires_at <= self._parts.clock.now():
            raise SingleSignOnFailed("This sign-in took too long.")
        return Begun(found.state, found.nonce, found.verifier, found.redirect_uri)

    def _find_account(self, tx: Transaction, claims: Mapping[str, Any], identity: str, *, role: Role, hashed: str) -> Account:
        """The provider's person's account: theirs, else one of their address that nobody at the provider has, else a new one.

        Raises:
            NotAdmitted.
        """
        if (known := repository.find_by_identity(tx.connection, identity)) is not None:
            return known
        email = self._email(claims)
        found = repository.find_by_email(tx.connection, email)
        if found is not None:
            account = found.account
        elif self._rules.admits(email):
            name = _name(claims) or email.partition("@")[0]
            account = self._accounts.insert(tx, NewAccount(email, name, role), hashed=hashed, is_temporary=False, by=SYSTEM)
        else:
            raise NotAdmitted
        if not repository.link_identity(tx, account.id, identity):
            raise NotAdmitted("The account of your e-mail address is somebody else's at the identity provider.")
        self._parts.audit.record(tx, Actor(account.id, account.name), "account.link_identity", target=account.id)
        return account

    def _email(self, claims: Mapping[str, Any]) -> str:
        """Raises NotAdmitted: there is none that counts."""
        told = claims.get("email")
        is_verified = claims.get("email_verified", self._rules.trusts_unverified)
        if not isinstance(told, str) or told.count("@") != 1 or len(told) > _LONGEST_EMAIL or any(not part for part in told.split("@")):
            raise NotAdmitted("The identity provider does not tell your e-mail address.")
        # Some send it as a text.
        if is_verified not in (True, "true"):
            raise NotAdmitted("The identity provider does not say that your e-mail address was verified.")
        return normal_email(told)


def _name(claims: Mapping[str, Any]) -> str | None:
    told = claims.get("name")
    if not isinstance(told, str):
        return None
    return "".join(character for character in told if character.isprintable()).strip()[:_LONGEST_NAME] or None
