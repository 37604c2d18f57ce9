"""One request and its answer. No redirect is followed here, no rule of politeness kept.

Invariant: no exception of aiohttp leaves this module, no connection is made that `connecting` does not permit, and no more than the limit
of an answer is read. Neither cookies nor proxies nor passwords of the environment go along.
"""

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDictProxy
from yarl import URL

import deskhand
from deskhand.knowledge.fetch.addresses import AddressPolicy, find_literal
from deskhand.knowledge.fetch.connecting import CheckedResolver, Forbidden, connector, require_permitted
from deskhand.knowledge.fetch.errors import AddressRefused, FetchFailed
from deskhand.knowledge.fetch.unpacking import Body, too_large

PRODUCT: Final = "Deskhand"
USER_AGENT: Final = f"{PRODUCT}/{deskhand.__version__} (reads pages into a support knowledge base)"
_OK: Final = 200
_PIECE_BYTES: Final = 65_536
_PLAIN: Final = frozenset({"", "identity"})
_UNREACHABLE: Final = {
    errno.ECONNREFUSED: "it refuses connections there",
    errno.ECONNRESET: "it breaks connections off",
    errno.ENETUNREACH: "there is no way to its network",
    errno.EHOSTUNREACH: "there is no way to it",
}
_GZIP: Final = frozenset({"gzip", "x-gzip"})


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds: to be connected, of silence, and of one answer as a whole."""

    connect: float = 10.0
    silence: float = 15.0
    total: float = 90.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`url` is what was asked. The body is that of a 200 alone; of other answers nothing is read."""

    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes = b""

    @property
    def content_type(self) -> str | None:
        return self.headers.get("Content-Type")


@dataclass(frozen=True, slots=True)
class Reading:
    """What is wanted of an answer's body. `accept` is shown the head before the body is read, and raises to refuse it."""

    max_bytes: int
    cut: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: Callable[[Answer], None] = lambda _head: None


class HttpClient:
    """Must be made inside a running event loop. `resolver` answers for names; unset, the system does."""

    def __init__(self, policy: AddressPolicy, *, resolver: AbstractResolver | None = None, limits: TimeLimits | None = None) -> None:
        limits = limits or TimeLimits()
        self._policy = policy
        self.resolver = CheckedResolver(policy, resolver)
        self._session = aiohttp.ClientSession(
            connector=connector(policy, self.resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Accept": "text/html, application/xml;q=0.9, */*;q=0.8"},
            timeout=aiohttp.ClientTimeout(total=limits.total, sock_connect=limits.connect, sock_read=limits.silence),
            auto_decompress=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.close()
        await self.resolver.close()

    async def get(self, url: URL, reading: Reading) -> Answer:
        """Ask for `url`, which `parse_url` has checked.

        Raises:
            AddressRefused: it leads to an address that is not permitted.
            FetchFailed: no answer, not in time, or not to its end.
            TooLarge: the body is larger than is wanted.
        """
        literal = find_literal(url.raw_host or "")
        try:
            if literal is not None:
                require_permitted(self._policy, literal, url.port or 0)
            async with self._session.get(url, headers=reading.headers, allow_redirects=False) as response:
                return await _read(response, url, reading)
        except Forbidden as error:
            raise refused(url) from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Forbidden):
                raise refused(url) from error
            raise FetchFailed(_reason(error)) from error
        except TimeoutError as error:
            raise FetchFailed("The server did not answer in time.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise FetchFailed(_reason(error)) from error


def refused(url: URL) -> AddressRefused:
    where = f"'{url.raw_host}', port {url.port},"
    return AddressRefused(f"{where} is not fetched: it is neither on the public internet, at a usual port, nor in an allowed network.")


async def _read(response: aiohttp.ClientResponse, url: URL, reading: Reading) -> Answer:
    head = Answer(url, response.status, response.headers)
    if response.status != _OK:
        # What is left unread would have to be read before the connection could be used again.
        response.close()
        return head
    reading.accept(head)
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _PLAIN | _GZIP:
        raise FetchFailed(f"The server compressed its answer as '{encoding[:20]}', which was not asked for.")
    if (response.content_length or 0) > reading.max_bytes and not reading.cut:
        raise too_large(reading.max_bytes)
    body = Body(max_bytes=reading.max_bytes, gzipped=encoding in _GZIP, cut=reading.cut)
    async for piece in response.content.iter_chunked(_PIECE_BYTES):
        if not body.feed(piece):
            response.close()
            break
    return Answer(url, response.status, response.headers, body.end())


def _reason(error: aiohttp.ClientError | OSError) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "There is no host of this name."
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "The server cannot prove who it is: its certificate is not valid."
        case aiohttp.ClientConnectorError():
            # Its own text may hold the address that the name leads to.
            return f"The server cannot be reached: {_UNREACHABLE.get(error.os_error.errno or 0, 'no connection came about')}."
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return "The server broke off its answer."
        case _:
            return "The server did not answer in HTTP."
