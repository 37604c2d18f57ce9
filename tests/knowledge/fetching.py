"""A fetcher of pages of this machine that waits for nothing, and what it is asked for."""

import asyncio

from deskhand.clock import SystemClock
from deskhand.knowledge import SourceDocument, UnreadableSource
from deskhand.knowledge.fetch import AddressPolicy, Found, SourceFetcher, TimeLimits
from parts.sites import Names

LOCAL = AddressPolicy.of(["127.0.0.0/8"])
MEGABYTE = 1_000_000


class Pauses:
    """Waits for nothing, and remembers for how long it should have."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


class StandingClock(SystemClock):
    """Time stands still; so the pauses are what was asked for."""

    def monotonic(self) -> float:
        return 1_000.0


def local_fetcher(names: Names, pauses: Pauses) -> SourceFetcher:
    limits = TimeLimits(connect=2, silence=1, total=3)
    return SourceFetcher(LOCAL, resolver=names, limits=limits, pause=pauses, clock=StandingClock(), max_bytes=MEGABYTE)


async def all_of(fetcher: SourceFetcher, url: str) -> list[Found]:
    return [source async for source in fetcher.expand(url)]


async def documents_of(fetcher: SourceFetcher, url: str) -> list[SourceDocument]:
    found = await all_of(fetcher, url)
    assert not [source for source in found if not isinstance(source, SourceDocument)]
    return [source for source in found if isinstance(source, SourceDocument)]


async def failures_of(fetcher: SourceFetcher, url: str) -> dict[str, str]:
    return {source.source: source.reason async for source in fetcher.expand(url) if isinstance(source, UnreadableSource)}
