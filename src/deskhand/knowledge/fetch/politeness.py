"""How gently each site is treated: few requests at once, as far apart as it asks, and none for a while once it no longer answers.

Invariant: whatever number of pages is wanted, a site has at most `AT_ONCE` requests of ours to answer at any moment.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from yarl import URL

from deskhand.clock import Clock
from deskhand.knowledge.fetch.errors import FetchFailed
from deskhand.knowledge.fetch.robots import Robots

AT_ONCE: Final = 2
LONGEST_DELAY_SECONDS: Final = 30.0
ROBOTS_SECONDS: Final = 3_600.0
_FAILURES_BEFORE_REST: Final = 8
_REST_SECONDS: Final = 60.0
_MOST_SITES: Final = 1_000

Pause = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Site:
    """One host and port. Times are the clock's monotonic seconds; `robots` is `None` until it was read."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    robots: Robots | None = None
    robots_until: float = 0.0
    next_at: float = 0.0
    failures: int = 0
    rests_until: float = 0.0
    users: int = 0


class Sites:
    """The sites that were spoken to lately."""

    def __init__(self, clock: Clock, pause: Pause) -> None:
        self._clock = clock
        self._pause = pause
        self._sites: dict[str, Site] = {}

    def of(self, url: URL) -> Site:
        key = f"{url.scheme}://{url.raw_authority}"
        site = self._sites.pop(key, None) or Site()
        self._sites[key] = site
        if len(self._sites) > _MOST_SITES:
            idle = next((name for name, other in self._sites.items() if not other.users and other is not site), None)
            if idle is not None:
                del self._sites[idle]
        return site

    @asynccontextmanager
    async def turn(self, site: Site) -> AsyncIterator[None]:
        """Wait until a request may be sent to `site`, and hold a slot of it.

        Raises:
            FetchFailed: it did not answer several times in a row, and is left alone.
        """
        site.users += 1
        try:
            async with site.slots:
                if self._clock.monotonic() < site.rests_until:
                    raise FetchFailed("The site does not answer, so it is left alone for a minute.")
                await self._await_turn(site)
                yield
        finally:
            site.users -= 1

    async def _await_turn(self, site: Site) -> None:
        delay = min(site.robots.delay_seconds, LONGEST_DELAY_SECONDS) if site.robots is not None else 0.0
        now = self._clock.monotonic()
        starts_at = max(now, site.next_at)
        site.next_at = starts_at + delay
        if starts_at > now:
            await self._pause(starts_at - now)

    def hold(self, site: Site, seconds: float) -> None:
        """Send nothing to `site` for `seconds`."""
        site.next_at = max(site.next_at, self._clock.monotonic() + seconds)

    def record(self, site: Site, *, answered: bool) -> None:
        """Whether a request got any answer at all."""
        site.failures = 0 if answered else site.failures + 1
        if site.failures >= _FAILURES_BEFORE_REST:
            self.rest(site)

    def rest(self, site: Site) -> None:
        """Leave `site` alone for a while: whatever is wanted of it fails at once."""
        site.failures = 0
        site.rests_until = self._clock.monotonic() + _REST_SECONDS
