"""Looking after the knowledge base: what staff put in, read, change and take out.

The invariant: an answer with a 2xx is given once what it tells of is stored. A client that goes away before sends the same again: what is
in already counts as unchanged.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response

from deskhand.api import document_schemas as schemas
from deskhand.api import documented
from deskhand.api.body import read_json
from deskhand.api.document_input import Given, read_given, read_replacement, store
from deskhand.api.document_stream import Tell, stream_progress
from deskhand.api.identity import StaffDep
from deskhand.api.services import Services, ServicesDep
from deskhand.errors import Malformed
from deskhand.knowledge import DocumentFilter, DocumentId, IngestReport, StoredDocument
from deskhand.sessions import Staff


class NothingStored(Malformed):
    """None of the documents could be read."""

    code = "nothing_stored"
    support = "'details.failed' says of each why."


router = APIRouter(prefix="/knowledge/documents", tags=["knowledge"])

_FILES = {
    "type": "object",
    "required": ["files"],
    "additionalProperties": False,
    "properties": {
        "files": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}},
        "tier": {"type": "string", "enum": ["public", "customers", "operators"]},
        "effective_from": {"type": "string", "format": "date-time"},
        "effective_until": {"type": "string", "format": "date-time"},
    },
}
_FILE = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {"file": {"type": "string", "format": "binary"}, "title": {"type": "string", "minLength": 1, "maxLength": 500}},
}
_ETAG = {"ETag": {"schema": {"type": "string"}, "description": "The document's revision; send it as `If-Match` with a change."}}
_CHANGED: dict[int | str, dict[str, Any]] = {200: {"headers": _ETAG}}

DocumentName = Annotated[str, Path(pattern=r"^doc_[0-9a-f]{24}$")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", pattern=r'^(\*|"[0-9]{1,9}")$', description="The ETag of what was read; a document that changed since stays."),
]


@router.get("", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 422, 503))
async def list_documents(
    _staff: StaffDep, services: ServicesDep, response: Response, query: Annotated[schemas.ListDocuments, Query()]
) -> list[schemas.DocumentView]:
    """All documents but those of sessions, by title; how many there are in all is in `X-Total-Count`."""
    chosen = DocumentFilter(tier=query.tier, state=query.state, scope=query.scope, text=query.text)
    found, total = await services.knowledge.library.list_documents(chosen, limit=query.limit, offset=query.offset)
    response.headers["X-Total-Count"] = str(total)
    return [schemas.DocumentView.of(document) for document in found]


@router.post(
    "",
    openapi_extra={
        **documented.STAFF,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [{"$ref": documented.reference(kind)} for kind in (schemas.WriteDocument, schemas.FetchDocuments)]}
                },
                "multipart/form-data": {"schema": _FILES},
            },
        },
    },
    response_class=Response,
    responses={
        200: {
            "description": "What became of each document; with `Accept: text/event-stream` how far it is, then that.",
            "content": {
                "application/json": {"schema": {"$ref": documented.reference(schemas.AddedView)}},
                "text/event-stream": {"schema": {"type": "string"}},
            },
        },
        **documented.errors(401, 403, 413, 415, 422, 503),
    },
)
async def add_documents(staff: StaffDep, request: Request, services: ServicesDep) -> Response:
    """Put documents in: words, files, or what is at an address. What is in already just so counts as unchanged."""
    given = await read_given(request, services)

    async def work(tell: Tell) -> bytes:
        return (await _store(given, staff=staff, services=services, tell=tell)).model_dump_json().encode()

    if "text/event-stream" in request.headers.get("accept", ""):
        return stream_progress(work)
    view = await _store(given, staff=staff, services=services, tell=lambda _step: None)
    if view.failed and not view.indexed and not view.unchanged:
        raise NothingStored(details={"failed": [failure.model_dump() for failure in view.failed]})
    return Response(view.model_dump_json(), media_type="application/json")


@router.get("/{document_id}", openapi_extra=documented.STAFF, responses={**_CHANGED, **documented.errors(401, 403, 404, 422, 503)})
async def get_document(_staff: StaffDep, services: ServicesDep, response: Response, document_id: DocumentName) -> schemas.DocumentDetail:
    """The document with its text, in the parts that are searched."""
    document = await _document(document_id, services, response)
    parts = await services.knowledge.library.list_parts(document.id)
    likenesses = await services.knowledge.library.find_likenesses(document.id)
    return schemas.DocumentDetail(
        **schemas.document_fields(document),
        parts=[schemas.PartView.of(part) for part in parts],
        warnings=[schemas.WarningView.of(likeness) for likeness in likenesses],
    )


@router.get("/{document_id}/history", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 404, 422, 503))
async def get_document_history(_staff: StaffDep, services: ServicesDep, document_id: DocumentName) -> list[schemas.RevisionView]:
    """Who changed what and when, newest first; of a deleted document, who did something and when, and nothing else."""
    library = services.knowledge.library
    revisions = await library.list_revisions(DocumentId(document_id))
    parts = await library.list_parts(DocumentId(document_id))
    return schemas.history_of(revisions, "\n\n".join(part.text for part in parts))


@router.put(
    "/{document_id}",
    openapi_extra={
        **documented.STAFF,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": documented.reference(schemas.ReplaceDocument)}},
                "multipart/form-data": {"schema": _FILE},
            },
        },
    },
    responses={**_CHANGED, **documented.errors(401, 403, 404, 412, 413, 415, 422, 503)},
)
async def replace_document(
    *,
    staff: StaffDep,
    request: Request,
    services: ServicesDep,
    response: Response,
    document_id: DocumentName,
    if_match: IfMatch = None,
) -> schemas.ChangedView:
    """Let the document say something else. What it said is kept in its history for a while, and found by no search any more."""
    replacement = await read_replacement(request, services)
    document = await services.knowledge.library.get_document(DocumentId(document_id))
    report = await services.knowledge.library.replace(document, replacement, by=staff.name, expected_revision=_revision(if_match))
    return await _changed(document_id, report, services=services, response=response)


@router.patch(
    "/{document_id}",
    openapi_extra={**documented.STAFF, **documented.body(schemas.EditDocument)},
    responses={**_CHANGED, **documented.errors(401, 403, 404, 412, 413, 415, 422, 503)},
)
async def edit_document(
    *,
    staff: StaffDep,
    request: Request,
    services: ServicesDep,
    response: Response,
    document_id: DocumentName,
    if_match: IfMatch = None,
) -> schemas.ChangedView:
    """Set what is said of the document. It stays so when the document is ingested again."""
    wanted = await read_json(request, schemas.EditDocument)
    return await _edit(document_id, wanted.values(), if_match=if_match, staff=staff, services=services, response=response)


@router.post(
    "/{document_id}/disable",
    openapi_extra=documented.STAFF,
    responses={**_CHANGED, **documented.errors(401, 403, 404, 412, 422, 503)},
)
async def disable_document(
    *, staff: StaffDep, services: ServicesDep, response: Response, document_id: DocumentName, if_match: IfMatch = None
) -> schemas.ChangedView:
    """Keep the document, and answer from it no more."""
    return await _edit(document_id, {"disabled": True}, if_match=if_match, staff=staff, services=services, response=response)


@router.post(
    "/{document_id}/enable",
    openapi_extra=documented.STAFF,
    responses={**_CHANGED, **documented.errors(401, 403, 404, 412, 422, 503)},
)
async def enable_document(
    *, staff: StaffDep, services: ServicesDep, response: Response, document_id: DocumentName, if_match: IfMatch = None
) -> schemas.ChangedView:
    """Answer from the document again, within its effective dates."""
    return await _edit(document_id, {"disabled": False}, if_match=if_match, staff=staff, services=services, response=response)


@router.post(
    "/{document_id}/sync",
    openapi_extra=documented.STAFF,
    responses={**_CHANGED, **documented.errors(401, 403, 404, 409, 412, 413, 415, 422, 502, 503)},
)
async def synchronise_document(
    *, staff: StaffDep, services: ServicesDep, response: Response, document_id: DocumentName, if_match: IfMatch = None
) -> schemas.ChangedView:
    """Fetch the document's address again. If that fails, the document stays as it is."""
    library = services.knowledge.library
    document = await library.get_document(DocumentId(document_id))
    source = await services.fetching.fetcher().fetch_again(document)
    report = IngestReport(unchanged=1)
    if source is not None:
        report = await library.replace_from(document, source, by=staff.name, expected_revision=_revision(if_match))
    return await _changed(document_id, report, services=services, response=response)


