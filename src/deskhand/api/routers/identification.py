"""A visitor proves who they are, with a token that the company's own site signed."""

from fastapi import Request

from deskhand.api import documented, schemas
from deskhand.api.body import read_json
from deskhand.api.identity import SessionIdDep
from deskhand.api.routing import Routes
from deskhand.api.services import ServicesDep
from deskhand.sessions import IdentificationOff

router = Routes(tags=["sessions"])


@router.post(
    "/sessions/{session_id}/identify",
    openapi_extra={**documented.VISITOR, **documented.body(schemas.IdentifyCustomer)},
    responses=documented.errors(401, 404, 409, 413, 415, 422),
)
async def identify_customer(session_id: SessionIdDep, request: Request, services: ServicesDep) -> schemas.NewSession:
    """Make the session that of the customer whom `user_token` names, with a new visitor's token; the one that was used is void.

    The token is a JWT of the company's site: `sub` is the customer, `aud` the setting `DESKHAND_WIDGET_AUDIENCE`, `jti` new each time,
    `exp` within an hour of `iat`. It counts once.
    """
    wanted = await read_json(request, schemas.IdentifyCustomer)
    if services.user_tokens is None:
        raise IdentificationOff
    claims = services.user_tokens.verify(wanted.user_token, now=services.clock.now())
    return schemas.NewSession.opened(await services.sessions.identify(session_id, claims))
