"""The cookies of the console. Both are HttpOnly and SameSite=Strict: no script reads them, and no other site has them sent.

The invariant: a cookie is a credential only together with what a page of this server alone can send; see `identity`.
"""

import re

from starlette.responses import Response

STAFF = "deskhand_staff"
KNOWN_BROWSER = "deskhand_known"
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
