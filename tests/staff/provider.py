"""An identity provider (OpenID Connect) behind a real port: it checks PKCE and the client's secret, and changes its keys."""

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

CLIENT_ID = "deskhand"
CLIENT_SECRET = "s3cret/with?marks"


@dataclass
class Provider:
    """`person` is who signs in next; `forged` is put over the claims of the next ID token, `told` is what user-info answers."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    forged: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] | None = None
    # Of the next token, in place of the provider's own.
    signed_with: tuple[Any, str] | None = None
    is_down: bool = False
    asked_for_keys: int = 0
    key_id: str = "first"
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def change_keys(self) -> None:
        self.key_id, self._key = secrets.token_hex(4), ec.generate_private_key(ec.SECP256R1())

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._describe)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._redeem)
        app.router.add_get("/keys", self._show_keys)
        app.router.add_get("/me", self._tell)
        return app

    async def _describe(self, _request: web.Request) -> web.Response:
        if self.is_down:
            return web.Response(status=503)
        at = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys", "userinfo_endpoint": "/me"}
        return web.json_response({"issuer": self.issuer, **{name: self.issuer + path for name, path in at.items()}})

    async def _authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        back = urlencode({"code": code, "state": query["state"], "iss": self.issuer})
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{back}"})

    async def _redeem(self, request: web.Request) -> web.Response:
        form = await request.post()
        begun = self._codes.pop(str(form["code"]), None)
        verifier = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        client = base64.b64encode(f"{CLIENT_ID}:s3cret%2Fwith%3Fmarks".encode()).decode()
        is_right = (
            begun is not None
            and begun["code_challenge"] == base64.urlsafe_b64encode(verifier).decode().rstrip("=")
            and begun["redirect_uri"] == form["redirect_uri"]
            and request.headers.get("Authorization") == f"Basic {client}"
        )
        if begun is None or not is_right:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": begun["nonce"], **self.person, **self.forged}
        key, algorithm = self.signed_with or (self._key, "ES256")
        token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": self.key_id})
        return web.json_response({"id_token": token, "access_token": "of-this-person", "token_type": "Bearer"})

    async def _show_keys(self, _request: web.Request) -> web.Response:
        self.asked_for_keys += 1
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return web.json_response({"keys": [{**public, "kid": self.key_id, "use": "sig", "alg": "ES256"}]})

    async def _tell(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer of-this-person"
        return web.json_response(self.told or {})


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    provider = Provider()
    runner = web.AppRunner(provider.app())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield provider
    finally:
        await runner.cleanup()
