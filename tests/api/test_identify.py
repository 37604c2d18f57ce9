"""Customers whom the company's own site has signed (RELIABILITY E3): what is not signed as it must be proves nothing, by any transport."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio
import websockets
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_elliptic_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.serving import STAFF, Served, Visitor, serving, settings_in
from deskhand.errors import ConfigurationError
from deskhand.sessions import UserTokenVerifier

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "the-secret-of-the-shop's-own-site-which-is-long-enough-for-any-hash-0123456789"
AUDIENCE = "desk-of-northwind"
KEY = Ed25519PrivateKey.generate()
PUBLIC_KEY = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
_numbers = iter(range(1_000_000))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("signed")
    async with serving(settings_in(folder, widget_secret=SECRET, widget_audience=AUDIENCE)) as running:
        yield running


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; a change to `None` leaves the claim out."""
    now = int(time.time())
    good = {"sub": "ada", "aud": AUDIENCE, "iat": now, "exp": now + 300, "jti": f"token-{next(_numbers)}", **changes}
    return {name: value for name, value in good.items() if value is not None}


def sign(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str, signature: str = "") -> str:
    return f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(claims())}.{signature}"


def swapped(**changes: Any) -> str:
    """A good token whose claims were changed after it was signed."""
    head, _, signature = sign().split(".")
    return f"{head}.{encoded(claims(**changes))}.{signature}"


def relabelled(algorithm: str) -> str:
    _, body, signature = sign().split(".")
    return f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{body}.{signature}"


def at(**seconds: int) -> dict[str, Any]:
    """Times relative to now."""
    return {name: int(time.time()) + offset for name, offset in seconds.items()}


BAD: dict[str, Callable[[], str]] = {
    # Not signed, or not with this key
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "alg NONE": lambda: unsigned("NONE"),
    "alg nOnE": lambda: unsigned("nOnE"),
    "alg none with a signature": lambda: unsigned("none", "AAAA"),
    "no signature": lambda: unsigned("HS256"),
    "a made-up signature": lambda: unsigned("HS256", "A" * 43),
    "alg empty": lambda: unsigned(""),
    "alg unknown": lambda: unsigned("HS999", "A" * 43),
    "another secret": lambda: sign("another-secret-of-another-site-0123456789"),
    "the secret in capitals": lambda: sign(SECRET.upper()),
    "the secret and a blank": lambda: sign(SECRET + " "),
    "an empty secret": lambda: sign("\0" * 32),
    "the audience as the secret": lambda: sign(AUDIENCE.ljust(32, "0")),
    "HS384": lambda: sign(algorithm="HS384"),
    "HS512": lambda: sign(algorithm="HS512"),
    "EdDSA with a key of its own": lambda: sign(KEY, "EdDSA"),
    "ES256 with a key of its own": lambda: sign(generate_elliptic_key(SECP256R1()), "ES256"),
    "a public key as the secret": lambda: sign(base64.b64encode(PUBLIC_KEY.encode()).decode()),
    "HS256 called HS512": lambda: relabelled("HS512"),
    "HS256 called none": lambda: relabelled("none"),
    "HS256 called EdDSA": lambda: relabelled("EdDSA"),
    "HS256 called hs256": lambda: relabelled("hs256"),
    "a key in the header": lambda: sign("k" * 40, headers={"jwk": {"kty": "oct", "k": encoded("k" * 40)}}),
    "a key id that is a path": lambda: sign("\0" * 40, headers={"kid": "../../../dev/null"}),
    "an address of keys": lambda: sign("k" * 40, headers={"jku": "http://127.0.0.1/keys"}),
    "an unknown critical header": lambda: sign(headers={"crit": ["exp"]}),
    # Changed after it was signed
    "another sub": lambda: swapped(sub="grace"),
    "another audience signed for": lambda: swapped(aud=AUDIENCE),
    "a longer life": lambda: swapped(**at(exp=3_000)),
    "a signature cut short": lambda: sign()[:-3],
    "a signature of one more": lambda: sign() + "A",
    "parts in another order": lambda: ".".join(reversed(sign().split("."))),
    # For somebody else
    "another audience": lambda: sign(aud="another-desk"),
    "the audience in capitals": lambda: sign(aud=AUDIENCE.upper()),
    "the audience and a blank": lambda: sign(aud=AUDIENCE + " "),
    "the audience among others": lambda: sign(aud=[AUDIENCE, "another"]),
    "the audience in a list": lambda: sign(aud=[AUDIENCE]),
    "an empty audience": lambda: sign(aud=""),
    "any audience": lambda: sign(aud="*"),
    "no audience": lambda: sign(aud=None),
    "an audience that is a number": lambda: sign(aud=1),
    # Out of its time
    "expired": lambda: sign(**at(iat=-600, exp=-1)),
    "expired long ago": lambda: sign(iat=1, exp=2),
    "no exp": lambda: sign(exp=None),
    "no iat": lambda: sign(iat=None),
    "longer than an hour": lambda: sign(**at(iat=0, exp=3_601)),
    "for ever": lambda: sign(exp=99_999_999_999_999),
    "longer than an hour from an iat in the future": lambda: sign(**at(iat=3_000, exp=6_000)),
    "not yet": lambda: sign(**at(nbf=600)),
    "issued in the future": lambda: sign(**at(iat=600, exp=900)),
    "an exp that is a text": lambda: sign(exp="9999999999"),
    "an exp that is true": lambda: sign(exp=True),
    "an exp that is negative": lambda: sign(exp=-1),
    "an iat that is a text": lambda: sign(iat="1"),
    # Nobody, or somebody who could be taken for another
    "no sub": lambda: sign(sub=None),
    "an empty sub": lambda: sign(sub=""),
    "a blank sub": lambda: sign(sub=" "),
    "a sub and a blank": lambda: sign(sub="ada "),
    "a sub of full-width letters": lambda: sign(sub="\uff41\uff44\uff41"),
    "a sub with a zero-width space": lambda: sign(sub="a\u200bda"),
    "a sub with a direction mark": lambda: sign(sub="ada\u202e"),
    "a sub with a null": lambda: sign(sub="ada\0"),
    "a sub that is decomposed": lambda: sign(sub="ade\u0301"),
    "a sub with a no-break space": lambda: sign(sub="ada\u00a0lovelace"),
    "a sub of two lines": lambda: sign(sub="ada\ngrace"),
    "a sub that is a number": lambda: sign(sub=1),
    "a sub that is a list": lambda: sign(sub=["ada"]),
    "a sub that is too long": lambda: sign(sub="a" * 201),
    "no jti": lambda: sign(jti=None),
    "an empty jti": lambda: sign(jti=""),
    "a jti that is a number": lambda: sign(jti=7),
    "a jti that is too long": lambda: sign(jti="j" * 201),
    "a name that is an object": lambda: sign(name={"first": "Ada"}),
    # No token at all
    "nonsense": lambda: "nonsense",
    "two dots": lambda: "..",
    "an array of claims": lambda: f"{encoded({'alg': 'HS256'})}.{encoded([1])}.AAAA",
    "claims that are no JSON": lambda: f"{encoded({'alg': 'HS256'})}.e30e30.AAAA",
    "four parts": lambda: sign() + ".AAAA",
    "letters beyond ASCII": lambda: sign() + "é",
    "a visitor's token": lambda: "vt_" + "A" * 43,
}


