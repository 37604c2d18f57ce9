"""Documents from addresses on the web: one, or all that a sitemap names.

Invariant: whatever an address turns out to be, each document that was given comes out as itself, as unchanged, or as unreadable with its
reason.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from aiohttp.abc import AbstractResolver

from deskhand.clock import Clock, SystemClock
from deskhand.errors import Conflict
from deskhand.knowledge.documents import SourceDocument, StoredDocument, Tier
from deskhand.knowledge.fetch.addresses import AddressPolicy, parse_url
from deskhand.knowledge.fetch.crawler import Crawler
from deskhand.knowledge.fetch.expansion import Expansion
from deskhand.knowledge.fetch.http import Reading, TimeLimits
from deskhand.knowledge.fetch.pages import document_of, requested_of, require_readable, validators_of
from deskhand.knowledge.fetch.politeness import Pause
from deskhand.knowledge.fetch.repository import Checkout, find_repository
from deskhand.parsing.kinds import MAX_BYTES
from deskhand.settings import Settings


class SourceFetcher:
    """One for a process: it is by this that a site has few requests at once. Used and closed inside one event loop."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        clock: Clock | None = None,
        resolver: AbstractResolver | None = None,
        limits: TimeLimits | None = None,
        pause: Pause = asyncio.sleep,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._policy = policy
        self._clock = clock or SystemClock()
        self._resolver = resolver
        self._limits = limits
        self._pause = pause
        self._max_bytes = max_bytes
        self._crawler: Crawler | None = None

    @classmethod
    def create(cls, settings: Settings, *, clock: Clock | None = None) -> Self:
        """The fetcher as the settings ask for it. Raises ConfigurationError."""
        return cls(AddressPolicy.of(settings.fetch_allowed_networks), clock=clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        if self._crawler is not None:
            await self._crawler.close()
            self._crawler = None

    async def fetch(self, url: str, *, tier: Tier = Tier.PUBLIC) -> SourceDocument:
        """The document at `url`, as it came: a table or archive is one document, which an ingest takes apart.

        Its `origin` is `url` without its fragment, its `url` where redirects ended or what the page calls its own address on the same site.
        `metadata["fetched"]` is what `fetch_again` needs.

        Raises:
            AddressRefused, RobotsRefused: it is not fetched.
            PageGone, FetchFailed: there is no document, or no answer.
            TooLarge, UnsupportedKind: it cannot be read here.
        """
        requested = parse_url(url)
        answer = await self._crawl().get(requested, Reading(self._max_bytes, accept=require_readable))
        assert answer is not None, "without validators there is always an answer"
        return document_of(requested, answer, tier=tier, scope=None)

    async def fetch_again(self, document: StoredDocument) -> SourceDocument | None:
        """What a stored document's address gives now, under the same origin, tier and scope; `None` if the server says that it is the same.

        Raises:
            Conflict: it did not come by one address of its own.
            Also what `fetch` raises.
        """
        requested = requested_of(document)
        if requested is None or requested != document.origin:
            raise Conflict("This document is not a page with an address of its own.", support="Synchronise what it is a part of.")
        url = parse_url(requested)
        answer = await self._crawl().get(url, Reading(self._max_bytes, accept=require_readable), known=validators_of(document))
        if answer is None:
            return None
        return replace(document_of(url, answer, tier=document.tier, scope=document.scope), session_id=document.session_id)

    @staticmethod
    def scope_of(url: str) -> str:
        """The name under which a synchronising ingest knows what comes from `url`. Raises AddressRefused."""
        repository = find_repository(url)
        return repository.scope if repository is not None else str(parse_url(url))

    def expand(
        self, url: str, *, tier: Tier = Tier.PUBLIC, known: Sequence[StoredDocument] = (), settled_since: float | None = None
    ) -> Expansion | Checkout:
        """All documents at `url`: the page, every page that a sitemap names, or those of a Git repository.

        `known` are documents that were stored from the same scope and would be stored just so again: a page that did not change since comes
        out as an `UnchangedSource` for each, and so does one that was stored after `settled_since`, without being asked for.

        Raises:
            AddressRefused: at once, for what is no address. Whatever else fails comes out as an `UnreadableSource`.
        """
        repository = find_repository(url)
        if repository is not None:
            return Checkout(repository, self._crawl().resolver, tier=tier, max_bytes=self._max_bytes)
        return Expansion(self._crawl(), parse_url(url), tier=tier, known=known, max_bytes=self._max_bytes, settled_since=settled_since)

    def _crawl(self) -> Crawler:
        if self._crawler is None:
            self._crawler = Crawler(self._policy, clock=self._clock, resolver=self._resolver, limits=self._limits, pause=self._pause)
        return self._crawler
