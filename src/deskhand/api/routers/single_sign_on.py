"""Signing in at the company's identity provider: where a browser goes, and where it comes back to. For browsers, not for programs.

The invariant: whatever goes wrong, the browser ends on the console's page, which says what; no other page can begin a sign-in.
"""

from urllib.parse import urlencode

import structlog
from fastapi import Request
from fastapi.responses import RedirectResponse

from deskhand.api.cookies import SIGN_IN, STAFF, set_begun, set_ended, set_signed_in
from deskhand.api.identity import CrossSite
from deskhand.api.routing import Routes
from deskhand.api.services import Services, ServicesDep
from deskhand.errors import DeskhandError
from deskhand.staff import Arrival
from deskhand.staff.errors import SingleSignOnOff

log = structlog.get_logger(__name__)

router = Routes(prefix="/staff/oidc", include_in_schema=False)

_CONSOLE = "/console"


@router.get("/start")
async def begin_single_sign_on(request: Request, services: ServicesDep) -> RedirectResponse:
    """Send the browser to the identity provider."""
    provider = services.staff.single_sign_on
    if provider is None:
        raise SingleSignOnOff
    if not services.origins.is_own(request.scope):
        raise CrossSite
    callback = _callback_path(services)
    redirect_uri = services.settings.oidc_redirect_url or f"{services.origins.own(request.scope)}{callback}"
    try:
        address, kept = await provider.begin(redirect_uri)
    except DeskhandError as error:
        return _refused(error)
    response = RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
    set_begun(response, kept, path=callback, secure=services.origins.is_secure(request.scope))
    return response


@router.get("/callback")
async def end_single_sign_on(request: Request, services: ServicesDep) -> RedirectResponse:
    """Sign the browser in that comes back from the identity provider."""
    provider = services.staff.single_sign_on
    if provider is None:
        raise SingleSignOnOff
    secure = services.origins.is_secure(request.scope)
    arrival = Arrival(request.scope["deskhand.client"], replaced_token=request.cookies.get(STAFF))
    try:
        signed_in = await provider.end(dict(request.query_params), request.cookies.get(SIGN_IN), arrival=arrival)
    except DeskhandError as error:
        response = _refused(error)
    else:
        response = RedirectResponse(_CONSOLE, status_code=303, headers={"Cache-Control": "no-store"})
        set_signed_in(
            response,
            signed_in.token,
            known_browser=signed_in.known_browser,
            sign_in_path=f"{services.settings.api_prefix}/staff/sign-in",
            lasts_seconds=services.settings.staff_session_seconds,
            secure=secure,
        )
    set_ended(response, path=_callback_path(services), secure=secure)
    return response


def _callback_path(services: Services) -> str:
    return f"{services.settings.api_prefix}/staff/oidc/callback"


def _refused(error: DeskhandError) -> RedirectResponse:
    """To the console, which says why: `?sign_in=<code of the error>`."""
    log.warning("single_sign_on_refused", code=error.code, reason=error.message)
    return RedirectResponse(f"{_CONSOLE}?{urlencode({'sign_in': error.code})}", status_code=303, headers={"Cache-Control": "no-store"})
