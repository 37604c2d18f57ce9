"""Signing in and out, and who holds a session's token.

The invariant: a session is good as long as its row is there, its account is not disabled, and it is neither idle nor old for too long; that
is looked up for each request, so what ends a session is a change of these rows and nothing else.
"""

import secrets
from dataclasses import dataclass

from deskhand.ids import StaffId
from deskhand.persistence import Transaction
from deskhand.staff import repository, throttle, totp
from deskhand.staff.errors import CodeRequired, SignInFailed
from deskhand.staff.model import Account, Actor, Caller, SignedIn
from deskhand.staff.parts import Parts, normal_email
from deskhand.staff.repository import Credentials
from deskhand.tokens import hash_token, new_staff_token


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where somebody signs in: their address, and the token of a session that this browser still has, and that ends."""

    address: str
    replaced_token: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody shows to sign in. `known_browser` is what an earlier sign-in left in this browser."""

    email: str
    password: str
    code: str | None
    arrival: Arrival
    known_browser: str | None = None


class SignIn:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def sign_in(self, attempt: Attempt) -> SignedIn:
        """Open a session.

        Raises:
            SignInFailed: for whatever reason; CodeRequired: the password is right, and the account wants a code as well.
            TooManySignIns, SignInBusy: not now.
        """
        email = normal_email(attempt.email)
        database, passwords = self._parts.database, self._parts.passwords
        found = await database.read(lambda connection: repository.find_by_email(connection, email))
        buckets = throttle.buckets_of(email, address=attempt.arrival.address, known_browser=self._known_browser(found, attempt))
        await database.write(lambda tx: throttle.begin_attempt(tx, buckets))
        right = await passwords.verify(found.password_hash if found is not None else None, attempt.password)
        if not right or found is None or found.account.is_disabled:
            raise SignInFailed
        if found.account.totp_enabled and attempt.code is None:
            await database.write(lambda tx: throttle.take_back(tx, buckets))
            raise CodeRequired
        rehashed = await passwords.hash(attempt.password) if passwords.is_outdated(found.password_hash) else None
        token = new_staff_token()

        def open_session(tx: Transaction) -> float:
            current = repository.find_credentials(tx.connection, found.account.id)
            # The password may have been changed while it was looked at.
            if current is None or current.account.is_disabled or current.password_hash != found.password_hash:
                raise SignInFailed
            if current.account.totp_enabled:
                self._take_code(tx, current, attempt.code)
            throttle.succeed(tx, buckets)
            if rehashed is not None:
                repository.update_account(tx, current.account.id, {"password_hash": rehashed})
            return insert_session(self._parts, tx, current.account, token=token, arrival=attempt.arrival)

        expires_at = await database.write(open_session)
        return show_signed_in(self._parts, found.account, token=token, expires_at=expires_at)

    async def authenticate(self, token: str) -> Caller | None:
        """Who holds this token; None when nobody does (any more)."""
        token_hash = hash_token(token)
        session = await self._parts.database.read(lambda connection: repository.find_session(connection, token_hash))
        if session is None or session.is_over(idle_seconds=self._parts.rules.idle_seconds):
            return None
        if session.should_note:
            await self._parts.database.write(lambda tx: repository.note_seen(tx, session.id), durable=False)
        return Caller.of(session.account, session_id=session.id)

    async def sign_out(self, caller: Caller) -> None:
        """End the caller's session. A caller with a key has none, and stays as they are."""
        session_id = caller.session_id
        if session_id is None:
            return

        def end(tx: Transaction) -> None:
            repository.delete_session(tx, session_id)
            self._parts.tell_revoked(tx, caller.id)
            self._parts.audit.record(tx, Actor(caller.id, caller.name), "staff.sign_out", target=session_id)

        await self._parts.database.write(end)

    def _known_browser(self, found: Credentials | None, attempt: Attempt) -> str | None:
        mark = attempt.known_browser
        if found is None or mark is None or not self._parts.keyring.knows_browser(found.account.id, mark):
            return None
        return mark

    def _take_code(self, tx: Transaction, found: Credentials, code: str | None) -> None:
        """Use up a code. Raises SignInFailed: it is not one, or was used before."""
        if code is None:
            raise SignInFailed
        staff_id = found.account.id
        secret = open_totp_secret(self._parts, found)
        step = totp.find_step(secret, code, now=self._parts.clock.now(), after=found.totp_last_step) if secret is not None else None
        if step is not None:
            if not repository.take_step(tx, staff_id, step):
                raise SignInFailed
            return
        used = totp.hash_recovery_code(code)
        if used not in found.recovery_hashes:
            raise SignInFailed
        left = [known for known in found.recovery_hashes if known != used]
        repository.update_account(tx, staff_id, {"recovery_hashes": left})
        actor = Actor(staff_id, found.account.name)
        self._parts.audit.record(tx, actor, "staff.recovery_code", target=staff_id, details={"left": len(left)})


def insert_session(parts: Parts, tx: Transaction, account: Account, *, token: str, arrival: Arrival, by: str = "password") -> float:
    """Let `token` be the account's from here on, and say so in the log; returns when it ends (epoch seconds). The last thing that the
    transaction does."""
    repository.delete_ended_sessions(tx, idle_seconds=parts.rules.idle_seconds)
    if arrival.replaced_token is not None:
        repository.delete_session_of_token(tx, hash_token(arrival.replaced_token))
    lasts = parts.rules.session_seconds
    session_id, expires_at = repository.insert_session(
        tx, account.id, token_hash=hash_token(token), address=arrival.address, lasts_seconds=lasts
    )
    details = {"address": arrival.address, "by": by}
    parts.audit.record(tx, Actor(account.id, account.name), "staff.sign_in", target=session_id, details=details)
    return expires_at


def show_signed_in(parts: Parts, account: Account, *, token: str, expires_at: float) -> SignedIn:
    mark = parts.keyring.mark_browser(account.id, secrets.token_urlsafe(16))
    return SignedIn(account=account, token=token, known_browser=mark, expires_at=expires_at)


def place_of(staff_id: StaffId) -> str:
    """What the secret of an account's codes is sealed for."""
    return f"staff totp {staff_id}"


def open_totp_secret(parts: Parts, found: Credentials) -> bytes | None:
    """What makes the codes of an account; None where there is nothing, or no key of ours opens it."""
    return None if found.totp_secret is None else parts.keyring.open(found.totp_secret, place=place_of(found.account.id))
