"""What went wrong at an OpenAI-compatible endpoint, as a model error.

The invariant: the message of an error is a sentence of ours, fit for a customer. What the provider wrote may hold the key or the
conversation, so it never becomes part of an error.
"""

from typing import Final

import msgspec

from deskhand.models.port import (
    ModelError,
    ModelProtocolError,
    ModelRateLimited,
    ModelRefused,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
)

LARGEST_ERROR_BYTES: Final = 16_384


class ModelCutOff(ModelProtocolError):
    """The connection ended before the end marker."""


class ErrorBody(msgspec.Struct, gc=False):
    """What servers put under `error`. `code` is a word or an HTTP status."""

    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Envelope(msgspec.Struct, gc=False):
    error: ErrorBody | str


_REJECTIONS: Final = ("invalid_request", "context_length", "authentication", "permission", "invalid_api_key", "not_found")

_envelopes: Final = msgspec.json.Decoder(_Envelope)


class StatusFailure(Exception):
    """The endpoint answered with a status of 300 or more. `body` is at most `LARGEST_ERROR_BYTES` of what it sent."""

    def __init__(self, status: int, *, body: bytes, retry_after_seconds: float | None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body
        self.retry_after_seconds = retry_after_seconds

    @property
    def complaint(self) -> str:
        """What the provider wrote. It may hold the key or the conversation: for a DEBUG log at most, which is redacted."""
        return self.body.decode("utf-8", "replace")

    def to_error(self) -> ModelError:
        """The model error this status and body mean."""
        error = self._classify()
        error.details = {**(error.details or {}), "provider_status": self.status}
        error.retry_after_seconds = self.retry_after_seconds
        return error

    def _classify(self) -> ModelError:
        status = self.status
        if status == 429:
            return _rate_limited()
        if status in {408, 409, 425} or status >= 500:
            return ModelUnavailable("The model's server cannot answer at the moment.")
        body = find_error_body(self.body)
        if body is not None and _is_filter(_words(body)):
            return ModelRefused("The model declined to answer.")
        return _rejected()


def remedy_for(status: int) -> str:
    """What whoever runs the installation can do about a status. Not for a caller, who cannot do it."""
    if status in {401, 403}:
        return "Check DESKHAND_MODEL_API_KEY."
    if status == 404:
        return "Check DESKHAND_MODEL and DESKHAND_MODEL_BASE_URL."
    if status == 413:
        return "The conversation is too long for the model: lower DESKHAND_CONTEXT_MESSAGES."
    if status == 429:
        return "Wait, or ask the provider for a higher limit."
    if status >= 500:
        return "Look at the logs of the model's server."
    return "Check that the model and its server support streamed chat completions with tools."


def find_error_body(data: bytes) -> ErrorBody | None:
    """The error object of a JSON body; None when there is none."""
    try:
        error = _envelopes.decode(data).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return ErrorBody(message=error) if isinstance(error, str) else error


def error_from_body(body: ErrorBody | str) -> ModelError:
    """The model error that an error object inside a stream means. One that says nothing is a fault of the server."""
    if isinstance(body, str):
        body = ErrorBody(message=body)
    words = _words(body)
    status = _status(body)
    if status == 429 or "rate_limit" in words or "too_many_requests" in words or "insufficient_quota" in words:
        return _rate_limited()
    if _is_filter(words):
        return ModelRefused("The model declined to answer.")
    if status == 408 or "timeout" in words:
        return ModelTimeout("The model took too long.")
    if 400 <= status < 500 or any(word in words for word in _REJECTIONS):
        return _rejected()
    return ModelUnavailable("The model's server failed while it answered.")


def _rate_limited() -> ModelRateLimited:
    return ModelRateLimited("The model's server takes no more requests at the moment.")


def _rejected() -> ModelRejected:
    return ModelRejected("The model's server does not accept the request.")


def _words(body: ErrorBody) -> str:
    return f"{body.type or ''} {body.code if body.code is not None else ''}".lower()


def _is_filter(words: str) -> bool:
    return "content_filter" in words or "content_policy" in words or "responsibleaipolicy" in words


def _status(body: ErrorBody) -> int:
    code = str(body.code) if body.code is not None else ""
    return int(code) if len(code) == 3 and code.isascii() and code.isdigit() else 0
