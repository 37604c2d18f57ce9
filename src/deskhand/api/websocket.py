"""The WebSocket: one connection of one reader of one session.

Two tasks serve a connection: this one takes the client's frames, another sends the session's events. The invariant: events are pulled, so
what waits for a slow client is the socket's own buffer (64 KiB) and one event; and no frame, however wrong, ends the connection.
"""

import asyncio
import secrets
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import msgspec
import structlog
from starlette.types import Message, Receive, Scope, Send

from deskhand.api import frames
from deskhand.api.identity import access, identify_token
from deskhand.api.messages import check_length
from deskhand.api.services import Services
from deskhand.api.streams import Closing, Reader
from deskhand.errors import DeskhandError, TooMany, Unauthenticated
from deskhand.sessions import Session, SessionNotFound

SUBPROTOCOL = "deskhand"
TOKEN_PREFIX = "token."  # noqa: S105 - the name of a subprotocol, not a secret
AUTHENTICATE_SECONDS = 10.0
CLOSE_SECONDS = 1.0

NO_SESSION_ID = 4001
NOT_ALLOWED = 4003
NO_SUCH_SESSION = 4004
GOING_AWAY = 1012
TRY_LATER = 1013

_ENCODER = msgspec.json.Encoder()
_CODES = {
    Closing.SLOW: TRY_LATER,
    Closing.FORBIDDEN: NOT_ALLOWED,
    Closing.GONE: NO_SUCH_SESSION,
    Closing.DRAINING: GOING_AWAY,
}

log = structlog.get_logger(__name__)


class Disconnected(Exception):
    """The connection is gone: the client left, or the server had to close it for a frame that breaks the protocol."""


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """The connection is closed before any data, with this code."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who came in. `cursor` is the newest event at that moment."""

    session: Session
    token: str
    cursor: str


