"""All documents behind one address, each whole as it came, in order, fetched a few ahead of who takes them.

Invariant: a page that fails is one failure. Only when it is unknown which pages there are, because a sitemap cannot be read or names too
many, does a failure bear the scope itself as its origin, by which a synchronising ingest knows to remove nothing.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from yarl import URL

from deskhand.errors import DeskhandError
from deskhand.knowledge.documents import SourceDocument, StoredDocument, Tier, UnchangedSource, UnreadableSource
from deskhand.knowledge.fetch import sitemap
from deskhand.knowledge.fetch.addresses import parse_url
from deskhand.knowledge.fetch.crawler import Crawler, Validators
from deskhand.knowledge.fetch.errors import AddressRefused, PageGone
from deskhand.knowledge.fetch.http import Answer, Reading
from deskhand.knowledge.fetch.pages import (
    document_of,
    is_same_site,
    requested_of,
    require_readable,
    require_readable_or_sitemap,
    validators_of,
)

Found = SourceDocument | UnreadableSource | UnchangedSource

MOST_PAGES = 50_000
_MOST_SITEMAPS = 1_000
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class _Page:
    """What one address gave. `final` is where it led to; `None` if to nothing."""

    sources: tuple[Found, ...]
    final: str | None = None


class Expansion:
    """The documents at one address; iterate once. `total` is how many there are, as far as is known by now.

    `scope` is what a synchronising ingest compares with. `repeated` counts pages that led to one that was had already.
    """

    def __init__(
        self, crawler: Crawler, url: URL, *, tier: Tier, known: Sequence[StoredDocument], max_bytes: int, settled_since: float | None = None
    ) -> None:
        self.scope = str(url)
        self.total: int | None = None
        self.repeated = 0
        self._crawler = crawler
        self._url = url
        self._tier = tier
        self._max_bytes = max_bytes
        self._asked: set[str] = set()
        self._finals: set[str] = set()
        self._known: dict[str, list[StoredDocument]] = {}
        for document in known:
            requested = requested_of(document)
            if requested is not None:
                self._known.setdefault(requested, []).append(document)
        # Pages that were stored since then are as new as they need to be.
        self._settled = {
            requested
            for requested, stored in self._known.items()
            if settled_since is not None and all(document.updated_at >= settled_since for document in stored)
        }

    async def __aiter__(self) -> AsyncGenerator[Found]:
        reading = Reading(max(self._max_bytes, sitemap.MAX_BYTES), accept=require_readable_or_sitemap)
        try:
            answer = await self._crawler.get(self._url, reading, known=self._validators(self._url))
        except DeskhandError as error:
            self.total = 1
            yield self._unreadable(self._url.human_repr(), error, origin=self.scope)
            return
        if answer is not None and sitemap.is_sitemap(answer.body):
            async with aclosing(self._site(answer)) as found:
                async for source in found:
                    yield source
            return
        page = self._documents(self._url, answer)
        self.total = len(page.sources)
        for source in page.sources:
            yield source

    async def _site(self, answer: Answer) -> AsyncGenerator[Found]:
        """The pages of a sitemap, after what is wrong with the sitemap itself."""
        pages, troubles = await self._read_sitemaps(answer)
        self.total = len(pages) + len(troubles)
        for trouble in troubles:
            yield trouble
        tasks: deque[asyncio.Task[_Page]] = deque()
        remaining = iter(pages)
        try:
            while True:
                while len(tasks) < _AHEAD and (page := next(remaining, None)) is not None:
                    tasks.append(asyncio.create_task(self._page(page, site=answer.url)))
                if not tasks:
                    return
                kept = self._new(await tasks[0])
                del tasks[0]
                self.total += len(kept) - 1
                for source in kept:
                    yield source
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read_sitemaps(self, answer: Answer) -> tuple[list[str], list[Found]]:
        """The addresses of all pages, each once, and what could not be read of the sitemaps."""
        pages: dict[str, None] = {}
        troubles: list[Found] = []
        waiting: deque[Answer | str] = deque([answer])
        read: set[str] = {self.scope, str(answer.url)}
        while waiting:
            item = waiting.popleft()
            shown = str(item.url) if isinstance(item, Answer) else item
            try:
                one = await self._read_sitemap(item, site=answer.url)
            except DeskhandError as error:
                troubles.append(self._unreadable(shown, error, origin=self.scope))
                continue
            new = [location for location in one.pages if location not in pages]
            room = MOST_PAGES - len(pages)
            pages |= dict.fromkeys(new[:room])
            left_out = one.left_out + max(0, len(new) - room)
            further = [location for location in one.sitemaps if location not in read]
            fitting = further[: max(0, _MOST_SITEMAPS - len(read))]
            read |= set(fitting)
            waiting.extend(fitting)
            left_out += len(further) - len(fitting)
            if left_out:
                reason = f"It names more than {MOST_PAGES} pages or {_MOST_SITEMAPS} sitemaps; {left_out} are left out."
                troubles.append(UnreadableSource(self.scope, shown, reason, self.scope))
        return list(pages), troubles

    async def _read_sitemap(self, item: Answer | str, *, site: URL) -> sitemap.Sitemap:
        if isinstance(item, str):
            url = _of_site(item, site)
            answer = await self._crawler.get(url, Reading(sitemap.MAX_BYTES))
            assert answer is not None, "without validators there is always an answer"
            item = answer
        return await asyncio.to_thread(sitemap.parse_sitemap, item.body)

    async def _page(self, location: str, *, site: URL) -> _Page:
        origin = location
        try:
            url = _of_site(location, site)
            origin = str(url)
            if origin in self._asked:
                return _Page((), origin)
            self._asked.add(origin)
            if origin in self._settled:
                return self._documents(url, None)
            answer = await self._crawler.get(url, Reading(self._max_bytes, accept=require_readable), known=self._validators(url))
            if answer is not None and not is_same_site(answer.url, site):
                raise AddressRefused("The page leads to another site.")
        except DeskhandError as error:
            return _Page((self._unreadable(location, error, origin=origin),))
        return self._documents(url, answer)

    def _documents(self, url: URL, answer: Answer | None) -> _Page:
        if answer is None:
            known = self._known[str(url)]
            validators = validators_of(known[0])
            unchanged = tuple(UnchangedSource(document.origin, document.source, self.scope) for document in known)
            return _Page(unchanged, validators.url if validators is not None else None)
        try:
            return _Page((document_of(url, answer, tier=self._tier, scope=self.scope),), str(answer.url))
        except DeskhandError as error:
            return _Page((self._unreadable(url.human_repr(), error, origin=str(url)),))

    def _validators(self, url: URL) -> Validators | None:
        """Of several documents from one page those of the first: they came in one answer."""
        known = self._known.get(str(url))
        return validators_of(known[0]) if known else None

    def _new(self, page: _Page) -> tuple[Found, ...]:
        """What a page gave, or nothing if another address led to it already."""
        if page.final is None:
            return page.sources
        if not page.sources or page.final in self._finals:
            self.repeated += 1
            return ()
        self._finals.add(page.final)
        return page.sources

    def _unreadable(self, shown: str, error: DeskhandError, *, origin: str) -> UnreadableSource:
        return UnreadableSource(origin, shown, error.message, self.scope, gone=isinstance(error, PageGone))


def _of_site(location: str, site: URL) -> URL:
    """An address of a sitemap. Raises AddressRefused."""
    url = parse_url(location, base=site)
    if not is_same_site(url, site):
        raise AddressRefused("It is of another site than the sitemap.")
    return url
