"""Looking after the knowledge base: what staff put in, read, change and take out.

The invariant: an answer with a 2xx is given once what it tells of is stored. A client that goes away before sends the same again: what is
in already counts as unchanged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request, Response

from deskhand.api import document_schemas as schemas
from deskhand.api import documented, sse
from deskhand.api.auditing import AuditedRoute, recording
from deskhand.api.body import read_json
from deskhand.api.document_history import RevisionView, history_of
from deskhand.api.document_input import Given, read_given, read_order, read_replacement, store
from deskhand.api.document_stream import Tell, stream_progress
from deskhand.api.identity import KnowledgeEditorDep, KnowledgeReaderDep
from deskhand.api.job_schemas import JobView
from deskhand.api.routing import Routes
from deskhand.api.services import Services, ServicesDep
from deskhand.errors import Malformed
from deskhand.knowledge import Along, DocumentFilter, DocumentId, IngestReport, StoredDocument
from deskhand.sessions import Staff


class NothingStored(Malformed):
    """None of the documents could be read."""

    code = "nothing_stored"
    support = "'details.failed' says of each why."


router = Routes(prefix="/knowledge/documents", tags=["knowledge"], route_class=AuditedRoute)

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
_SWITCHED = {**_CHANGED, **documented.errors(401, 403, 404, 412, 422, 503)}

DocumentName = Annotated[str, Path(pattern=r"^doc_[0-9a-f]{24}$")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", pattern=r'^(\*|"[0-9]{1,9}")$', description="The ETag of what was read; a document that changed since stays."),
]


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants of one document, by whatever route. `expected_revision` is the one that they read; `None` is any."""

    document_id: DocumentId
    by: str
    expected_revision: int | None
    services: Services
    response: Response
    # Writes the entry of the audit log into the transaction that makes the change.
    along: Along

    async def edited(self, values: Mapping[str, Any]) -> schemas.ChangedView:
        """Set fields of the document. Raises what `Library.edit` does."""
        changed = await self.services.knowledge.library.edit(
            self.document_id, values, by=self.by, expected_revision=self.expected_revision, along=self.along
        )
        document = await _document(self.document_id, self.services, self.response)
        return schemas.ChangedView(changed=changed, document=schemas.DocumentView.of(document), warnings=[])

    async def shown(self, report: IngestReport) -> schemas.ChangedView:
        """The document after an ingest of it alone."""
        document = await _document(self.document_id, self.services, self.response)
        warnings = [schemas.WarningView.of(warning) for warning in report.warnings]
        return schemas.ChangedView(changed=report.indexed > 0, document=schemas.DocumentView.of(document), warnings=warnings)


async def read_change(
    *,
    staff: KnowledgeEditorDep,
    request: Request,
    services: ServicesDep,
    response: Response,
    document_id: DocumentName,
    if_match: IfMatch = None,
) -> Change:
    expected = None if if_match is None or if_match == "*" else int(if_match.strip('"'))
    return Change(DocumentId(document_id), staff.name, expected, services, response, recording(request))


ChangeDep = Annotated[Change, Depends(read_change)]


@router.get("", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 422, 503))
async def list_documents(
    _staff: KnowledgeReaderDep, services: ServicesDep, response: Response, query: Annotated[schemas.ListDocuments, Query()]
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
                **documented.EVENTS,
            },
        },
        202: {
            "description": "With `Prefer: respond-async`: all of it is kept, and put in by and by. `Location` is the job.",
            "headers": {"Location": {"schema": {"type": "string"}}},
            "content": {"application/json": {"schema": {"$ref": documented.reference(JobView)}}},
        },
        **documented.errors(401, 403, 413, 415, 422, 503),
    },
)
async def add_documents(
    *,
    staff: KnowledgeEditorDep,
    request: Request,
    services: ServicesDep,
    prefer: Annotated[str | None, Header(description="`respond-async`: answer 202 with a job, instead of waiting for the end.")] = None,
) -> Response:
    """Put documents in: words, files, or what is at an address. What is in already just so counts as unchanged."""
    if prefer is not None and "respond-async" in prefer:
        return await _queue(request, staff=staff, services=services)
    given = await read_given(request, services)
    along = recording(request)

    async def work(tell: Tell) -> bytes:
        return (await _store(given, staff=staff, services=services, tell=tell, along=along)).model_dump_json().encode()

    if sse.are_wanted(request):
        return stream_progress(work)
    view = await _store(given, staff=staff, services=services, tell=lambda _step: None, along=along)
    if view.failed and not view.indexed and not view.unchanged:
        raise NothingStored(details={"failed": [failure.model_dump() for failure in view.failed]})
    return Response(view.model_dump_json(), media_type="application/json")