async def identify(desk: Served, visitor: Visitor, user_token: Any, headers: dict[str, str] | None = None) -> Any:
    return await desk.http.post(
        f"/api/sessions/{visitor.session_id}/identify", json={"user_token": user_token}, headers=headers or visitor.headers
    )


async def customer_of(desk: Served, session_id: str) -> str | None:
    session = await desk.services.sessions.find_session(session_id)
    assert session is not None
    return session.customer_id


async def test_there_are_at_least_sixty_ways_to_fail() -> None:
    assert len(BAD) >= 60


@pytest.mark.parametrize("kind", BAD)
async def test_a_token_that_is_not_right_proves_nothing_and_opens_nothing(desk: Served, kind: str) -> None:
    visitor = await desk.visitor(user_id="ada")
    token = BAD[kind]()
    refused = await identify(desk, visitor, token)
    assert (refused.status_code, refused.json()["error"]) == (401, "user_token_refused")
    assert await customer_of(desk, visitor.session_id) is None
    assert (await desk.http.get(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)).status_code == 200

    # Nor is it a credential of the session, for a request, a stream or a socket.
    shown = {"Authorization": f"Bearer {token}".encode()}
    for path in ("", "/events"):
        answer = await desk.http.get(f"/api/sessions/{visitor.session_id}{path}", headers=shown)
        assert answer.status_code == 401
    async with desk.connect(None, session_id=visitor.session_id) as socket:
        await socket.send(json.dumps({"type": "authenticate", "token": token}))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4003


@pytest.mark.parametrize("host", ["localhost", "desk.example", f"{AUDIENCE}.example", "127.0.0.1:1"])
async def test_the_host_that_a_request_names_has_no_say(desk: Served, host: str) -> None:
    visitor = await desk.visitor()
    named = {**visitor.headers, "Host": host, "X-Forwarded-Host": AUDIENCE}
    assert (await identify(desk, visitor, sign(aud=host), headers=named)).status_code == 401
    assert (await identify(desk, visitor, sign(), headers=named)).status_code == 200


