"""How routes are declared, and when they are made: each at its first request.

The framework studies a route's parameters, dependencies and schemas when it makes one, some milliseconds each, and again when its router is
included below a prefix: half a second for all of them, which a server that has just started would spend before its first answer.

The invariant: which path and method is answered by what is known from the start, so nothing differs but when the work is done.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict, TypeVar, Unpack

from fastapi import Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Options(TypedDict, total=False):
    """What a route may say of itself: options of the framework's own route, under their names there."""

    status_code: int
    response_model: Any
    response_class: type[Response]
    responses: dict[int | str, dict[str, Any]]
    openapi_extra: dict[str, Any]
    operation_id: str


@dataclass(frozen=True, slots=True)
class _Declared:
    path: str
    method: str
    endpoint: Callable[..., Any]
    options: Options


class LazyRoute(Route):
    """Matches as any route does, and becomes one of the framework's when it is first asked. What answers GET answers HEAD."""

    def __init__(self, path: str, declared: _Declared, *, make: Callable[[str, _Declared], APIRoute]) -> None:
        super().__init__(path, declared.endpoint, methods=[declared.method])
        self._declared = declared
        self._make = make

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            # The framework's routes know no HEAD. The server, which has the scope as it was, sends the head of the answer alone.
            scope = {**scope, "method": "GET"}
            send = _ending_streams(send)
        await self.made.handle(scope, receive, send)

    @cached_property
    def made(self) -> APIRoute:
        return self._make(self.path, self._declared)


def _ending_streams(send: Send) -> Send:
    """`send` that ends a stream of events with its head. Otherwise who asks for the head alone would be held until they leave."""
    ended = False

    async def send_head(message: Message) -> None:
        nonlocal ended
        if ended:
            return
        await send(message)
        if message["type"] == "http.response.start":
            ended = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
        if ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head


class Routes:
    """The routes of one file, in the order in which they are tried."""

    def __init__(
        self, *, prefix: str = "", tags: Sequence[str] = (), route_class: type[APIRoute] = APIRoute, include_in_schema: bool = True
    ) -> None:
        self._prefix = prefix
        self._tags = tags
        self._route_class = route_class
        self._include_in_schema = include_in_schema
        self._declared: list[_Declared] = []

    def get(self, path: str, **options: Unpack[Options]) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, "GET", options)

    def post(self, path: str, **options: Unpack[Options]) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, "POST", options)

    def put(self, path: str, **options: Unpack[Options]) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, "PUT", options)

    def patch(self, path: str, **options: Unpack[Options]) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, "PATCH", options)

    def delete(self, path: str, **options: Unpack[Options]) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, "DELETE", options)

    def lazily(self, prefix: str) -> Iterator[LazyRoute]:
        """What was declared, below `prefix`."""
        for declared in self._declared:
            yield LazyRoute(f"{prefix}{self._prefix}{declared.path}", declared, make=self._make)

    def _declare(self, path: str, method: str, options: Options) -> Callable[[Endpoint], Endpoint]:
        def declare(endpoint: Endpoint) -> Endpoint:
            self._declared.append(_Declared(path, method, endpoint, options))
            return endpoint

        return declare

    def _make(self, path: str, declared: _Declared) -> APIRoute:
        return self._route_class(
            path,
            declared.endpoint,
            methods=[declared.method],
            tags=list(self._tags),
            include_in_schema=self._include_in_schema,
            # The name of an operation is that of its function.
            generate_unique_id_function=lambda route: route.name,
            **declared.options,
        )


def made(routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    """`routes` as the framework knows them, all of them made: for the document that describes them."""
    return [route.made if isinstance(route, LazyRoute) else route for route in routes]
