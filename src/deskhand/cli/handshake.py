"""How a connection becomes a WebSocket: uvicorn's protocol, with a handshake of its own where there is nothing to ask.

A request that uvicorn has parsed is parsed again, line by line, by `websockets`: half of what a client costs that comes back, and after a
restart they all do. The invariant: only what is plainly a handshake is answered here. Whatever else is refused by `websockets`, and all
frames are theirs.
"""

import binascii
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import unquote

from uvicorn._types import ASGISendEvent, WebSocketAcceptEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import Protocol, Side
from websockets.utils import accept_key

_KEY_BYTES: Final = 16
# Each of them decides, so none may be there twice.
_DECIDING: Final = (b"upgrade", b"connection", b"sec-websocket-version", b"sec-websocket-key")


@dataclass(frozen=True, slots=True)
class Handshake:
    """A request to become a WebSocket. Names of headers are in lower case."""

    target: bytes
    headers: list[tuple[bytes, bytes]]
    key: str
    subprotocols: list[str]

    @classmethod
    def read(cls, request: bytes) -> Self | None:
        """The handshake that a whole request is, as uvicorn writes it; None for one to be looked at more closely."""
        if not request.isascii():
            return None
        first, *lines = request[:-4].split(b"\r\n")
        method, target, _ = first.split(b" ")
        headers = [(name.lower(), value) for name, _, value in (line.partition(b": ") for line in lines)]
        found = dict(headers)
        if (
            method != b"GET"
            or sum(name in _DECIDING for name, _ in headers) != len(_DECIDING)
            or found.get(b"upgrade", b"").lower() != b"websocket"
            or b"upgrade" not in [token.strip() for token in found.get(b"connection", b"").lower().split(b",")]
            or found.get(b"sec-websocket-version") != b"13"
            or not _is_key(found.get(b"sec-websocket-key", b""))
        ):
            return None
        offered = [value.decode() for name, value in headers if name == b"sec-websocket-protocol"]
        return cls(target, headers, found[b"sec-websocket-key"].decode(), [name.strip() for some in offered for name in some.split(",")])

    def answer(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """The response that makes the connection a WebSocket."""
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"upgrade: websocket",
            b"connection: Upgrade",
            b"sec-websocket-accept: " + accept_key(self.key).encode(),
            *(name + b": " + value for name, value in headers),
        ]
        return b"\r\n".join([*lines, b"", b""])


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """`ws` of uvicorn's configuration."""

    # While the application has not said whether it accepts.
    _handshake: Handshake | None = None
    _early = b""

    def data_received(self, data: bytes) -> None:
        if self._handshake is not None:
            self._early += data
        elif not self.handshake_initiated and (handshake := Handshake.read(data)) is not None:
            self._begin(handshake)
        else:
            super().data_received(data)

    def send(self, message: ASGISendEvent) -> Coroutine[Any, Any, None]:
        if self._handshake is not None and message["type"] == "websocket.accept":
            return self._accept(self._handshake, message)
        return super().send(message)

    def _begin(self, handshake: Handshake) -> None:
        self.handshake_initiated = True
        self._handshake = handshake
        path, _, query = handshake.target.partition(b"?")
        self.scope = {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "path": self.root_path + unquote(path.decode()),
            "raw_path": self.root_path.encode() + path,
            "query_string": query,
            "headers": handshake.headers,
            "subprotocols": handshake.subprotocols,
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    async def _accept(self, handshake: Handshake, message: WebSocketAcceptEvent) -> None:
        self.handshake_complete = True
        if self.disconnected or self.transport.is_closing():
            # The client has gone, or the server, which ends, has refused it.
            raise ClientDisconnected
        self._handshake = None
        headers = [*self.default_headers, *message.get("headers", [])]
        if subprotocol := message.get("subprotocol"):
            headers.append((b"sec-websocket-protocol", subprotocol.encode()))
        self.conn = Protocol(Side.SERVER, max_size=self.config.ws_max_size, logger=self.logger)  # type: ignore[assignment]  # open: the base
        self.transport.write(handshake.answer(headers))
        self.start_keepalive()
        if self._early:
            super().data_received(self._early)


def _is_key(value: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(value, strict_mode=True)) == _KEY_BYTES
    except binascii.Error:
        return False
