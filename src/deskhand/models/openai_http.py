"""The way to an OpenAI-compatible endpoint: one HTTP request, and the bytes of its answer as they come.

The invariant: no exception of aiohttp leaves this module, and leaving `open` frees the connection at once: kept if the answer was read to
its end, closed if not.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec

import deskhand
from deskhand.models.openai_faults import LARGEST_ERROR_BYTES, ModelCutOff, StatusFailure, error_from_body, find_error_body
from deskhand.models.port import ModelError, ModelProtocolError, ModelTimeout, ModelUnavailable
from deskhand.models.retry import find_retry_after

_CONNECT_SECONDS: Final = 10.0
_CHECK_SECONDS: Final = 3.0
_KEEP_ALIVE_SECONDS: Final = 30.0
_FAULTS: Final = (aiohttp.ClientError, OSError, TimeoutError)


class Answer:
    """What the endpoint sends, in pieces of any size."""

    __slots__ = ("_content", "_gathering", "_response")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._content = response.content
        self._gathering: asyncio.Future[None] | None = None
        self._content.on_eof(self._stop_gathering)

    async def gather(self, seconds: float) -> None:
        """Wait while the answer comes in, for `seconds` or until it has ended, so that the next piece is a larger one."""
        if self._content.is_eof():
            return
        loop = asyncio.get_running_loop()
        self._gathering = loop.create_future()
        timer = loop.call_later(seconds, self._stop_gathering)
        try:
            await self._gathering
        finally:
            timer.cancel()

    def _stop_gathering(self) -> None:
        if self._gathering is not None and not self._gathering.done():
            self._gathering.set_result(None)

    async def read(self) -> bytes:
        """The next piece; empty at the end.

        Raises:
            ModelTimeout: nothing came within the idle limit.
            ModelCutOff: the connection broke.
        """
        try:
            return await self._content.readany()
        except aiohttp.SocketTimeoutError as error:
            raise ModelTimeout("The model fell silent.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ModelCutOff("The connection to the model broke.") from error

    async def require_event_stream(self) -> None:
        """Make sure that what comes is an event stream, in plain text.

        Raises:
            ModelError: it is something else; if that is an error object, the error it means.
        """
        headers = self._response.headers
        kind = headers.get("Content-Type", "text/event-stream").split(";", 1)[0].strip().lower()
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ModelProtocolError("The model's server sent a compressed stream, which was not asked for.")
        if kind == "text/event-stream":
            return
        if kind == "application/json":
            body = find_error_body(await self.read_start())
            if body is not None:
                raise error_from_body(body)
        raise ModelProtocolError("The model's server sent something other than an event stream.", details={"content_type": kind[:80]})

    async def read_start(self) -> bytes:
        """The first `LARGEST_ERROR_BYTES` of the body, or what came of them before the connection broke."""
        start = b""
        try:
            while len(start) < LARGEST_ERROR_BYTES and (piece := await self.read()):
                start += piece
        except ModelCutOff:
            pass
        return start[:LARGEST_ERROR_BYTES]


class HttpConnection:
    """The connections to one endpoint. `idle_seconds` bounds the wait for the head of an answer and for each piece of it.

    Obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY as they stand when it is made.
    """

    __slots__ = ("_base_url", "_headers", "_idle_seconds", "_model", "_now", "_proxy", "_session")

    def __init__(self, *, model: str, base_url: str, api_key: str | None, idle_seconds: float, now: Callable[[], float]) -> None:
        self._model = model
        self._base_url = base_url.rstrip("/")
        self._idle_seconds = idle_seconds
        self._now = now
        self._proxy = _find_proxy(base_url)
        # The stream is read as it comes, so it must not come compressed.
        self._headers = {
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": f"deskhand/{deskhand.__version__}",
        }
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(self, body: dict[str, Any], *, seconds_left: float) -> AsyncGenerator[Answer, None]:
        """Send `body` and give the answer.

        Raises:
            StatusFailure: the endpoint answered with a status of 300 or more.
            ModelError: it could not be reached, was silent for too long, or what came is not an event stream.
        """
        data = msgspec.json.encode({"model": self._model, "stream": True, **body})
        try:
            async with asyncio.timeout(min(seconds_left, self._idle_seconds)):
                response = await self._make_session().post(f"{self._base_url}/chat/completions", data=data, allow_redirects=False)
        except _FAULTS as error:
            raise _translate(error) from error
        try:
            answer = Answer(response)
            if response.status >= 300:
                raise await self._status_failure(response, seconds_left=seconds_left)
            await answer.require_event_stream()
            yield answer
        finally:
            response.release()

    async def check(self) -> None:
        """Ask for the list of models, for at most 3 s. A server that has none answers 404, and is there.

        Raises:
            StatusFailure: the endpoint answered with another status of 300 or more.
            ModelError: it could not be reached.
        """
        try:
            async with (
                asyncio.timeout(_CHECK_SECONDS),
                self._make_session().get(f"{self._base_url}/models", allow_redirects=False) as response,
            ):
                if response.status >= 300 and response.status != 404:
                    raise await self._status_failure(response, seconds_left=_CHECK_SECONDS)
        except _FAULTS as error:
            raise _translate(error) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _make_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            idle = self._idle_seconds
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
                timeout=aiohttp.ClientTimeout(sock_connect=min(_CONNECT_SECONDS, idle), sock_read=idle),
                headers=self._headers,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=self._proxy,
            )
        return self._session

    async def _status_failure(self, response: aiohttp.ClientResponse, *, seconds_left: float) -> StatusFailure:
        body = b""
        try:
            async with asyncio.timeout(min(seconds_left, self._idle_seconds)):
                body = await Answer(response).read_start()
        except (TimeoutError, ModelTimeout):
            # The status says enough.
            pass
        return StatusFailure(response.status, body=body, retry_after_seconds=find_retry_after(response.headers, now=self._now()))


def _translate(error: Exception) -> ModelError:
    match error:
        case aiohttp.ConnectionTimeoutError():
            return ModelUnavailable("The model's server cannot be reached.")
        case TimeoutError():
            return ModelTimeout("The model did not begin to answer in time.")
        case aiohttp.ClientResponseError():
            return ModelProtocolError("The model's server does not speak HTTP.")
        case _:
            return ModelUnavailable("The model's server cannot be reached.")


def _find_proxy(base_url: str) -> str | None:
    parts = urlsplit(base_url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