async def test_a_signed_customer_is_known_and_the_session_gets_a_new_token(desk: Served) -> None:
    visitor = await desk.visitor(user_id="grace", metadata={"page": "/tents"})
    answer = await identify(desk, visitor, sign(name="Ada Lovelace", email="ada@example.com"))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["session_id"], body["user_id"]) == (visitor.session_id, "ada")
    assert body["metadata"] == {"page": "/tents", "customer_name": "Ada Lovelace", "customer_email": "ada@example.com"}
    assert await customer_of(desk, visitor.session_id) == "ada"

    path = f"/api/sessions/{visitor.session_id}"
    assert (await desk.http.get(path, headers=visitor.headers)).status_code == 401
    assert (await desk.say(visitor, "Who am I?")).status_code == 401
    assert (await desk.http.get(path, headers={"Authorization": f"Bearer {body['token']}"})).status_code == 200


async def test_a_stream_of_the_old_token_is_not_opened_again(desk: Served) -> None:
    visitor = await desk.visitor()
    assert (await identify(desk, visitor, sign())).status_code == 200
    assert (await desk.http.get(f"/api/sessions/{visitor.session_id}/events", headers=visitor.headers)).status_code == 401
    with pytest.raises(websockets.ConnectionClosed):
        async with desk.connect(visitor) as socket:
            await socket.recv()


async def test_a_token_counts_once(desk: Served) -> None:
    first, second = await desk.visitor(), await desk.visitor()
    token = sign()
    renewed = (await identify(desk, first, token)).json()["token"]
    for visitor in (second, Visitor(first.session_id, renewed)):
        answer = await identify(desk, visitor, token)
        assert (answer.status_code, answer.json()["error"]) == (401, "user_token_refused")
    assert await customer_of(desk, second.session_id) is None


async def test_a_token_that_is_used_twice_at_once_counts_once(desk: Served) -> None:
    visitors = [await desk.visitor() for _ in range(8)]
    token = sign()
    answers = await asyncio.gather(*(identify(desk, visitor, token) for visitor in visitors))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_a_session_stays_with_the_customer_it_has(desk: Served) -> None:
    visitor = await desk.visitor()
    token = (await identify(desk, visitor, sign())).json()["token"]
    known = Visitor(visitor.session_id, token)
    other = await identify(desk, known, sign(sub="grace"))
    assert (other.status_code, other.json()["error"]) == (409, "other_customer")
    for sub in ("Ada", "ADA"):
        assert (await identify(desk, known, sign(sub=sub))).status_code == 409
    assert await customer_of(desk, visitor.session_id) == "ada"
    assert (await identify(desk, known, sign())).status_code == 200


async def test_a_session_that_staff_opened_for_a_customer_is_not_taken_by_another(desk: Served) -> None:
    opened = (await desk.http.post("/api/sessions", json={"user_id": "grace"}, headers=STAFF)).json()
    assert (await identify(desk, Visitor(opened["session_id"], opened["token"]), sign())).status_code == 409


async def test_becoming_known_brings_nothing_of_other_sessions(desk: Served) -> None:
    earlier = await desk.visitor()
    token = (await identify(desk, earlier, sign())).json()["token"]
    assert (await desk.say(Visitor(earlier.session_id, token), "My account number is 2231.")).status_code == 200
    visitor = await desk.visitor()
    assert (await desk.say(visitor, "Hello")).status_code == 200
    known = (await identify(desk, visitor, sign())).json()["token"]
    headers = {"Authorization": f"Bearer {known}"}
    transcript = (await desk.http.get(f"/api/chat/sessions/{visitor.session_id}/messages", headers=headers)).json()["messages"]
    assert transcript[0]["content"] == "Hello"
    assert "2231" not in json.dumps(transcript)
    assert (await desk.http.get(f"/api/sessions/{earlier.session_id}", headers=headers)).status_code == 404


async def test_nobody_is_identified_where_there_is_no_secret(shared: Served) -> None:
    visitor = await shared.visitor()
    answer = await identify(shared, visitor, sign())
    assert (answer.status_code, answer.json()["error"]) == (409, "identification_off")


async def test_a_token_that_an_ed25519_key_signed_is_taken_and_one_of_its_public_half_is_not(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, widget_secret=PUBLIC_KEY, widget_audience=AUDIENCE)) as desk:
        visitor = await desk.visitor()
        head, body = encoded({"alg": "HS256", "typ": "JWT"}), encoded(claims())
        digest = hmac.new(PUBLIC_KEY.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
        confused = f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
        for bad in (confused, sign(), sign(Ed25519PrivateKey.generate(), "EdDSA")):
            assert (await identify(desk, visitor, bad)).status_code == 401
        assert (await identify(desk, visitor, sign(KEY, "EdDSA"))).status_code == 200


@pytest.mark.parametrize("key", ["short", "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----"])
async def test_a_secret_that_proves_nothing_stops_the_start(key: str) -> None:
    with pytest.raises(ConfigurationError):
        UserTokenVerifier(key, audience=AUDIENCE)
