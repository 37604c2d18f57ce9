"""The one renderer of errors. Whatever goes wrong, a caller reads the same shape, and never the text of a fault of ours."""

import math
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response

from deskhand.errors import DeskhandError, Forbidden, Malformed, NotFound, TooLarge, TooMany, Unauthenticated, UnsupportedKind
from deskhand.turns.events import Cancelled, Failed

_BY_STATUS: dict[int, type[DeskhandError]] = {
    kind.status: kind for kind in (Unauthenticated, Forbidden, NotFound, TooLarge, UnsupportedKind, TooMany)
}


def render(error: DeskhandError, *, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """The response for `error`: `{"error", "message", "request_id", "support", "details"?}` with the error's status."""
    return _response(
        status=error.status,
        code=error.code,
        message=error.message,
        support=error.remedy,
        request_id=request_id,
        details=error.details,
        headers=_headers(error) | dict(headers or {}),
    )


def render_fault(fault: Exception, *, request_id: str, debug: bool) -> Response:
    """The response for a fault of ours. Its text is shown in debug only."""
    return _response(
        status=500,
        code=DeskhandError.code,
        message=f"{type(fault).__name__}: {fault}" if debug else "Something went wrong on our side.",
        support=DeskhandError.support,
        request_id=request_id,
        details=None,
        headers={},
    )


def render_failed_turn(outcome: Failed | Cancelled, *, message_id: str, request_id: str) -> Response:
    """A turn that ended without an answer, over plain JSON: 503 with the turn's code, or 409 when it was stopped."""
    details = {"turn_id": outcome.turn_id, "message_id": message_id, "partial": outcome.partial}
    if isinstance(outcome, Failed):
        return _response(
            status=503,
            code=outcome.error,
            message=outcome.message,
            support=outcome.support,
            request_id=request_id,
            details=details,
            headers={},
        )
    return _response(
        status=409,
        code="turn_cancelled",
        message="The answer was stopped before it was finished.",
        support="Read the transcript; if a person took over, they will answer.",
        request_id=request_id,
        details={**details, "reason": outcome.reason},
        headers={},
    )


def malformed(problems: Iterable[Mapping[str, Any]], *, within: Sequence[str] = ()) -> Malformed:
    """What pydantic found, as an error that names each field. `within` is where the fields stand, such as ("body",)."""
    fields = []
    for problem in problems:
        location = [str(part) for part in (*within, *problem["loc"])]
        fields.append({"field": ".".join(location[1:] or location), "in": location[0], "problem": _sentence(problem)})
    first = fields[0]
    named = first["field"] if first["field"] != first["in"] else f"the {first['in']}"
    return Malformed(f"{named}: {first['problem']}.", details={"fields": fields})


def install(app: FastAPI) -> None:
    """Make `app` answer every expected error through this module. Faults are caught by the middleware, which knows if it is too late."""

    async def on_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, DeskhandError)
        return render(error, request_id=request_id_of(request))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(malformed(error.errors()), request_id=request_id_of(request))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _render_http(error, request)

    app.add_exception_handler(DeskhandError, on_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def request_id_of(request: Request) -> str:
    request_id: str = request.scope["deskhand.request_id"]
    return request_id


def _render_http(error: HTTPException, request: Request) -> Response:
    kind = _BY_STATUS.get(error.status_code)
    request_id = request_id_of(request)
    if error.status_code == 400:
        # Starlette's form parser says what it could not read.
        return render(Malformed(f"The body cannot be read: {error.detail}"), request_id=request_id)
    if kind is not None:
        message = f"There is nothing at {request.method} {request.url.path}." if kind is NotFound else None
        return render(kind(message), request_id=request_id, headers=error.headers)
    if error.status_code == 405:
        return _render_not_allowed(request)
    phrase = HTTPStatus(error.status_code).phrase
    return _response(
        status=error.status_code,
        code=phrase.lower().replace(" ", "_"),
        message=f"{phrase}.",
        support="See the API's description for what is possible.",
        request_id=request_id,
        details=None,
        headers=error.headers or {},
    )


def _render_not_allowed(request: Request) -> Response:
    """405 with all methods of the path: the router knows only those of the first route that it found there."""
    path = request.url.path
    routes = [route for route in iter_route_contexts(request.app.routes) if route.path_regex is not None and route.path_regex.match(path)]
    # "/sessions/cleanup" is itself, not a session of that name.
    exact = [route for route in routes if route.path == path]
    methods = {method for route in exact or routes for method in route.methods or ()}
    return _response(
        status=405,
        code="method_not_allowed",
        message=f"{request.method} is not possible here.",
        support=f"Use {' or '.join(sorted(methods - {'HEAD'}))}.",
        request_id=request_id_of(request),
        details=None,
        headers={"Allow": ", ".join(sorted(methods))},
    )


def _response(
    *,
    status: int,
    code: str,
    message: str,
    support: str,
    request_id: str,
    details: Mapping[str, Any] | None,
    headers: Mapping[str, str],
) -> Response:
    body: dict[str, Any] = {"error": code, "message": message, "request_id": request_id, "support": support}
    if details is not None:
        body["details"] = details
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=dict(headers))


def _headers(error: DeskhandError) -> dict[str, str]:
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _sentence(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        return "there is no such field"
    if problem["type"] in ("model_type", "dict_type"):
        return "it is not an object"
    text = str(problem["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
