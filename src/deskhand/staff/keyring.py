"""The installation's own keys for staff: what codes the audit log, seals what makes sign-in codes, and marks known browsers.

The invariant: all are derived from one secret per installation, `DESKHAND_SECRET_KEY` or a file in the data folder, each for one use. A
secret that is replaced still opens and verifies what it made as long as it is in the file.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from deskhand.sealing import SealBroken, Sealer

_ID_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class MacKey:
    """`id` says which key it is, and nothing about it."""

    id: str
    secret: bytes = field(repr=False)

    def mac(self, text: bytes) -> str:
        return hmac.digest(self.secret, text, hashlib.sha256).hex()


class Keyring:
    def __init__(self, secrets: Sequence[bytes]) -> None:
        """`secrets` are at least one, the one that is used for new things first."""
        self._audit = [_mac_key(secret, b"audit") for secret in secrets]
        self._browsers = [_derive(secret, b"browsers") for secret in secrets]
        self._sealer = Sealer([base64.b64encode(_derive(secret, b"sealing")).decode() for secret in secrets])

    @property
    def audit(self) -> MacKey:
        return self._audit[0]

    def find_audit(self, key_id: str) -> MacKey | None:
        return next((key for key in self._audit if key.id == key_id), None)

    def seal(self, value: bytes, *, place: str) -> bytes:
        return self._sealer.seal(value, place=place)

    def open(self, sealed: bytes, *, place: str) -> bytes | None:
        """What was sealed for this place; None when none of our keys did."""
        try:
            return self._sealer.open(sealed, place=place)
        except SealBroken:
            return None

    def mark_browser(self, staff_id: str, nonce: str) -> str:
        """What a browser keeps that this person signed in with: `<nonce>.<code>`."""
        return f"{nonce}.{_browser_code(self._browsers[0], staff_id, nonce)}"

    def knows_browser(self, staff_id: str, mark: str) -> bool:
        """Whether `mark` was made for this person."""
        nonce, _, code = mark.partition(".")
        given = code.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(_browser_code(key, staff_id, nonce).encode(), given) for key in self._browsers)


def _derive(secret: bytes, use: bytes) -> bytes:
    return hmac.digest(secret, b"deskhand staff " + use, hashlib.sha256)


def _mac_key(secret: bytes, use: bytes) -> MacKey:
    key = _derive(secret, use)
    return MacKey(hashlib.sha256(b"id of " + key).hexdigest()[:_ID_CHARACTERS], key)


def _browser_code(key: bytes, staff_id: str, nonce: str) -> str:
    return hmac.digest(key, f"{staff_id}\n{nonce}".encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
