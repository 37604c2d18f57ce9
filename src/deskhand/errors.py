"""The errors that a caller may see. Each carries its code and status; `api` renders them all in one place.

Everything that is not a `DeskhandError` is a fault of ours and goes to the pager, never to a caller.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class DeskhandError(Exception):
    """Base of every error a caller may see.

    `message` is one sentence for the caller; `support` says what to do about it; `details` is safe to send;
    `retry_after_seconds` becomes the header `Retry-After`.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    support: ClassVar[str] = "Please try again. If it goes on, contact support and name the request id."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Mapping[str, Any] | None = None,
        support: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or self.code).split("\n")[0]
        self.details = dict(details) if details else None
        self.remedy = support or self.support
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.message)


class Unauthenticated(DeskhandError):
    """A token is needed, and none or an invalid one was given."""

    code = "unauthenticated"
    status = 401
    support = "Send the session's token as 'Authorization: Bearer …'."


class Forbidden(DeskhandError):
    """This is not yours to do."""

    code = "forbidden"
    status = 403
    support = "Ask an administrator for the right to do this."


class NotFound(DeskhandError):
    """There is nothing here under that name."""

    code = "not_found"
    status = 404
    support = "Check the address or the id."


class Conflict(DeskhandError):
    """The request does not fit the present state."""

    code = "conflict"
    status = 409
    support = "Read the present state again, then decide."


class TooLarge(DeskhandError):
    """What was sent is larger than the limit."""

    code = "too_large"
    status = 413
    support = "Send less at once."


class UnsupportedKind(DeskhandError):
    """A file of this kind cannot be read here."""

    code = "unsupported_kind"
    status = 415
    support = "Send one of the supported kinds."


class Malformed(DeskhandError):
    """The request cannot be understood."""

    code = "malformed"
    status = 422
    support = "Correct the request and send it again."


class TooMany(DeskhandError):
    """Too many requests."""

    code = "too_many_requests"
    status = 429
    support = "Wait as long as 'Retry-After' says, then try again."


class PartDown(DeskhandError):
    """A part that is needed for this does not answer."""

    code = "unavailable"
    status = 503
    support = "Please try again in a moment."


class ConfigurationError(DeskhandError):
    """The installation is not set up rightly. Stops the start; the message names the cause, `remedy` what to do."""

    code = "configuration_error"
    status = 500
    support = "Correct the setting and start again."
