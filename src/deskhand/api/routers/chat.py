"""Saying something and hearing the answer; the transcript; the knowledge base; files."""

from typing import Annotated, Any

import msgspec
from fastapi import Query, Request, Response

from deskhand.api import documented, schemas, sse
from deskhand.api.body import read_json
from deskhand.api.errors import render_failed_turn, request_id_of
from deskhand.api.identity import PrincipalDep, SessionIdDep, WriterDep, access, authorise_writer
from deskhand.api.messages import FILE_KINDS, MESSAGE_BODY, is_form, read_form, read_message, show_upload, store_upload
from deskhand.api.routing import Routes
from deskhand.api.services import ServicesDep, services_of
from deskhand.api.streaming import Draining, follow_turn
from deskhand.api.withdrawal import hide_withdrawn, with_current
from deskhand.clock import to_iso
from deskhand.errors import Malformed, Unauthenticated, UnsupportedKind
from deskhand.ids import SessionId
from deskhand.knowledge import Audience, Passage
from deskhand.sessions import Anonymous
from deskhand.texts import language_of, texts_for
from deskhand.turns import Accepted
from deskhand.turns.events import Complete
from deskhand.turns.render import show_event

router = Routes(prefix="/chat", tags=["chat"])

_UPLOAD = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {"file": {"type": "string", "format": "binary"}, "session_id": {"type": "string", "pattern": "^sess_[0-9a-f]{12}$"}},
}


@router.post(
    "/sessions/{session_id}/messages",
    response_class=Response,
    openapi_extra={
        **documented.VISITOR,
        **MESSAGE_BODY,
    },
    responses={
        200: {
            "description": "The answer; with `Accept: text/event-stream` the events of the turn, to its end.",
            "content": {
                "application/json": {"schema": {"$ref": documented.reference(schemas.AnswerView)}},
                **documented.EVENTS,
            },
        },
        202: {
            "model": schemas.AcceptedView,
            "description": "Stored: a person will answer, or `Prefer: respond-async` was sent.",
        },
        **documented.errors(401, 404, 409, 413, 415, 422, 429, 503),
    },
)
async def send_message(session_id: str, request: Request) -> Response:
    """Say something, and wait for the answer. A client that goes away does not stop it: the answer is in the transcript."""
    # Asked for here, not by `Depends`, which costs as much as all the rest of the route.
    services = services_of(request)
    authorised = await authorise_writer(session_id, request)
    if services.turns.draining:
        raise Draining(retry_after_seconds=2)
    said = await read_message(request, authorised, services)
    accepted = await services.turns.accept(
        authorised, content=said.message, client_message_id=said.client_message_id, attachments=said.attachments
    )
    if accepted.turn_id is None or "respond-async" in request.headers.get("prefer", "").lower():
        return _accepted(authorised, accepted, said=said.message, now=services.clock.now())
    if sse.are_wanted(request):
        return follow_turn(request, accepted, session_id=authorised, services=services)
    outcome = await services.turns.outcome(authorised, accepted)
    if isinstance(outcome, Complete):
        outcome = await with_current(outcome, authorised, services) if accepted.duplicate else outcome
        return Response(msgspec.json.encode(_answer(outcome)), media_type="application/json")
    return render_failed_turn(outcome, message_id=accepted.message_id, request_id=request_id_of(request))


@router.post("/sessions/{session_id}/cancel", openapi_extra=documented.VISITOR, responses=documented.errors(401, 404, 422, 503))
async def cancel_turn(authorised: WriterDep, services: ServicesDep) -> schemas.CancelledView:
    """Stop the answer that runs. What was said of it is kept in the transcript, marked incomplete."""
    return schemas.CancelledView(turn_id=await services.turns.cancel(authorised))


