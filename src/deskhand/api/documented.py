"""How routes describe themselves: the errors they answer, the bodies they read, who may call them."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from deskhand.api import schemas

_MEANING = {
    401: "No token, or not a valid one.",
    403: "Not yours to do.",
    404: "Absent, or not yours to see: the two look alike.",
    409: "It does not fit the present state.",
    412: "It was changed since it was read: `If-Match` names another revision.",
    413: "The body is too large.",
    415: "The body or the file is of the wrong kind.",
    422: "The request cannot be understood; `details.fields` names what is wrong.",
    503: "A part is down, or the turn failed with the code given.",
}

VISITOR: dict[str, Any] = {"security": [{"VisitorToken": []}, {"StaffKey": []}]}
STAFF: dict[str, Any] = {"security": [{"StaffKey": []}, {"StaffCookie": []}]}
PUBLIC: dict[str, Any] = {"security": []}
# Of an answer's `content`, where events are streamed.
EVENTS: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    # Not as `model`: the framework would study the schema again for each status of each route. `api.openapi` adds it, once.
    described: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        described |= answer(schemas.Error, status, _MEANING.get(status, HTTPStatus(status).phrase))
    return described


def answer(schema: type[BaseModel], status: int = 200, description: str = "Successful Response") -> dict[int | str, dict[str, Any]]:
    """What a route answers that writes its answer itself. The schema itself is added by `api.openapi`."""
    return {status: {"description": description, "content": {"application/json": {"schema": {"$ref": reference(schema)}}}}}


def body(schema: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The request body of a route that reads it through `api.body`. The schema itself is added by `api.openapi`."""
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": {"$ref": reference(schema)}}}}}


def reference(schema: type[BaseModel]) -> str:
    return f"#/components/schemas/{schema.__name__}"