@router.get("/{document_id}", openapi_extra=documented.STAFF, responses={**_CHANGED, **documented.errors(401, 403, 404, 422, 503)})
async def get_document(
    _staff: KnowledgeReaderDep, services: ServicesDep, response: Response, document_id: DocumentName
) -> schemas.DocumentDetail:
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
async def get_document_history(_staff: KnowledgeReaderDep, services: ServicesDep, document_id: DocumentName) -> list[RevisionView]:
    """Who changed what and when, newest first; of a deleted document, who did something and when, and nothing else."""
    library = services.knowledge.library
    revisions = await library.list_revisions(DocumentId(document_id))
    parts = await library.list_parts(DocumentId(document_id))
    return history_of(revisions, "\n\n".join(part.text for part in parts))


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
async def replace_document(change: ChangeDep, request: Request) -> schemas.ChangedView:
    """Let the document say something else. What it said is kept in its history for a while, and found by no search any more."""
    replacement = await read_replacement(request, change.services)
    library = change.services.knowledge.library
    document = await library.get_document(change.document_id)
    return await change.shown(
        await library.replace(document, replacement, by=change.by, expected_revision=change.expected_revision, along=change.along)
    )


@router.patch(
    "/{document_id}",
    openapi_extra={**documented.STAFF, **documented.body(schemas.EditDocument)},
    responses={**_CHANGED, **documented.errors(401, 403, 404, 412, 413, 415, 422, 503)},
)
async def edit_document(change: ChangeDep, request: Request) -> schemas.ChangedView:
    """Set what is said of the document. It stays so when the document is ingested again."""
    wanted = await read_json(request, schemas.EditDocument)
    return await change.edited(wanted.values())


@router.post("/{document_id}/disable", openapi_extra=documented.STAFF, responses=_SWITCHED)
async def disable_document(change: ChangeDep) -> schemas.ChangedView:
    """Keep the document, and answer from it no more."""
    return await change.edited({"disabled": True})


@router.post("/{document_id}/enable", openapi_extra=documented.STAFF, responses=_SWITCHED)
async def enable_document(change: ChangeDep) -> schemas.ChangedView:
    """Answer from the document again, within its effective dates."""
    return await change.edited({"disabled": False})


@router.post(
    "/{document_id}/sync",
    openapi_extra=documented.STAFF,
    responses={**_CHANGED, **documented.errors(401, 403, 404, 409, 412, 413, 415, 422, 502, 503)},
)
async def synchronise_document(change: ChangeDep) -> schemas.ChangedView:
    """Fetch the document's address again. If that fails, the document stays as it is."""
    library = change.services.knowledge.library
    document = await library.get_document(change.document_id)
    source = await change.services.fetching.fetcher().fetch_again(document)
    if source is None:
        return await change.shown(IngestReport(unchanged=1))
    return await change.shown(
        await library.replace_from(document, source, by=change.by, expected_revision=change.expected_revision, along=change.along)
    )


@router.delete("/{document_id}", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 404, 412, 422, 503))
async def delete_document(change: ChangeDep) -> schemas.DocumentDeleted:
    """Delete the document for good, with every version of it. Its history keeps who did something and when."""
    await change.services.knowledge.library.delete(
        change.document_id, by=change.by, expected_revision=change.expected_revision, along=change.along
    )
    return schemas.DocumentDeleted(message="The document and all versions of it were deleted.", document_id=change.document_id)


async def _store(given: Given, *, staff: Staff, services: Services, tell: Tell, along: Along) -> schemas.AddedView:
    report, documents = await store(given, by=staff.name, services=services, tell=tell, along=along)
    shown = [schemas.DocumentView.of(document) for document in documents]
    return schemas.AddedView(**dict(schemas.ReportView.of(report)), documents=shown)


async def _queue(request: Request, *, staff: Staff, services: Services) -> Response:
    order, items = await read_order(request, by=staff.name, services=services)
    along = recording(request)
    job = await (services.jobs.fetch(order, along=along) if order.url is not None else services.jobs.read(order, items, along=along))
    headers = {"Location": f"{services.settings.api_prefix}/jobs/{job.id}", "Preference-Applied": "respond-async"}
    return Response(JobView.of(job).model_dump_json(), status_code=202, media_type="application/json", headers=headers)


async def _document(name: str, services: Services, response: Response) -> StoredDocument:
    document = await services.knowledge.library.get_document(DocumentId(name))
    response.headers["ETag"] = f'"{document.revision}"'
    return document
