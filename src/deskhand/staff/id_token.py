"""The one check of an ID token (OpenID Connect Core 1.0, section 3.1.3.7). Pure but for the loading of keys.

The invariant: only asymmetric algorithms are taken, with a key that the provider publishes; and a token that fails any check says nothing
about anybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt

_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
_REQUIRED: Final = ["iss", "sub", "aud", "exp", "iat", "nonce"]
_SKEW_SECONDS: Final = 60
_LONGEST_SUBJECT: Final = 255
_LONGEST_TOKEN: Final = 65_536


class IdTokenRefused(Exception):
    """The token proves nothing; the text says why, for the log."""


class KeyUnknown(IdTokenRefused):
    """It was signed with a key that is not among those that were given."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: who issued it, for whom, and of which sign-in it is."""

    issuer: str
    client_id: str
    nonce: str


def read_claims(token: str, keys: Sequence[Mapping[str, Any]], *, expected: Expected, now: float) -> dict[str, Any]:
    """What the token says. `keys` are JSON Web Keys; `now` in epoch seconds.

    Raises:
        KeyUnknown: with other keys it may be right.
        IdTokenRefused: it is not.
    """
    if len(token) > _LONGEST_TOKEN:
        raise IdTokenRefused("it is too long")
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in _ALGORITHMS:
            raise IdTokenRefused(f"its algorithm {algorithm!r} is not taken")
        key = _find_key(keys, header.get("kid"), algorithm)
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(dict(key), algorithm=algorithm).key,
            algorithms=[algorithm],
            audience=expected.client_id,
            issuer=expected.issuer,
            # Times are checked below, by the clock that everything here goes by.
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except (jwt.PyJWTError, UnicodeError, ValueError) as error:
        raise IdTokenRefused(f"{type(error).__name__}: {error}") from error
    _check(claims, expected=expected, now=now)
    return claims


def _find_key(keys: Sequence[Mapping[str, Any]], key_id: Any, algorithm: str) -> Mapping[str, Any]:
    """Raises KeyUnknown."""
    suited = [key for key in keys if key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm and key.get("kty") != "oct"]
    found = [key for key in suited if key_id is None or key.get("kid") == key_id]
    # Without an id there may be one key only: trying them all would take any.
    if not found or (key_id is None and len(found) > 1):
        raise KeyUnknown(f"its key {key_id!r} is not known")
    return found[0]


def _check(claims: Mapping[str, Any], *, expected: Expected, now: float) -> None:
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
        raise IdTokenRefused("it is for several, and does not say for whom of them it was made")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise IdTokenRefused("it was made for somebody else")
    if claims["nonce"] != expected.nonce:
        raise IdTokenRefused("it is of another sign-in")
    if _seconds(claims["exp"]) <= now - _SKEW_SECONDS:
        raise IdTokenRefused("it has expired")
    if max(_seconds(claims["iat"]), _seconds(claims.get("nbf", 0))) > now + _SKEW_SECONDS:
        raise IdTokenRefused("it is not valid yet")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise IdTokenRefused("it does not say whom it is about")


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IdTokenRefused("a time in it is not a number")
    return float(value)
