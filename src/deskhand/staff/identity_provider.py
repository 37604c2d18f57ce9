"""The company's identity provider over HTTP: what it says of itself, its keys, and codes that are turned into tokens.

The invariant: no exception of aiohttp leaves this module; what the provider says of itself is believed under the issuer of the settings
alone; and nobody can make this server ask for the keys more often than once in `_KEYS_AGAIN_SECONDS`.
"""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from deskhand.clock import Clock
from deskhand.staff.errors import IdentityProviderDown, SingleSignOnFailed
from deskhand.staff.id_token import Expected, IdTokenRefused, KeyUnknown, read_claims
from deskhand.staff.oidc_rules import OidcRules

T = TypeVar("T")

_SECONDS: Final = 8.0
_LARGEST_BYTES: Final = 1_000_000
_FRESH_SECONDS: Final = 3_600.0
_KEYS_AGAIN_SECONDS: Final = 5.0
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


class _Metadata(msgspec.Struct, frozen=True):
    """What is used of OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Keys(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun, kept in the browser until it comes back. All but `redirect_uri` are secrets of this one sign-in."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str


class IdentityProvider:
    def __init__(self, rules: OidcRules, *, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._http: aiohttp.ClientSession | None = None
        self._asking = asyncio.Lock()
        self._metadata: _Metadata | None = None
        self._metadata_at = 0.0
        self._keys: list[dict[str, Any]] | None = None
        self._keys_at = 0.0

    async def address(self, begun: Begun, *, challenge: str) -> str:
        """Where a browser is sent to sign in. `challenge` is the SHA-256 of the verifier (RFC 7636). Raises IdentityProviderDown."""
        metadata = await self._find_metadata()
        query = {
            "response_type": "code",
            "client_id": self._rules.client_id,
            "redirect_uri": begun.redirect_uri,
            "scope": " ".join(self._rules.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joined = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{joined}{urlencode(query)}"

    async def redeem(self, code: str, begun: Begun) -> dict[str, Any]:
        """What the provider says of whoever came back with `code`: the claims of the ID token, with those of the user-info endpoint where
        the token names no e-mail address.

        Raises:
            SingleSignOnFailed: the code, or what was given for it, is not right.
            IdentityProviderDown: it could not be asked.
        """
        metadata = await self._find_metadata()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": begun.redirect_uri, "code_verifier": begun.verifier}
        headers: dict[str, str] = {}
        rules = self._rules
        if rules.client_secret is None:
            form["client_id"] = rules.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote(rules.client_id, safe='')}:{quote(rules.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": rules.client_id, "client_secret": rules.client_secret}
        tokens = await self._ask("POST", metadata.token_endpoint, _Tokens, headers=headers, data=form)
        claims = await self._read(tokens.id_token, Expected(metadata.issuer, rules.client_id, begun.nonce))
        if "email" in claims or metadata.userinfo_endpoint is None:
            return claims
        bearer = {"Authorization": f"Bearer {tokens.access_token}"}
        told = await self._ask("GET", metadata.userinfo_endpoint, dict[str, Any], headers=bearer)
        if told.get("sub") != claims["sub"]:
            raise SingleSignOnFailed("The identity provider tells of somebody else than it signed in.")
        return {**told, **claims}

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _read(self, token: str, expected: Expected) -> dict[str, Any]:
        keys = await self._find_keys(after=self._clock.monotonic() - _FRESH_SECONDS)
        try:
            try:
                return read_claims(token, keys, expected=expected, now=self._clock.now())
            except KeyUnknown:
                # It may have changed its keys since they were read.
                keys = await self._find_keys(after=self._clock.monotonic() - _KEYS_AGAIN_SECONDS)
                return read_claims(token, keys, expected=expected, now=self._clock.now())
        except IdTokenRefused as error:
            raise SingleSignOnFailed(f"The identity provider's token is not right: {error}.") from error

    async def _find_metadata(self) -> _Metadata:
        async with self._asking:
            if self._metadata is None or self._clock.monotonic() - self._metadata_at >= _FRESH_SECONDS:
                found = await self._ask("GET", self._rules.issuer.rstrip("/") + _WELL_KNOWN, _Metadata)
                _check_metadata(found, issuer=self._rules.issuer)
                self._metadata, self._metadata_at = found, self._clock.monotonic()
            return self._metadata

    async def _find_keys(self, *, after: float) -> list[dict[str, Any]]:
        """The provider's keys, as they were read after a moment of the monotonic clock."""
        metadata = await self._find_metadata()
        async with self._asking:
            if self._keys is None or self._keys_at <= after:
                self._keys = (await self._ask("GET", metadata.jwks_uri, _Keys)).keys
                self._keys_at = self._clock.monotonic()
            return self._keys

    async def _ask(
        self, method: str, url: str, kind: type[T], *, headers: Mapping[str, str] = {}, data: Mapping[str, str] | None = None
    ) -> T:
        """The answer as a `kind`. Raises IdentityProviderDown; SingleSignOnFailed: the answer to a form is a refusal (400, 401)."""
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._make_http().request(method, url, headers=headers, data=data, allow_redirects=False) as response,
            ):
                if data is not None and response.status in (400, 401):
                    raise SingleSignOnFailed("The identity provider refuses the code of this sign-in.")
                if response.status != 200:
                    raise IdentityProviderDown(f"The identity provider answers {response.status} at {response.url.path}.")
                body = bytearray()
                async for piece in response.content.iter_chunked(65_536):
                    body += piece
                    if len(body) > _LARGEST_BYTES:
                        raise IdentityProviderDown("The identity provider's answer is too large.")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise IdentityProviderDown from error
        try:
            return msgspec.json.decode(bytes(body), type=kind)
        except msgspec.DecodeError as error:
            raise IdentityProviderDown(f"The identity provider's answer cannot be read: {error}.") from error

    def _make_http(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=True)
        return self._http


def _check_metadata(found: _Metadata, *, issuer: str) -> None:
    """Raises IdentityProviderDown: it is another's, or leads out of TLS."""
    if found.issuer != issuer:
        raise IdentityProviderDown(f"The identity provider calls itself {found.issuer!r}; DESKHAND_OIDC_ISSUER must be the same.")
    addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint or issuer)
    if issuer.startswith("https://") and not all(address.startswith("https://") for address in addresses):
        raise IdentityProviderDown("The identity provider names an address without TLS.")
