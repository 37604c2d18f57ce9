"""Sites of this machine to fetch from, a resolver that says what it is told, and listeners that nobody may reach."""

import asyncio
import contextlib
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

Reply = web.StreamResponse | Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """A request that came. `path` has the query with it."""

    path: str
    headers: Mapping[str, str]


class Site:
    """A real server at `host`. What is not in `pages` is not found; a robots.txt there is none unless it is put there.

    With a context it speaks TLS.
    """

    def __init__(self, host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.tls = tls
        self.port = 0
        self.pages: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}
        self.seen: list[Seen] = []
        self.at_once = 0
        self.most_at_once = 0
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer), handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, 0, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, without robots.txt."""
        return [seen.path for seen in self.seen if seen.path != "/robots.txt"]

    def page(self, path: str, body: str | bytes, kind: str = "text/html; charset=utf-8", status: int = 200, **headers: str) -> None:
        async def reply(_request: web.Request) -> web.Response:
            data = body.encode() if isinstance(body, str) else body
            return web.Response(body=data, status=status, headers={"Content-Type": kind} | _named(headers))

        self.pages[path] = reply

    def kept_page(self, path: str, body: str, *, etag: str) -> None:
        """A page that is sent only to who does not have it."""

        async def reply(request: web.Request) -> web.Response:
            if request.headers.get("If-None-Match") == etag:
                return web.Response(status=304, headers={"ETag": etag})
            return web.Response(text=body, content_type="text/html", headers={"ETag": etag})

        self.pages[path] = reply

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        async def reply(_request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": to, "Connection": "close"})

        self.pages[path] = reply

    def sitemap(self, path: str, pages: Sequence[str], *, packed: bool = False) -> None:
        """A sitemap of paths of this site, or of whole addresses."""
        entries = "".join(f"<url><loc>{page if '//' in page else self.url + page}</loc></url>" for page in pages)
        text = f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
        self.page(path, gzip.compress(text.encode()) if packed else text, "application/gzip" if packed else "application/xml")

    def sitemap_index(self, path: str, sitemaps: Sequence[str]) -> None:
        entries = "".join(f"<sitemap><loc>{self.url}{sitemap}</loc></sitemap>" for sitemap in sitemaps)
        self.page(path, f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>', "text/xml")

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(Seen(request.path_qs, dict(request.headers)))
        reply = self.pages.get(request.path_qs)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await reply(request) if reply is not None else web.Response(status=404)
        finally:
            self.at_once -= 1


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Names(AbstractResolver):
    """A resolver. Each name has answers that are given one after another, the last one for ever; each answer is one or more addresses."""

    known: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def say(self, name: str, *answers: str | list[str]) -> None:
        self.known[name] = [[answer] if isinstance(answer, str) else answer for answer in answers]

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self.known.get(host)
        if answers is None:
            raise OSError(None, "no such name")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in answer
        ]

    async def close(self) -> None:
        pass


@dataclass
class Canary:
    """Listens at `port` of every address that this machine has, and counts who comes."""

    port: int
    visits: int = 0


@contextlib.asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    found = Canary(0)

    async def visit(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.visits += 1
        writer.close()

    everywhere = await asyncio.start_server(visit, "0.0.0.0", 0)
    found.port = everywhere.sockets[0].getsockname()[1]
    servers = [everywhere]
    if socket.has_ipv6:
        with contextlib.suppress(OSError):
            servers.append(await asyncio.start_server(visit, "::", found.port))
    try:
        yield found
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()
