"""The answers of the server under test, as its customers take them: done, not now, or no.

The invariant: `NotNow` and one of `FAULTS` are worth trying again; `Refused` is not.
"""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from deskhand.cli.loadtest.watching import Event

CONNECT_SECONDS = 10.0
# The server sends a sign of life every 15 s.
SILENCE_SECONDS = 40.0
FAULTS = (aiohttp.ClientError, TimeoutError, OSError)
# The answers to say "not now" with, behind which it is worth to come back.
_LATER = frozenset({429, 500, 502, 503, 504, 507})

decode = msgspec.json.Decoder(dict[str, Any]).decode


class NotNow(Exception):
    """The server did not do it, and may yet."""

    def __init__(self, kind: str, *, wait_seconds: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.wait_seconds = wait_seconds


class Refused(Exception):
    """The server did not do it, and will not."""


def patient() -> aiohttp.ClientTimeout:
    """For a stream: it may take for ever, but is never silent for long."""
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)


async def events_of(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """What a stream tells, as it does."""
    async for line in response.content:
        if line.startswith(b"data: "):
            yield decode(line[6:])


async def body_of(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The body of an answer that did what was asked for.

    Raises:
        NotNow, Refused: it did not.
    """
    content = await response.read()
    try:
        body = decode(content)
    except msgspec.DecodeError:
        body = {}
    if response.status < 400:
        return body
    kind = f"{response.status} {body.get('error', 'not from Deskhand')}"
    if response.status not in _LATER:
        raise Refused(kind)
    wait = response.headers.get("Retry-After", "")
    raise NotNow(kind, wait_seconds=float(wait) if wait.isdigit() else None)
