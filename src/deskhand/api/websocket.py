"""The WebSocket: one connection of one reader of one session.

Two tasks serve a connection: this one takes the client's frames, another sends the session's events. The invariant: events are pulled, so
what waits for a slow client is the socket's own buffer (64 KiB) and one event; and no frame, however wrong, ends the connection.
"""

import asyncio
import secrets
from contextlib import aclosing, suppress
from typing import Any

import msgspec
import structlog
from starlette.types import Message, Receive, Scope, Send

from deskhand.api import frames
from deskhand.api.assembled import Services
from deskhand.api.handshake import (
    GOING_AWAY,
    NO_SUCH_SESSION,
    NOT_ALLOWED,
    TRY_LATER,
    Admitted,
    Disconnected,
    Refusal,
    admit,
    refusing,
)
from deskhand.api.identity import access, identify_token
from deskhand.api.messages import check_length
from deskhand.api.streams import Closing, Reader
from deskhand.api.withdrawal import with_current_sources
from deskhand.errors import DeskhandError, Forbidden, TooMany, Unauthenticated
from deskhand.sessions import SessionNotFound

SUBPROTOCOL = "deskhand"
CLOSE_SECONDS = 1.0

_ENCODER = msgspec.json.Encoder()
_CODES = {
    Closing.SLOW: TRY_LATER,
    Closing.FORBIDDEN: NOT_ALLOWED,
    Closing.GONE: NO_SUCH_SESSION,
    Closing.DRAINING: GOING_AWAY,
}

log = structlog.get_logger(__name__)


class Connection:
    __slots__ = ("_cursor", "_reader", "_receive", "_send", "_services", "_session_id", "_token", "_writer", "address")

    def __init__(self, admitted: Admitted, services: Services, *, cursor: str, address: str, receive: Receive, send: Send) -> None:
        """`cursor`: the newest event."""
        self._session_id = admitted.session_id
        self._token = admitted.token
        self._services = services
        self._receive = receive
        self._send = send
        self._cursor = cursor
        self._writer: asyncio.Task[None] | None = None
        self.address = address
        task: asyncio.Task[Any] | None = asyncio.current_task()
        assert task is not None
        self._reader = Reader(
            session_id=self._session_id,
            transport="websocket",
            task=task,
            may_read=self._may_read,
            tell=self.tell,
            staff_id=admitted.staff_id,
        )

    async def serve(self) -> None:
        """Until the client goes or the server closes the connection."""
        client_id = f"client_{secrets.token_hex(8)}"
        await self.send(_ENCODER.encode(frames.Connected(self._session_id, client_id, self._cursor)))
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
        await self._services.streams.send(self._reader, lambda: self._send({"type": "websocket.send", "text": frame.decode()}))

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
                await self._services.streams.tell_others(self._session_id, notice, teller=self._reader)
                self._services.inbox.typed(self._session_id)
            case frames.Ping():
                await self.send(_ENCODER.encode(frames.Pong()))
            case frames.Cancel():
                await self._services.turns.cancel(self._session_id)
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
                self._session_id,
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
            stored = self._services.turns.stream_events(self._session_id, after=after)
            async with aclosing(with_current_sources(stored, self._session_id, self._services)) as batches:
                async for batch in batches:
                    for event in batch:
                        await self.send(_ENCODER.encode(event))
            closing = Closing.DRAINING if self._services.turns.draining else Closing.GONE
        except SessionNotFound:
            closing = Closing.GONE
        except DeskhandError as error:
            log.warning("stream_broken", error=error.code, session_id=self._session_id)
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
            await access(self._session_id, principal, self._services)
        except (Forbidden, Unauthenticated):
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
        try:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None, "headers": []})
            admitted = await admit(scope, receive, services)
            # Watched from before the client is told where the session stands, so that it goes on from there at once, also with `resume`.
            with services.turns.watch(admitted.session_id) as watch:
                with refusing():
                    cursor = await watch.last_event_id()
                connection = Connection(admitted, services, cursor=cursor, address=scope["deskhand.client"], receive=receive, send=send)
                await connection.serve()
        except Refusal as refusal:
            with suppress(Disconnected):
                await send({"type": "websocket.close", "code": refusal.code, "reason": refusal.reason})
        except Disconnected:
            return


def _leaving(send: Send) -> Send:
    """`send` that raises Disconnected once nothing can be sent any more."""

    async def send_or_leave(message: Message) -> None:
        try:
            await send(message)
        except (OSError, RuntimeError) as error:
            # RuntimeError is how the server says that it has closed the connection itself, for a frame that broke the protocol.
            raise Disconnected from error

    return send_or_leave
