"""Setting up the codes of an authenticator app, and switching them off.

The invariant: codes count only once one of them was shown back, so nobody locks themselves out with an app that was never set up.
"""

from dataclasses import dataclass

from deskhand.persistence import Transaction
from deskhand.staff import repository, totp
from deskhand.staff.errors import TotpConflict, WrongCode
from deskhand.staff.model import Account, Actor
from deskhand.staff.parts import Parts
from deskhand.staff.signing_in import open_totp_secret, place_of


@dataclass(frozen=True, slots=True)
class TotpSetUp:
    """Shown this once: the secret in Base32, and the same as an `otpauth:` address."""

    secret: str
    address: str


class SecondFactor:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def begin(self, account: Account) -> TotpSetUp:
        """Make a secret. It counts once `confirm` has seen a code of it. Raises TotpConflict: codes are on."""
        secret = totp.new_secret()
        sealed = self._parts.keyring.seal(secret, place=place_of(account.id))

        def keep(tx: Transaction) -> None:
            if repository.get_account(tx.connection, account.id).totp_enabled:
                raise TotpConflict("Codes are on already.", support="Switch them off first.")
            repository.update_account(tx, account.id, {"totp_secret": sealed})

        await self._parts.database.write(keep)
        return TotpSetUp(totp.shown(secret), totp.address(secret, account=account.email, issuer=self._parts.rules.issuer))

    async def confirm(self, account: Account, code: str) -> list[str]:
        """Switch codes on; returns the recovery codes, which are shown this once. Raises WrongCode, TotpConflict."""
        codes = totp.new_recovery_codes()

        def switch_on(tx: Transaction) -> None:
            found = repository.find_credentials(tx.connection, account.id)
            secret = open_totp_secret(self._parts, found) if found is not None else None
            if found is None or secret is None or found.account.totp_enabled:
                raise TotpConflict("Nothing waits to be confirmed.", support="Begin with 'POST /staff/totp'.")
            step = totp.find_step(secret, code, now=self._parts.clock.now(), after=found.totp_last_step)
            if step is None or not repository.take_step(tx, account.id, step):
                raise WrongCode
            hashes = [totp.hash_recovery_code(text) for text in codes]
            repository.update_account(tx, account.id, {"totp_enabled": True, "recovery_hashes": hashes})
            self._parts.audit.record(tx, Actor(account.id, account.name), "account.totp_on", target=account.id)

        await self._parts.database.write(switch_on)
        return codes

    async def switch_off(self, account: Account) -> None:
        """Let the password be enough again. Raises TotpConflict: it is."""

        def switch_off(tx: Transaction) -> None:
            if not repository.get_account(tx.connection, account.id).totp_enabled:
                raise TotpConflict("Codes are off.")
            repository.update_account(tx, account.id, {"totp_secret": None, "totp_enabled": False, "recovery_hashes": []})
            self._parts.audit.record(tx, Actor(account.id, account.name), "account.totp_off", target=account.id)

        await self._parts.database.write(switch_off)
