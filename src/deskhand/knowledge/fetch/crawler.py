"""One address to its final answer: redirects, robots.txt, a site's pace, and another try when the site asks for one.

Invariant: every hop of a redirect is checked like the address that was given: its spelling, where it leads, and the robots.txt of its site.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp.abc import AbstractResolver
from yarl import URL

from deskhand.clock import Clock
from deskhand.errors import DeskhandError
from deskhand.knowledge.fetch import robots
from deskhand.knowledge.fetch.addresses import AddressPolicy, parse_url
from deskhand.knowledge.fetch.connecting import CheckedResolver
from deskhand.knowledge.fetch.errors import FetchFailed, PageGone, RobotsRefused
from deskhand.knowledge.fetch.http import PRODUCT, Answer, HttpClient, Reading, TimeLimits
from deskhand.knowledge.fetch.politeness import ROBOTS_SECONDS, Pause, Site, Sites

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GONE: Final = frozenset({404, 410})
_AGAIN: Final = frozenset({429, 502, 503, 504})
_CLIENT_ERRORS: Final = range(400, 500)
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_MOST_REDIRECTS: Final = 3
# RFC 9309 asks for five where the rules themselves are looked for.
_MOST_REDIRECTS_OF_ROBOTS: Final = 5
_TRIES: Final = 3
_LONGEST_WAIT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to recognise a page by. They belong to `url`, the page's final address, and are sent to no other."""

    url: str
    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}


class Crawler:
    """Must be made inside a running event loop. `pause` waits for so many seconds."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        clock: Clock,
        resolver: AbstractResolver | None = None,
        limits: TimeLimits | None = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._http = HttpClient(policy, resolver=resolver, limits=limits)
        self._clock = clock
        self._sites = Sites(clock, pause)

    @property
    def resolver(self) -> CheckedResolver:
        return self._http.resolver

    async def close(self) -> None:
        await self._http.close()

    async def get(self, url: URL, reading: Reading, *, known: Validators | None = None) -> Answer | None:
        """The answer 200 at the end of the redirects from `url`; `None` if the page is still as `known` says.

        Raises:
            AddressRefused, RobotsRefused: `url`, or an address that it leads to, is not fetched.
            PageGone: the site says that there is no such page.
            FetchFailed: any other answer, or none.
            TooLarge: the body is larger than is wanted. What `reading.accept` raises.
        """
        answer = await self._follow(url, reading, known=known, most=_MOST_REDIRECTS, obey=True)
        if answer.status == _NOT_MODIFIED and known is not None and known.url == str(answer.url):
            return None
        if answer.status != _OK:
            raise _failure(answer)
        return answer

    async def _follow(self, url: URL, reading: Reading, *, known: Validators | None, most: int, obey: bool) -> Answer:
        """The first answer that leads no further, whatever its status."""
        hop = url
        for _ in range(most + 1):
            asked = reading
            if known is not None and known.url == str(hop):
                asked = replace(reading, headers={**reading.headers, **known.headers()})
            answer = await self._ask(hop, asked, obey=obey)
            if answer.status not in _REDIRECTS:
                return answer
            hop = _next_hop(answer)
        raise FetchFailed(f"The address leads on more than {most} times.")

    async def _ask(self, url: URL, reading: Reading, *, obey: bool) -> Answer:
        """The answer of one address; again after a while if the site is busy."""
        site = self._sites.of(url)
        if obey and not (await self._robots(site, url)).allows(url):
            raise RobotsRefused("The site's robots.txt does not allow this page to be fetched.")
        for tries_left in reversed(range(_TRIES)):
            async with self._sites.turn(site):
                answer = await self._request(site, url, reading)
            if answer.status not in _AGAIN:
                return answer
            wait = retry_after(answer.headers, now=self._clock.now())
            wait = 2.0 ** (_TRIES - tries_left - 1) if wait is None else wait
            if not tries_left or wait > _LONGEST_WAIT_SECONDS:
                raise FetchFailed(f"The site is busy: it answered {answer.status}.", retry_after_seconds=wait)
            self._sites.hold(site, wait)
        raise AssertionError("the last try returns or raises")

    async def _request(self, site: Site, url: URL, reading: Reading) -> Answer:
        try:
            answer = await self._http.get(url, reading)
        except FetchFailed:
            self._sites.record(site, answered=False)
            raise
        except DeskhandError:
            self._sites.record(site, answered=True)
            raise
        self._sites.record(site, answered=True)
        return answer

    async def _robots(self, site: Site, url: URL) -> robots.Robots:
        async with site.lock:
            now = self._clock.monotonic()
            if site.robots is None or now >= site.robots_until:
                site.robots = await self._read_robots(site, url.origin().with_path("/robots.txt"))
                site.robots_until = now + ROBOTS_SECONDS
            return site.robots

    async def _read_robots(self, site: Site, url: URL) -> robots.Robots:
        """The rules of a site. None were made where there is no such file; where it cannot be read, nothing may be fetched (RFC 9309,
        2.3.1).
        """
        reading = Reading(max_bytes=robots.MAX_BYTES, cut=True)
        answer = await self._follow(url, reading, known=None, most=_MOST_REDIRECTS_OF_ROBOTS, obey=False)
        if answer.status == _OK:
            return robots.parse_robots(answer.body.decode("utf-8", "replace"), product=PRODUCT)
        if answer.status in _CLIENT_ERRORS:
            return robots.EVERYTHING
        self._sites.rest(site)
        raise FetchFailed(f"The site's robots.txt cannot be read, so nothing of it is fetched: the site answered {answer.status}.")


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """The seconds that `Retry-After` asks to wait, given as a number or a date; `None` if it says nothing that can be understood."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)


def _next_hop(answer: Answer) -> URL:
    location = answer.headers.get("Location")
    if not location:
        raise FetchFailed("The address leads on, but not to where.")
    return parse_url(location, base=answer.url)


def _failure(answer: Answer) -> FetchFailed:
    said = f"The site answered {answer.status}"
    if answer.status in _GONE:
        return PageGone(f"{said}: there is no such page.")
    if answer.status in (401, 403):
        return FetchFailed(f"{said}: the page is not open to everyone.")
    return FetchFailed(f"{said}.")
