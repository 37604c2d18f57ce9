"""How the server reads from a connection: uvicorn's protocols, but for what they leave open.

The invariant: what somebody sends before a request is whole costs a bounded amount of memory, and what never becomes a request is refused
in the one shape of errors as well.
"""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from deskhand.api.errors import render
from deskhand.errors import DeskhandError
from deskhand.ids import new_request_id

_MOST_HEAD_BYTES = 65_536


class NotHttp(DeskhandError):
    """This is not an HTTP request that can be read."""

    code = "bad_request"
    status = 400
    support = "Send a request of HTTP/1.1; TLS ends at the proxy in front of this server."


class HeadTooLarge(DeskhandError):
    """The address and the headers of the request are larger than 64 KiB."""

    code = "headers_too_large"
    status = 431
    support = "Send fewer or shorter headers, such as cookies."


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's collects headers for as long as they come, and nobody who sends them needs to be known."""

    _is_in_head = False
    # What came of a head after the piece that it began in.
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > _MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HeadTooLarge())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature is uvicorn's
        self._refuse(NotHttp())

    def _refuse(self, error: DeskhandError) -> None:
        request_id = new_request_id()
        refusal = render(error, request_id=request_id, headers={"X-Request-ID": request_id, "X-Process-Time": "0", "Connection": "close"})
        head = [b"HTTP/1.1 %d %b" % (error.status, HTTPStatus(error.status).phrase.encode())]
        head += [b"%b: %b" % header for header in refusal.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(refusal.body)]))
        self.transport.close()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, but that the end of the server leaves a handshake that the application has not yet answered to the application."""

    def shutdown(self) -> None:
        # The application is draining and refuses it. If uvicorn had refused it first, that second refusal would end in a traceback.
        if self.handshake_complete:
            super().shutdown()
