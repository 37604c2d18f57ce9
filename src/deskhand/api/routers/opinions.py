"""What customers think: a rating of the conversation, a thumb for each answer. The invariant: only the customer may say it."""

from typing import Any

from fastapi import Request

from deskhand.api import desk_schemas, documented
from deskhand.api.body import read_json
from deskhand.api.identity import KnownDep, SessionIdDep
from deskhand.api.routing import Routes
from deskhand.api.services import ServicesDep
from deskhand.errors import Forbidden
from deskhand.insights import Feedback, Rating
from deskhand.sessions import Staff

router = Routes(tags=["opinions"])

_VISITOR: dict[str, Any] = {"security": [{"VisitorToken": []}]}
_ERRORS = documented.errors(401, 403, 404, 413, 415, 422, 503)


def _refuse_staff(caller: KnownDep) -> None:
    if isinstance(caller, Staff):
        raise Forbidden("Only the customer can say what they think.")


@router.post("/sessions/{session_id}/rating", openapi_extra={**_VISITOR, **documented.body(desk_schemas.Rate)}, responses=_ERRORS)
async def rate_conversation(
    *, authorised: SessionIdDep, caller: KnownDep, request: Request, services: ServicesDep
) -> desk_schemas.RatingView:
    """Rate the conversation, in place of an earlier rating."""
    _refuse_staff(caller)
    wanted = await read_json(request, desk_schemas.Rate)
    await services.opinions.rate(authorised, Rating(wanted.score, wanted.comment))
    services.inbox.changed(authorised)
    return desk_schemas.RatingView(score=wanted.score, comment=wanted.comment)


@router.post(
    "/chat/sessions/{session_id}/messages/{message_id}/feedback",
    openapi_extra={**_VISITOR, **documented.body(desk_schemas.GiveFeedback)},
    responses=_ERRORS,
)
async def give_feedback(
    *, authorised: SessionIdDep, caller: KnownDep, message_id: str, request: Request, services: ServicesDep
) -> desk_schemas.FeedbackView:
    """Say whether an answer helped, in place of what was said before."""
    _refuse_staff(caller)
    wanted = await read_json(request, desk_schemas.GiveFeedback)
    given = Feedback(wanted.value, wanted.comment) if wanted.value is not None else None
    await services.opinions.judge(authorised, message_id, given)
    services.inbox.changed(authorised)
    return desk_schemas.FeedbackView(message_id=message_id, value=wanted.value, comment=wanted.comment if given else "")