class Connection:
    __slots__ = ("_cursor", "_reader", "_receive", "_send", "_services", "_session", "_token", "_writer", "address")

    def __init__(self, admitted: Admitted, services: Services, *, address: str, receive: Receive, send: Send) -> None:
        session = self._session = admitted.session
        self._token = admitted.token
        self._services = services
        self._receive = receive
        self._send = send
        self._cursor = admitted.cursor
        self._writer: asyncio.Task[None] | None = None
        self.address = address
        task: asyncio.Task[Any] | None = asyncio.current_task()
        assert task is not None
        self._reader = Reader(session_id=session.id, transport="websocket", task=task, may_read=self._may_read, tell=self.tell)

    async def serve(self) -> None:
        """Until the client goes or the server closes the connection."""
        client_id = f"client_{secrets.token_hex(8)}"
        await self.send(_ENCODER.encode(frames.Connected(self._session.id, client_id, self._cursor)))
        self._services.streams.add(self._reader)
        self._follow()
        try:
            await self._take_frames()
        except Disconnected:
            pass
        except asyncio.CancelledError:
            if self._reader.closing is None:
                raise
            self._reader.task.uncancel()
        finally:
            self._services.streams.remove(self._reader)
            await self._stop_following()
        if self._reader.closing is not None:
            await self._say_goodbye(self._reader.closing)

    async def send(self, frame: bytes) -> None:
        await self._services.streams.send(self._reader, self._send({"type": "websocket.send", "text": frame.decode()}))

    async def tell(self, frame: bytes) -> None:
        """As `send`, on behalf of another connection, to which it is all the same if this one is gone."""
        with suppress(Disconnected):
            await self.send(frame)

    async def _take_frames(self) -> None:
        while self._reader.closing is None:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            raw = message.get("text")
            try:
                await self._obey(frames.decode(raw if raw is not None else message.get("bytes") or b""))
            except DeskhandError as error:
                await self._refuse(error, client_message_id=None)

    async def _obey(self, frame: frames.AnyClientFrame) -> None:
        match frame:
            case frames.SayMessage():
                await self._say(frame)
            case frames.Resume():
                await self._stop_following()
                self._cursor = frame.after
                self._follow()
            case frames.Typing():
                notice = _ENCODER.encode(frames.TypingNotice("customer"))
                await self._services.streams.tell_others(self._session.id, notice, teller=self._reader)
            case frames.Ping():
                await self.send(_ENCODER.encode(frames.Pong()))
            case frames.Cancel():
                await self._services.turns.cancel(self._session.id)
            case frames.Authenticate():
                # Sent by a client that also offered the token as a subprotocol: it changes nothing, and must not be another's.
                if frame.token != self._token:
                    raise Unauthenticated("This connection is authenticated already, with another token.")

    async def _say(self, frame: frames.SayMessage) -> None:
        try:
            if self._services.limiter is not None:
                verdict = await self._services.limiter.hit(token=self._token, address=self.address)
                if verdict is not None and verdict.retry_after_seconds is not None:
                    raise TooMany(retry_after_seconds=verdict.retry_after_seconds)
            check_length(frame.content, self._services)
            accepted = await self._services.turns.accept(
                self._session.id,
                content=frame.content,
                client_message_id=frame.client_message_id,
                attachments=frame.attachments,
            )
        except SessionNotFound:
            self._reader.close(Closing.GONE)
            return
        except DeskhandError as error:
            await self._refuse(error, client_message_id=frame.client_message_id)
            return
        if accepted.duplicate:
            again = frames.SentAgain(accepted.message_id, accepted.turn_id, frame.client_message_id)
            await self.send(_ENCODER.encode(again))

    async def _refuse(self, error: DeskhandError, *, client_message_id: str | None) -> None:
        refused = frames.Refused(
            error=error.code,
            message=error.message,
            support=error.remedy,
            client_message_id=client_message_id,
            retry_after=error.retry_after_seconds,
        )
        await self.send(_ENCODER.encode(refused))

    def _follow(self) -> None:
        self._writer = asyncio.create_task(self._send_events(self._cursor), name="websocket")

    async def _stop_following(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
            # A fault of the writer comes out here.
            with suppress(asyncio.CancelledError):
                await self._writer

    async def _send_events(self, after: str) -> None:
        # What ends this task ends the connection, also a fault; but not its being cancelled, and a client that left needs no goodbye.
        closing: Closing | None = Closing.DRAINING
        try:
            async with aclosing(self._services.turns.stream_events(self._session.id, after=after)) as events:
                async for event in events:
                    await self.send(_ENCODER.encode(event))
            closing = Closing.DRAINING if self._services.turns.draining else Closing.GONE
        except SessionNotFound:
            closing = Closing.GONE
        except DeskhandError as error:
            log.warning("stream_broken", error=error.code, session_id=self._session.id)
        except Disconnected:
            closing = None
        except asyncio.CancelledError:
            closing = None
            raise
        finally:
            if closing is not None:
                self._reader.close(closing)

    async def _may_read(self) -> Closing | None:
        try:
            principal = await identify_token(self._token, self._services)
            await access(self._session.id, principal, self._services)
        except Unauthenticated:
            return Closing.FORBIDDEN
        except SessionNotFound:
            return Closing.GONE
        return None

    async def _say_goodbye(self, closing: Closing) -> None:
        with suppress(TimeoutError, Disconnected):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": _CODES[closing], "reason": closing.value})


class WebSocketEndpoint:
    """The ASGI application of `/ws`: a whole connection, from the handshake to its end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        services: Services = scope["app"].state.services
        send = _leaving(send)
        await receive()
        offered = scope.get("subprotocols", [])
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None, "headers": []})
        try:
            admitted = await _admit(scope, receive, services)
        except Refusal as refusal:
            with suppress(Disconnected):
                await send({"type": "websocket.close", "code": refusal.code, "reason": refusal.reason})
            return
        except Disconnected:
            return
        connection = Connection(admitted, services, address=scope["deskhand.client"], receive=receive, send=send)
        with suppress(Disconnected):
            await connection.serve()


async def _admit(scope: Scope, receive: Receive, services: Services) -> Admitted:
    """Who may come in, and to which session.

    Raises:
        Refusal: not they.
        Disconnected: they left before they said who they are.
    """
    session_id = _query_value(scope, "session_id")
    if not session_id:
        raise Refusal(NO_SESSION_ID, "no session_id")
    if not services.origins.allow(scope):
        raise Refusal(NOT_ALLOWED, "this origin is not allowed; see DESKHAND_CORS_ORIGINS")
    if services.turns.draining:
        raise Refusal(GOING_AWAY, "draining")
    if services.limiter is not None:
        verdict = await services.limiter.hit(token=None, address=scope["deskhand.client"])
        if verdict is not None and verdict.retry_after_seconds is not None:
            raise Refusal(TRY_LATER, f"too many connections; retry after {verdict.retry_after_seconds:.0f} s")
    token = next((name.removeprefix(TOKEN_PREFIX) for name in scope.get("subprotocols", []) if name.startswith(TOKEN_PREFIX)), None)
    if token is None:
        token = await _token_of_first_frame(receive)
    try:
        session = await access(session_id, await identify_token(token, services), services)
        return Admitted(session, token, cursor=await services.turns.last_event_id(session.id))
    except Unauthenticated as error:
        raise Refusal(NOT_ALLOWED, "this token is not valid") from error
    except SessionNotFound as error:
        raise Refusal(NO_SUCH_SESSION, "no such session") from error
    except DeskhandError as error:
        raise Refusal(TRY_LATER, error.code) from error


async def _token_of_first_frame(receive: Receive) -> str:
    try:
        async with asyncio.timeout(AUTHENTICATE_SECONDS):
            message = await receive()
    except TimeoutError as error:
        raise Refusal(NOT_ALLOWED, "no token within 10 s") from error
    if message["type"] == "websocket.disconnect":
        raise Disconnected
    raw = message.get("text")
    try:
        frame = frames.decode(raw if raw is not None else message.get("bytes") or b"")
    except DeskhandError as error:
        raise Refusal(NOT_ALLOWED, "the first frame is not 'authenticate'") from error
    if not isinstance(frame, frames.Authenticate):
        raise Refusal(NOT_ALLOWED, "the first frame is not 'authenticate'")
    return frame.token


def _leaving(send: Send) -> Send:
    """`send` that raises Disconnected once nothing can be sent any more."""

    async def send_or_leave(message: Message) -> None:
        try:
            await send(message)
        except (OSError, RuntimeError) as error:
            # RuntimeError is how the server says that it has closed the connection itself, for a frame that broke the protocol.
            raise Disconnected from error

    return send_or_leave


def _query_value(scope: Scope, name: str) -> str:
    values = parse_qs(scope["query_string"].decode("latin-1")).get(name, [])
    return values[0] if values else ""
