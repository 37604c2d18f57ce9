"""Codes of authenticator apps (RFC 6238: SHA-1, six digits, 30 seconds), and the recovery codes for when the device is lost.

The invariant is the caller's to keep with `find_step`: a step whose code was taken, and every one before it, is never taken again.
"""

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

_DIGITS = 6
_STEP_SECONDS = 30
# Steps that a device's clock may be off, either way.
_DRIFT = 1
_SECRET_BYTES = 20
_RECOVERY_CODES = 10
_RECOVERY_BYTES = 10


def new_secret() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Base32, for typing it into an app."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, *, account: str, issuer: str) -> str:
    """The `otpauth:` address that apps read from a QR code."""
    parameters = urlencode({"secret": shown(secret), "issuer": issuer, "algorithm": "SHA1", "digits": _DIGITS, "period": _STEP_SECONDS})
    return f"otpauth://totp/{quote(f'{issuer}:{account}', safe='')}?{parameters}"


def code_of(secret: bytes, step: int) -> str:
    """The code of the `step`th 30 seconds since the epoch (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def find_step(secret: bytes, code: str, *, now: float, after: int) -> int | None:
    """The step later than `after` whose code this is, at most 30 seconds off `now`; None when there is none."""
    digits = "".join(code.split())
    current = int(now // _STEP_SECONDS)
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        if step > after and hmac.compare_digest(code_of(secret, step), digits.encode("ascii", "replace").decode()):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Codes of 80 random bits, each good for one time."""
    texts = [base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(_RECOVERY_CODES)]
    return ["-".join(text[at : at + 4] for at in range(0, len(text), 4)) for text in texts]


def hash_recovery_code(code: str) -> str:
    """What is stored of one, however it is typed: 80 random bits cannot be searched."""
    plain = "".join(character for character in code.casefold() if character.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