@router.delete("/{document_id}", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 404, 412, 422, 503))
async def delete_document(
    *, staff: StaffDep, services: ServicesDep, document_id: DocumentName, if_match: IfMatch = None
) -> schemas.DocumentDeleted:
    """Delete the document for good, with every version of it. Its history keeps who did something and when."""
    await services.knowledge.library.delete(DocumentId(document_id), by=staff.name, expected_revision=_revision(if_match))
    return schemas.DocumentDeleted(message="The document and all versions of it were deleted.", document_id=document_id)


async def _store(given: Given, *, staff: Staff, services: Services, tell: Tell) -> schemas.AddedView:
    report, documents = await store(given, by=staff.name, services=services, tell=tell)
    shown = [schemas.DocumentView.of(document) for document in documents]
    return schemas.AddedView(**dict(schemas.ReportView.of(report)), documents=shown)


async def _edit(
    name: str, values: dict[str, Any], *, if_match: str | None, staff: Staff, services: Services, response: Response
) -> schemas.ChangedView:
    changed = await services.knowledge.library.edit(DocumentId(name), values, by=staff.name, expected_revision=_revision(if_match))
    return schemas.ChangedView(changed=changed, document=schemas.DocumentView.of(await _document(name, services, response)), warnings=[])


async def _changed(name: str, report: IngestReport, *, services: Services, response: Response) -> schemas.ChangedView:
    document = await _document(name, services, response)
    warnings = [schemas.WarningView.of(warning) for warning in report.warnings]
    return schemas.ChangedView(changed=report.indexed > 0, document=schemas.DocumentView.of(document), warnings=warnings)


async def _document(name: str, services: Services, response: Response) -> StoredDocument:
    document = await services.knowledge.library.get_document(DocumentId(name))
    response.headers["ETag"] = f'"{document.revision}"'
    return document


def _revision(if_match: str | None) -> int | None:
    return None if if_match is None or if_match == "*" else int(if_match.strip('"'))