@router.get("/sessions/{session_id}/messages", openapi_extra=documented.VISITOR, responses=documented.errors(401, 404, 422))
async def list_messages(authorised: SessionIdDep, services: ServicesDep, page: Annotated[schemas.Page, Query()]) -> schemas.Transcript:
    """The transcript, oldest first: from its beginning, or with `before` the messages before those that are known."""
    found = await services.sessions.read_transcript(authorised, limit=page.limit, offset=page.offset, before=page.before)
    told = await services.opinions.list_of_session(authorised)
    views = [schemas.MessageView.of(message, feedback=told.thumbs.get(message.id)) for message in found.messages]
    await hide_withdrawn(views, authorised, services)
    return schemas.Transcript(
        messages=views,
        notices=[show_event(event) for event in found.notices],
        has_more=found.has_more,
        total=found.total,
        session_id=authorised,
        rating=told.score,
    )


@router.post(
    "/search",
    openapi_extra={**documented.PUBLIC, **documented.body(schemas.SearchKnowledge)},
    responses=documented.errors(401, 413, 415, 422, 503),
)
async def search_knowledge(_caller: PrincipalDep, request: Request, services: ServicesDep) -> list[schemas.SourceView]:
    """Ask the knowledge base only: what is public in it, as anybody may who opens a session."""
    wanted = await read_json(request, schemas.SearchKnowledge)
    passages = await services.knowledge.search(wanted.query, limit=wanted.limit, audience=Audience.public())
    return [_source(passage) for passage in passages]


@router.post(
    "/upload",
    openapi_extra={
        **documented.VISITOR,
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _UPLOAD, "encoding": {"file": FILE_KINDS}}}},
    },
    responses=documented.errors(401, 404, 413, 415, 422),
)
async def upload_file(
    *,
    principal: PrincipalDep,
    request: Request,
    services: ServicesDep,
    session_id: Annotated[
        str | None,
        Query(max_length=64, description="The session, unless the form names it.", json_schema_extra={"pattern": "^sess_[0-9a-f]{12}$"}),
    ] = None,
) -> schemas.UploadView:
    """Attach a file to a session; name its `attachment_id` in a message."""
    if isinstance(principal, Anonymous):
        raise Unauthenticated
    if not is_form(request):
        raise UnsupportedKind("The body is not a form.", support="Send 'multipart/form-data' with the field 'file'.")
    try:
        form = await read_form(request, services, files={"file"}, fields={"session_id"})
        wanted = form.get("session_id", session_id)
        uploads = form.getlist("file")
        if not isinstance(wanted, str):
            raise Malformed("session_id: it is missing.", support="Name the session in the form or as ?session_id=….")
        if len(uploads) != 1 or isinstance(uploads[0], str):
            raise Malformed("file: exactly one file is expected.")
        session = await access(wanted, principal, services)
        attachment, problem = await store_upload(uploads[0], session.id, services)
    finally:
        await request.close()
    return show_upload(attachment, problem)


def _accepted(session_id: SessionId, accepted: Accepted, *, said: str, now: float) -> Response:
    with_a_person = accepted.turn_id is None
    body: dict[str, Any] = {
        "message": texts_for(language_of(said)).with_a_person if with_a_person else "",
        "message_id": accepted.message_id,
        "turn_id": accepted.turn_id,
        "sources": [],
        "requires_escalation": with_a_person,
        "confidence": 0.0,
        "session_id": session_id,
        "timestamp": to_iso(now),
        "processing_time": 0.0,
        "tools_used": [],
        "metadata": {},
        "duplicate": accepted.duplicate,
    }
    return Response(msgspec.json.encode(body), status_code=202, media_type="application/json")


def _answer(complete: Complete) -> dict[str, Any]:
    return {
        "message": complete.message,
        "message_id": complete.message_id,
        "turn_id": complete.turn_id,
        "sources": complete.sources,
        "requires_escalation": complete.requires_escalation,
        "confidence": complete.confidence,
        "session_id": complete.session_id,
        "timestamp": complete.timestamp,
        "processing_time": complete.processing_time,
        "tools_used": complete.tools_used,
        "metadata": complete.metadata,
    }


def _source(passage: Passage) -> schemas.SourceView:
    known = {
        "url": passage.url,
        "page": passage.page,
        "section": passage.section,
        "document_id": passage.document_id,
        "chunk_id": passage.chunk_id,
    }
    return schemas.SourceView(
        content=passage.text,
        metadata={"source": passage.source, "title": passage.title, **{key: value for key, value in known.items() if value is not None}},
        relevance_score=passage.score,
        rank=passage.rank,
    )
