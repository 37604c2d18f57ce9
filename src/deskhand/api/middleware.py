"""What happens around every request: its id, time and log line outside; its limits and its faults inside. Pure ASGI.

The invariant: whatever happens inside, exactly one response leaves, it carries the request's id, and a fault that comes after the
response began closes the connection instead of pretending to be an answer.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskhand.api import errors
from deskhand.api.client import Peers
from deskhand.api.cookies import staff_token
from deskhand.api.rate_limit import RateLimiter, Verdict
from deskhand.errors import TooLarge, TooMany, UnsupportedKind
from deskhand.ids import new_request_id
from deskhand.telemetry import Metrics

_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-site"),
]
_SECURITY_HEADER_NAMES = frozenset(name for name, _ in _SECURITY_HEADERS)
_CLOSE = [(b"connection", b"close")]
_MOST_DISCARDED_BYTES = 64 * 1024 * 1024
_UNLIMITED = ("/health", "/metrics", "/assets/", "/widget.js", "/widget-panel.js")
EXPOSED_HEADERS = ("X-Request-ID", "X-Process-Time", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After", "X-Total-Count", "ETag")

log = structlog.get_logger("deskhand.access")


class RequestMiddleware:
    """Gives a request its id, times it, logs it and counts it.

    A WebSocket of a path in `websockets` goes there directly: each layer of the framework would hold memory as long as it is open,
    6 KiB of 32 altogether.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, peers: Peers, websockets: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._websockets = websockets
        self._metrics = metrics
        self._peers = peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            scope["deskhand.client"] = self._peers.address(scope)
            await self._websockets.get(scope["path"], self._app)(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        scope["deskhand.request_id"] = request_id
        scope["deskhand.client"] = self._peers.address(scope)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                seconds = f"{time.perf_counter() - started:.6f}"
                headers = message.get("headers", [])
                # A route that says it itself means it: the widget's files are for other sites.
                said = _SECURITY_HEADER_NAMES.intersection(name.lower() for name, _ in headers)
                message["headers"] = [
                    *headers,
                    *(header for header in _SECURITY_HEADERS if header[0] not in said),
                    (b"x-request-id", request_id.encode()),
                    (b"x-process-time", seconds.encode()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            self._record(scope, status=status, seconds=time.perf_counter() - started)

    def _record(self, scope: Scope, *, status: int, seconds: float) -> None:
        route = route_template(scope)
        self._metrics.requests.labels(scope["method"], route, str(status)).inc()
        self._metrics.request_seconds.labels(scope["method"], route).observe(seconds)
        log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 2),
            request_id=scope["deskhand.request_id"],
            client=scope["deskhand.client"],
        )


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How many bytes a body may have: `json` everywhere, `form` where files may be sent (paths that begin with one of `form_prefixes`)."""

    json: int
    form: int
    form_prefixes: tuple[str, ...]

    def of(self, scope: Scope) -> int:
        if scope["path"].startswith(self.form_prefixes) and _header(scope, b"content-type").startswith(b"multipart/"):
            return self.form
        return self.json


class GuardMiddleware:
    """Refuses what is too much, and turns a fault into the error shape while that is still possible."""

    def __init__(self, app: ASGIApp, *, limiter: RateLimiter | None, body_limits: BodyLimits, metrics: Metrics, debug: bool) -> None:
        self._app = app
        self._limiter = limiter
        self._body_limits = body_limits
        self._metrics = metrics
        self._debug = debug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        verdict = None
        if self._limiter is not None and not scope["path"].startswith(_UNLIMITED):
            verdict = await self._limiter.hit(token=shown_token(scope), address=scope["deskhand.client"])
        extra = _rate_headers(verdict) if verdict is not None else []
        if verdict is not None and verdict.retry_after_seconds is not None:
            self._metrics.rate_limited.inc()
            refusal = errors.render(TooMany(retry_after_seconds=verdict.retry_after_seconds), request_id=scope["deskhand.request_id"])
            refusal.raw_headers.extend(extra)
            await refusal(scope, receive, send)
            return
        started = False

        async def send_noting_start(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        try:
            await self._app(scope, self._limited(scope, receive, extra=extra), send_noting_start)
        except ClientDisconnect:
            # Whoever asked has left before the whole request was there, which is no fault of the server's. Nobody reads this answer.
            if not started:
                await Response(status_code=400)(scope, receive, send_noting_start)
        except Exception as fault:  # The edge of a request: the caller gets an answer, the pager the traceback.
            self._metrics.faults.inc()
            log.exception(
                "request_fault",
                request_id=scope["deskhand.request_id"],
                method=scope["method"],
                path=scope["path"],
                client=scope["deskhand.client"],
                response_started=started,
            )
            if not started:
                response = errors.render_fault(fault, request_id=scope["deskhand.request_id"], debug=self._debug)
                await response(scope, receive, send_noting_start)
            # Otherwise the server sees an unfinished response and closes the connection.

    def _limited(self, scope: Scope, receive: Receive, *, extra: list[tuple[bytes, bytes]]) -> Receive:
        """`receive` that raises TooLarge before more than the limit has been read, whatever Content-Length says, and UnsupportedKind for a
        body that would have to be unpacked first.

        Headers that the answer then needs are added to `extra`.
        """
        limit = self._body_limits.of(scope)
        said = _header(scope, b"content-length")
        length = int(said) if said.isdigit() else None
        coding = _header(scope, b"content-encoding").decode("latin-1").strip()
        read = 0

        async def receive_limited() -> Message:
            nonlocal read
            if coding.lower() not in ("", "identity"):
                raise UnsupportedKind(f"The body is encoded with {coding[:40]!r}.", support="Send it as it is, without Content-Encoding.")
            if length is not None and length > limit:
                # The server lets a client finish what it began, which is how it comes to read the answer, unless that is too much.
                extra.extend(_CLOSE if length > _MOST_DISCARDED_BYTES else [])
                raise _too_large(limit)
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > limit:
                    extra.extend(_CLOSE)
                    raise _too_large(limit)
            return message

        return receive_limited


def route_template(scope: Scope) -> str:
    """The path with the names of its parameters in place of their values; "unmatched" for what no route serves."""
    if "endpoint" not in scope:
        return "unmatched"
    parameters = scope.get("path_params")
    if not parameters:
        return str(scope["path"])
    names = {value: f"{{{name}}}" for name, value in parameters.items()}
    return "/".join([names.get(segment, segment) for segment in scope["path"].split("/")])


def shown_token(scope: Scope) -> str | None:
    """The token of `Authorization: Bearer …`, the key of `X-API-Key`, or what the console's cookie holds; None when there is none."""
    if key := _header(scope, b"x-api-key"):
        return key.decode("latin-1")
    if authorization := _header(scope, b"authorization"):
        scheme, _, token = authorization.partition(b" ")
        return token.strip().decode("latin-1") if scheme.lower() == b"bearer" and token.strip() else None
    return staff_token(_header(scope, b"cookie").decode("latin-1"))


def _rate_headers(verdict: Verdict) -> list[tuple[bytes, bytes]]:
    return [(b"x-ratelimit-limit", str(verdict.limit).encode()), (b"x-ratelimit-remaining", str(verdict.remaining).encode())]


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def _request_id(scope: Scope) -> str:
    given = _header(scope, b"x-request-id").decode("latin-1")
    return given if _WELL_FORMED_ID.fullmatch(given) else new_request_id()


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit:,} bytes, which is the limit here.", details={"limit_bytes": limit})
