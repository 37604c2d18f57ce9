"""The OpenAPI document: FastAPI's, with what it cannot know added: bodies that are read by `api.body`, the union of events, the frames of
the WebSocket, who may call what, and links from one operation to the next.

The pages' TypeScript types are generated from this document alone.
"""

import copy
from typing import Any, get_args

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from deskhand.api import desk_schemas, document_schemas, documented, frames, job_schemas, schemas, staff_schemas
from deskhand.api.routing import made
from deskhand.settings import Settings
from deskhand.turns.events import SessionEvent

_REF = "#/components/schemas/{name}"
_BODIES: tuple[type[BaseModel], ...] = (
    schemas.CreateSession,
    schemas.IdentifyCustomer,
    schemas.ChangeStatus,
    schemas.SendMessage,
    schemas.SearchKnowledge,
    schemas.AnswerView,
    schemas.AcceptedView,
    schemas.Error,
    schemas.Health,
    document_schemas.WriteDocument,
    document_schemas.FetchDocuments,
    document_schemas.ReplaceDocument,
    document_schemas.EditDocument,
    document_schemas.AddedView,
    *desk_schemas.BODIES,
    job_schemas.JobView,
    job_schemas.ScheduleSource,
    staff_schemas.SignInRequest,
    staff_schemas.ChangeMe,
    staff_schemas.CreateAccount,
    staff_schemas.ChangeAccount,
    staff_schemas.ResetPassword,
    staff_schemas.ConfirmTotp,
    staff_schemas.SwitchTotpOff,
    staff_schemas.CreateKey,
)
_METHODS = ("get", "post", "patch", "put", "delete")
_LIMITED = {
    "429": "Too many requests; `Retry-After` says when to try again.",
    "500": "A fault of ours.",
}
_HEADERS = {
    "X-Request-ID": {"schema": {"type": "string"}},
    "X-Process-Time": {"schema": {"type": "string"}, "description": "Seconds."},
}


def install(app: FastAPI, settings: Settings) -> None:
    """Make `app.openapi()` give the whole document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, settings)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this as the way to extend the document


def _document(app: FastAPI, settings: Settings) -> dict[str, Any]:
    # A copy: parts of it are what the routes were declared with, and those are shared by all applications.
    document = copy.deepcopy(
        get_openapi(title=app.title, version=app.version, description=app.description, routes=made(app.routes), openapi_version="3.1.0")
    )
    components = document.setdefault("components", {})
    known = components.setdefault("schemas", {})
    known.update(_body_schemas())
    known["SendMessage"]["properties"]["message"]["maxLength"] = settings.message_max_characters
    for path in ("/chat/sessions/{session_id}/messages", "/desk/conversations/{session_id}/messages"):
        form = _form(document, f"{settings.api_prefix}{path}")
        form["properties"]["message"]["maxLength"] = settings.message_max_characters
        form["properties"]["attachments"]["maxItems"] = settings.upload_max_files
    known.update(_union("SessionEvent", get_args(SessionEvent)))
    known.update(_union("ClientFrame", get_args(frames.AnyClientFrame)))
    known.update(_union("ServerFrame", get_args(frames.AnyServerFrame)))
    for unused in ("HTTPValidationError", "ValidationError"):
        known.pop(unused, None)
    components["securitySchemes"] = {
        "VisitorToken": {"type": "http", "scheme": "bearer", "description": "The token that 'POST /sessions' gave."},
        "StaffKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "StaffCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "deskhand_staff",
            "description": "What 'POST /staff/sign-in' sets. Changes need the header 'X-Deskhand: console' beside it.",
        },
    }
    for path in document["paths"].values():
        for method in _METHODS:
            if method in path:
                _complete(path[method])
    _link(document["paths"], settings.api_prefix)
    return document


def _form(document: dict[str, Any], path: str) -> dict[str, Any]:
    schema: dict[str, Any] = document["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    return schema


def _body_schemas() -> dict[str, Any]:
    _, definitions = models_json_schema([(schema, "validation") for schema in _BODIES], ref_template="#/components/schemas/{model}")
    schemas_found: dict[str, Any] = definitions["$defs"]
    return schemas_found


def _union(name: str, members: tuple[Any, ...]) -> dict[str, Any]:
    """The members of a tagged union and the union itself, discriminated by `type`."""
    _, found = msgspec.json.schema_components(members, ref_template=_REF)
    mapping = {member.__struct_config__.tag: _REF.format(name=member.__name__) for member in members}
    union = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    return {**found, name: union}


def _complete(operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    for status, meaning in _LIMITED.items():
        responses.setdefault(
            status,
            {
                "description": meaning,
                "content": {"application/json": {"schema": {"$ref": documented.reference(schemas.Error)}}},
            },
        )
    for status, response in responses.items():
        response.setdefault("headers", {}).update(_HEADERS)
        if status == "422":
            response["content"] = {"application/json": {"schema": {"$ref": documented.reference(schemas.Error)}}}


def _link(paths: dict[str, Any], prefix: str) -> None:
    """From opening a session to whatever takes its id, and from a new document to whatever takes that."""
    links = {}
    of_documents = {}
    for path, operations in paths.items():
        if "{document_id}" in path:
            for operation in (operations[method] for method in _METHODS if method in operations):
                of_documents[operation["operationId"]] = {
                    "operationId": operation["operationId"],
                    "parameters": {"document_id": "$response.body#/documents/0/document_id"},
                }
        if "{session_id}" not in path:
            continue
        for method in _METHODS:
            if method in operations and not path.endswith("/events"):
                links[operations[method]["operationId"]] = {
                    "operationId": operations[method]["operationId"],
                    "parameters": {"session_id": "$response.body#/session_id"},
                }
    links["upload_file"] = {"operationId": "upload_file", "parameters": {"session_id": "$response.body#/session_id"}}
    paths[f"{prefix}/sessions"]["post"]["responses"]["201"]["links"] = links
    paths[f"{prefix}/knowledge/documents"]["post"]["responses"]["200"]["links"] = of_documents
