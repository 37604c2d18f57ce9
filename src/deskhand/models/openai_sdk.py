"""The way to an OpenAI-compatible endpoint: the official SDK, its raw stream, its aiohttp transport.

Importing this module imports the SDK, which takes a second or two: it is imported in a thread, and only when the model is used.
The invariant: no exception of the SDK, of httpx or of aiohttp leaves this module.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, DefaultAioHttpClient, Omit

from deskhand.models.openai_faults import LARGEST_ERROR_BYTES, ModelCutOff, StatusFailure, error_from_body, find_error_body
from deskhand.models.port import ModelError, ModelProtocolError, ModelTimeout, ModelUnavailable
from deskhand.models.retry import find_retry_after

_CONNECT_SECONDS: Final = 10.0
_CHECK_SECONDS: Final = 3.0
_FAULTS: Final = (APIStatusError, APIConnectionError, httpx2.HTTPError, aiohttp.ClientError, OSError)


class Answer:
    """What the endpoint sends, in pieces of any size."""

    __slots__ = ("_pieces", "_response")

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._pieces: AsyncIterator[bytes] = _stream_of(response).__aiter__()

    async def read(self) -> bytes:
        """The next piece; empty at the end.

        Raises:
            ModelTimeout: nothing came within the idle limit.
            ModelCutOff: the connection broke.
        """
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            return b""
        except httpx2.ReadTimeout as error:
            raise ModelTimeout("The model fell silent.") from error
        except (httpx2.HTTPError, aiohttp.ClientError, OSError) as error:
            raise ModelCutOff("The connection to the model broke.") from error

    async def require_event_stream(self) -> None:
        """Make sure that what comes is an event stream, in plain text.

        Raises:
            ModelError: it is something else; if that is an error object, the error it means.
        """
        headers = self._response.headers
        kind = headers.get("content-type", "text/event-stream").split(";", 1)[0].strip().lower()
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise ModelProtocolError("The model's server sent a compressed stream, which was not asked for.")
        if kind == "text/event-stream":
            return
        if kind == "application/json":
            body = find_error_body(await self._read_start())
            if body is not None:
                raise error_from_body(body)
        raise ModelProtocolError("The model's server sent something other than an event stream.", details={"content_type": kind[:80]})

    async def _read_start(self) -> bytes:
        start = b""
        while len(start) < LARGEST_ERROR_BYTES and (piece := await self.read()):
            start += piece
        return start


class SdkConnection:
    """The connections to one endpoint. `idle_seconds` bounds the wait for the head of an answer and for each piece of it."""

    __slots__ = ("_client", "_idle_seconds", "_model", "_now")

    def __init__(self, *, model: str, base_url: str, api_key: str | None, idle_seconds: float, now: Callable[[], float]) -> None:
        self._model = model
        self._idle_seconds = idle_seconds
        self._now = now
        # The stream is read raw, so it must not come compressed. Without a key no header is sent: some servers refuse an empty one.
        headers: dict[str, Any] = {"Accept-Encoding": "identity"} | ({} if api_key else {"Authorization": Omit()})
        self._client = AsyncOpenAI(
            api_key=api_key or "none",
            base_url=base_url,
            default_headers=headers,
            max_retries=0,
            timeout=httpx2.Timeout(idle_seconds, connect=min(_CONNECT_SECONDS, idle_seconds)),
            http_client=DefaultAioHttpClient(follow_redirects=False),
        )

    @asynccontextmanager
    async def open(self, body: dict[str, Any], *, seconds_left: float) -> AsyncGenerator[Answer, None]:
        """Send `body` and give the answer. Leaving closes the connection unless the answer was read to its end.

        Raises:
            StatusFailure: the endpoint answered with a status of 300 or more.
            ModelError: it could not be reached, was silent for too long, or what came is not an event stream.
        """
        response = await self._send(body, seconds=min(seconds_left, self._idle_seconds))
        try:
            answer = Answer(response)
            await answer.require_event_stream()
            yield answer
        finally:
            await response.aclose()

    async def check(self) -> None:
        """Ask for the list of models, for at most 3 s. A server that has none answers 404, and is there.

        Raises:
            StatusFailure: the endpoint answered with another status of 300 or more.
            ModelError: it could not be reached.
        """
        try:
            async with asyncio.timeout(_CHECK_SECONDS), self._client.models.with_streaming_response.list():
                return
        except (*_FAULTS, TimeoutError) as error:
            failure = self._translate(error)
        if not isinstance(failure, StatusFailure) or failure.status != 404:
            raise failure

    async def close(self) -> None:
        await self._client.close()

    async def _send(self, body: dict[str, Any], *, seconds: float) -> httpx2.Response:
        # The body goes as `extra_body`: the SDK walks every message and tool given by name, which costs 7 ms for an ordinary turn.
        call = self._client.chat.completions.with_streaming_response.create(model=self._model, messages=[], stream=True, extra_body=body)
        try:
            async with asyncio.timeout(seconds):
                return (await call.__aenter__()).http_response
        except (*_FAULTS, TimeoutError) as error:
            failure = self._translate(error)
            # A status error's text is what the provider wrote, which may hold the key: it is not chained.
            raise failure from (None if isinstance(failure, StatusFailure) else error)

    def _translate(self, error: Exception) -> ModelError | StatusFailure:
        if isinstance(error, APIStatusError):
            response = error.response
            return StatusFailure(
                response.status_code,
                body=response.content[:LARGEST_ERROR_BYTES],
                retry_after_seconds=find_retry_after(response.headers, now=self._now()),
            )
        cause = error.__cause__ if isinstance(error, APIConnectionError) else error
        if isinstance(cause, httpx2.ReadTimeout) or (isinstance(cause, TimeoutError) and not isinstance(cause, aiohttp.ClientError)):
            return ModelTimeout("The model did not begin to answer in time.")
        if isinstance(cause, aiohttp.ClientResponseError):
            return ModelProtocolError("The model's server does not speak HTTP.")
        return ModelUnavailable("The model's server cannot be reached.")


def _stream_of(response: httpx2.Response) -> httpx2.AsyncByteStream:
    stream = response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    return stream
