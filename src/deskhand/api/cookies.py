"""The cookies of the console. All are HttpOnly: no script reads them. Those of who is signed in are SameSite=Strict: no other site has
them sent. The one of a sign-in at an identity provider is Lax, because it is the provider's site that leads back here.

The invariant: a cookie is a credential only together with what a page of this server alone can send; see `identity`.
"""

import re

from starlette.responses import Response

STAFF = "deskhand_staff"
KNOWN_BROWSER = "deskhand_known"
SIGN_IN = "deskhand_oidc"
_SIGN_IN_SECONDS = 600
_KNOWN_SECONDS = 180 * 86_400
_TOKEN = re.compile(rf"(?:^|;)\s*{STAFF}=([^;\s]+)")


def staff_token(header: str) -> str | None:
    """What a `Cookie` header says that this browser is signed in with."""
    found = _TOKEN.search(header)
    return found[1] if found is not None else None


def set_signed_in(response: Response, token: str, *, known_browser: str, sign_in_path: str, lasts_seconds: int, secure: bool) -> None:
    """Sign the browser in, and let it show at `sign_in_path` later that it was."""
    response.set_cookie(STAFF, token, max_age=lasts_seconds, path="/", secure=secure, httponly=True, samesite="strict")
    response.set_cookie(
        KNOWN_BROWSER, known_browser, max_age=_KNOWN_SECONDS, path=sign_in_path, secure=secure, httponly=True, samesite="strict"
    )


def set_signed_out(response: Response, *, secure: bool) -> None:
    response.delete_cookie(STAFF, path="/", secure=secure, httponly=True, samesite="strict")


def set_begun(response: Response, kept: str, *, path: str, secure: bool) -> None:
    """Let the browser show at `path` that it began the sign-in that comes back there."""
    response.set_cookie(SIGN_IN, kept, max_age=_SIGN_IN_SECONDS, path=path, secure=secure, httponly=True, samesite="lax")


def set_ended(response: Response, *, path: str, secure: bool) -> None:
    response.delete_cookie(SIGN_IN, path=path, secure=secure, httponly=True, samesite="lax")
