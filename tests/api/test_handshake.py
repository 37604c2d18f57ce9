"""How a connection becomes a WebSocket, byte by byte, and what becomes of one that comes too late."""

import asyncio
import socket

import pytest

from api.serving import Served

# Key and answer are those of RFC 6455, section 1.3.
GOOD = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
ACCEPT = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def request(headers: dict[str, str], *more: str) -> bytes:
    lines = ["GET /ws?session_id=sess_000000000000 HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), *more]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def answer_to(served: Served, sent: bytes) -> str:
    """The head of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(sent)
        async with asyncio.timeout(20):
            return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "more",
    [{}, {"Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade"}, {"X-Name": "J\u00fcrgen"}],
    ids=["as browsers send it", "in other cases and words", "with letters that are not plain"],
)
async def test_a_handshake_is_answered_with_its_key(served: Served, more: dict[str, str]) -> None:
    head = await answer_to(served, request(GOOD | more))
    assert head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert ACCEPT.lower() in head.lower().split("\r\n")


async def test_of_the_offered_subprotocols_ours_alone_is_taken(served: Served) -> None:
    head = await answer_to(served, request(GOOD, "Sec-WebSocket-Protocol: token.nobody, deskhand"))
    assert "\r\nsec-websocket-protocol: deskhand\r\n" in head.lower()
    assert "token.nobody" not in head
    assert "sec-websocket-protocol" not in (await answer_to(served, request(GOOD))).lower()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(GOOD | {"Sec-WebSocket-Version": "8"}), 400),
        (request(GOOD | {"Sec-WebSocket-Key": "c2hvcnQ="}), 400),
        (request(GOOD | {"Sec-WebSocket-Key": "not base64 at all, no"}), 400),
        (request(GOOD, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
        (request({name: value for name, value in GOOD.items() if name != "Sec-WebSocket-Key"}), 400),
    ],
    ids=["another version", "short key", "no key at all", "two keys", "without a key"],
)
async def test_what_is_not_quite_a_handshake_is_refused(served: Served, sent: bytes, status: int) -> None:
    assert (await answer_to(served, sent)).startswith(f"HTTP/1.1 {status} ")


async def test_a_handshake_that_meets_the_end_of_the_server_is_told_to_come_again_and_is_no_fault(served: Served) -> None:
    visitor = await served.visitor()
    served.services.turns.stop_streams()
    state, config = served.server.server_state, served.server.config
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    _, protocol = await loop.create_connection(lambda: config.ws_protocol_class(config, state, {}), sock=ours)
    protocol.data_received(request(GOOD, f"Sec-WebSocket-Protocol: deskhand, token.{visitor.token}"))
    [answering] = state.tasks
    # As the server does to each connection when it ends: before the application has even seen the handshake.
    protocol.shutdown()
    with theirs:
        async with asyncio.timeout(20):
            await answering
            head, _, frame = (await loop.sock_recv(theirs, 1_000)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert frame == b"\x88\x0a" + (1012).to_bytes(2) + b"draining"
    assert "Traceback" not in served.logs.getvalue()
