"""The one fetcher of this process, made when it is first needed: what it imports would take 0.1 s of every start."""

from typing import TYPE_CHECKING

from deskhand.clock import Clock
from deskhand.settings import Settings

if TYPE_CHECKING:
    from deskhand.knowledge.fetch import SourceFetcher


class Fetching:
    def __init__(self, settings: Settings, clock: Clock, *, fetcher: "SourceFetcher | None" = None) -> None:
        """`fetcher` is used in place of one that the settings ask for."""
        self._settings = settings
        self._clock = clock
        self._fetcher = fetcher

    def fetcher(self) -> "SourceFetcher":
        """Raises ConfigurationError: the settings of fetching are wrong."""
        if self._fetcher is None:
            from deskhand.knowledge.fetch import SourceFetcher  # noqa: PLC0415 - see above

            self._fetcher = SourceFetcher.create(self._settings, clock=self._clock)
        return self._fetcher

    async def close(self) -> None:
        if self._fetcher is not None:
            await self._fetcher.close()
