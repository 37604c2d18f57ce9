"""What a company's own site says of a customer, in a signed token (RFC 7519), and the one check of it.

The invariant: the key of the settings decides the algorithm, never the token; and a token that fails any check says nothing about anybody.
"""

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deskhand.errors import ConfigurationError
from deskhand.ids import UserId
from deskhand.sessions.errors import UserTokenRefused

# jwt and cryptography are loaded where a company has set a key: 19 MiB that other installations do without.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LONGEST_LIFE_SECONDS = 3_600
SHORTEST_SECRET_BYTES = 32
_CLOCK_SKEW_SECONDS = 60
_LONGEST_TOKEN_CHARACTERS = 4_096
_LONGEST_USER_ID = 200
_LONGEST_TOKEN_ID = 200
_LONGEST_WORD = 200
_PEM = "-----BEGIN PUBLIC KEY-----"
_CLAIMS = ["exp", "iat", "sub", "aud", "jti"]


@dataclass(frozen=True, slots=True)
class UserClaims:
    """Who the customer is. `token_id` and `expires_at` (epoch seconds) are the token's, which counts once."""

    user_id: UserId
    name: str | None
    email: str | None
    token_id: str
    expires_at: float


class UserTokenVerifier:
    """Checks tokens that were signed with the company's secret (HS256), or with the private half of its Ed25519 key (EdDSA)."""

    def __init__(self, key: str, *, audience: str) -> None:
        """`key`: the secret, of 32 bytes or more, or the public key as PEM.

        Raises:
            ConfigurationError: it is neither.
        """
        self._audience = audience
        self._key: str | Ed25519PublicKey
        if key.lstrip().startswith("-----"):
            self._key, self._algorithm = _read_public_key(key.strip()), "EdDSA"
        elif len(key.encode()) < SHORTEST_SECRET_BYTES:
            raise ConfigurationError(
                f"DESKHAND_WIDGET_SECRET is shorter than {SHORTEST_SECRET_BYTES} bytes.", support="Make one with 'openssl rand -base64 48'."
            )
        else:
            self._key, self._algorithm = key, "HS256"

    def verify(self, token: str, *, now: float) -> UserClaims:
        """Raises UserTokenRefused: it is not one of ours, not for us, or not valid at `now` (epoch seconds)."""
        if len(token) > _LONGEST_TOKEN_CHARACTERS:
            raise UserTokenRefused("The token is too long.")
        import jwt  # noqa: PLC0415 - see above

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                audience=self._audience,
                # Times are checked below, by the clock that everything here goes by. An audience is one word: a list would be a token
                # that is good for somebody else as well.
                options={
                    "require": _CLAIMS,
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except (jwt.PyJWTError, UnicodeError) as error:
            raise UserTokenRefused from error
        expires_at = _check_times(claims, now=now)
        return UserClaims(
            user_id=UserId(_identifier(claims["sub"], name="sub", longest=_LONGEST_USER_ID)),
            name=_word(claims, "name"),
            email=_word(claims, "email"),
            token_id=_identifier(claims["jti"], name="jti", longest=_LONGEST_TOKEN_ID),
            expires_at=expires_at,
        )


def _read_public_key(pem: str) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - see above

    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise ConfigurationError("DESKHAND_WIDGET_SECRET is not a key that can be read.", support=f"It begins with '{_PEM}'.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError("DESKHAND_WIDGET_SECRET is a key of another kind than Ed25519.", support="Make one with Ed25519.")
    return key


def _check_times(claims: dict[str, Any], *, now: float) -> float:
    expires_at, issued_at = _seconds(claims["exp"]), _seconds(claims["iat"])
    if expires_at <= now:
        raise UserTokenRefused("The token has expired.")
    if issued_at > now + _CLOCK_SKEW_SECONDS or _seconds(claims.get("nbf", 0)) > now + _CLOCK_SKEW_SECONDS:
        raise UserTokenRefused("The token is not valid yet.")
    if expires_at - issued_at > LONGEST_LIFE_SECONDS or expires_at - now > LONGEST_LIFE_SECONDS + _CLOCK_SKEW_SECONDS:
        raise UserTokenRefused("The token is valid for longer than an hour.")
    return expires_at


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise UserTokenRefused("A time in the token is not a number of seconds.")
    return float(value)


def _identifier(value: Any, *, name: str, longest: int) -> str:
    """An id that cannot be mistaken for another one: no blanks around it, nothing invisible in it, one way to write it (NFKC)."""
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise UserTokenRefused(f"The token's '{name}' is not a text of 1 to {longest} characters.")
    invisible = any(unicodedata.category(character).startswith(("C", "Z")) and character != " " for character in value)
    if invisible or value != value.strip() or unicodedata.normalize("NFKC", value) != value:
        raise UserTokenRefused(f"The token's '{name}' can be mistaken for another one.")
    return value


def _word(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_WORD or any(unicodedata.category(character) == "Cc" for character in value):
        raise UserTokenRefused(f"The token's '{name}' is not a text of at most {_LONGEST_WORD} characters.")
    return value.strip() or None
