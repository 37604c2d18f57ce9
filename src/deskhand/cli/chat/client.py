"""One session on a server, spoken with over HTTP: messages are posted, what happens is read as server-sent events.

The invariant: every event is handed on once and in order, whatever breaks in between, because reading goes on behind the last id seen;
and a message appears once, because it is sent again under the same id until the server has answered.

A thread of its own does it, so that the terminal's thread can wait for a key or an event and still hear Ctrl-C.
"""

import asyncio
import queue
import random
import secrets
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import aiohttp
import msgspec

from deskhand.cli.chat.notices import ConnectionLost, ConnectionRestored, Notice, NotSent, SessionGone
from deskhand.errors import DeskhandError, PartDown
from deskhand.turns.events import SessionEvent

T = TypeVar("T")

_REQUEST_SECONDS = 20.0
# The server sends a sign of life every 15 s.
_SILENCE_SECONDS = 40.0
_TRIES_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 5.0
_BUFFER_BYTES = 4_000_000
_GONE = {401, 403, 404}
_LATER = {429, 502, 503, 504, 507}

_decoder = msgspec.json.Decoder(SessionEvent)


class ServerUnreachable(PartDown):
    """The server does not answer."""

    code = "server_unreachable"
    support = "Start it with 'deskhand serve', or check the address."


class ServerRefused(DeskhandError):
    """The server answered, and did not do what was asked."""

    code = "server_refused"
    support = "Check that the address is that of a Deskhand server."


class ChatClient:
    """`url` is the server's, without a slash at its end; `prefix` that of its API."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._url = url
        self._api = f"{url}{prefix}"
        self._notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chat", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._token = ""
        self._session_id = ""
        self._cursor = "0"

    def open(self) -> None:
        """Open a session and begin to listen.

        Raises:
            ServerUnreachable, ServerRefused.
        """
        if not self._thread.is_alive():
            self._thread.start()
        self._do(self._open())

    def say(self, content: str, *, attachments: Sequence[str] = ()) -> str:
        """Send a message; what becomes of it is among the notices. Returns the `client_message_id` it goes under."""
        client_message_id = f"cli_{secrets.token_hex(12)}"
        self._loop.call_soon_threadsafe(self._start, self._deliver(content, client_message_id, attachments))
        return client_message_id

    def cancel(self) -> None:
        """Ask the server to stop the answer that runs."""
        self._loop.call_soon_threadsafe(self._start, self._cancel())

    def upload(self, path: Path) -> dict[str, Any]:
        """Send a file; its `attachment_id` can be named in messages.

        Raises:
            OSError: the file cannot be read.
            ServerUnreachable, ServerRefused.
        """
        return self._do(self._upload(path.name, path.read_bytes()))

    def receive(self) -> Notice:
        """The next notice; waits for it."""
        return self._notices.get()

    def pending(self) -> list[Notice]:
        """The notices that wait already."""
        found: list[Notice] = []
        with suppress(queue.Empty):
            while True:
                found.append(self._notices.get_nowait())
        return found

    def close(self) -> None:
        if self._thread.is_alive():
            self._do(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        await self._close()
        self._http = aiohttp.ClientSession(read_bufsize=_BUFFER_BYTES)
        opened = await self._request("POST", "/sessions", json={"metadata": {"channel": "terminal"}})
        self._session_id, self._token, self._cursor = opened["session_id"], opened["token"], "0"
        self._start(self._follow())

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    @property
    def _client(self) -> aiohttp.ClientSession:
        assert self._http is not None, "open() comes first"
        return self._http

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def _request(self, method: str, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
        try:
            async with self._client.request(
                method, f"{self._api}{path}", headers=self._headers | (headers or {}), timeout=timeout, **body
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServerUnreachable(f"{self._url} does not answer.") from error
        if response.status >= 400:
            raise _refusal(response.status, answer, response.headers.get("Retry-After"))
        try:
            return cast("dict[str, Any]", msgspec.json.decode(answer, type=dict))
        except msgspec.DecodeError as error:
            raise ServerRefused(f"{self._url} is not a Deskhand server.") from error

    async def _deliver(self, content: str, client_message_id: str, attachments: Sequence[str]) -> None:
        body = {"message": content, "client_message_id": client_message_id, "attachments": list(attachments)}
        deadline = self._loop.time() + _TRIES_SECONDS
        tries = 0
        while True:
            tries += 1
            try:
                await self._request("POST", f"/chat/sessions/{self._session_id}/messages", json=body, headers={"Prefer": "respond-async"})
            except DeskhandError as error:
                wait = error.retry_after_seconds or _wait_seconds(tries)
                again = isinstance(error, ServerUnreachable) or error.retry_after_seconds is not None
                if not again or self._loop.time() + wait > deadline:
                    self._notices.put(NotSent(error.message, error.remedy))
                    return
                await asyncio.sleep(wait)
            else:
                return

    async def _follow(self) -> None:
        failures = 0
        while True:
            try:
                async with self._client.get(
                    f"{self._api}/sessions/{self._session_id}/events",
                    headers=self._headers | {"Accept": "text/event-stream", "Last-Event-ID": self._cursor},
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=_REQUEST_SECONDS, sock_read=_SILENCE_SECONDS),
                ) as response:
                    if response.status in _GONE:
                        self._notices.put(SessionGone("The session is not there any more."))
                        return
                    response.raise_for_status()
                    if failures:
                        self._notices.put(ConnectionRestored())
                    failures = 0
                    async for event in _events(response.content):
                        self._cursor = event.id
                        self._notices.put(event)
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            if not failures:
                self._notices.put(ConnectionLost())
            failures += 1
            await asyncio.sleep(_wait_seconds(failures))

    async def _cancel(self) -> None:
        address = f"{self._url.replace('http', 'ws', 1)}/ws?session_id={self._session_id}"
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with (
                asyncio.timeout(_REQUEST_SECONDS),
                self._client.ws_connect(address, protocols=("deskhand", f"token.{self._token}")) as socket,
            ):
                await socket.send_json({"type": "cancel"})
                # Frames are obeyed in order, so the pong says that the first one was.
                await socket.send_json({"type": "ping"})
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT and msgspec.json.decode(message.data, type=dict).get("type") == "pong":
                        return

    async def _upload(self, filename: str, data: bytes) -> dict[str, Any]:
        form = aiohttp.FormData()
        form.add_field("session_id", self._session_id)
        form.add_field("file", data, filename=filename)
        return await self._request("POST", "/chat/upload", data=form)


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[SessionEvent]:
    """The events of a stream. A kind of event that is younger than this program is passed over."""
    async for line in content:
        if not line.startswith(b"data: "):
            continue
        with suppress(msgspec.ValidationError):
            yield _decoder.decode(line[6:])


def _refusal(status: int, answer: bytes, retry_after: str | None) -> DeskhandError:
    try:
        shape = msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.DecodeError:
        shape = {}
    seconds = float(retry_after) if retry_after is not None and retry_after.isdigit() else None
    return ServerRefused(
        str(shape.get("message", f"The server answered with status {status}.")),
        support=str(shape["support"]) if "support" in shape else None,
        retry_after_seconds=(seconds or 1.0) if status in _LATER else None,
    )


def _wait_seconds(tries: int) -> float:
    return min(_LONGEST_WAIT_SECONDS, 0.25 * 2.0**tries) * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret
