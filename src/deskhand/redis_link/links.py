"""The links of a process: one for each Redis it uses, whoever uses it."""

from pathlib import Path
from typing import TYPE_CHECKING

from deskhand.clock import Clock

if TYPE_CHECKING:
    from deskhand.redis_link.redis import RedisLink


class RedisLinks:
    def __init__(self, *, clock: Clock, ca_file: Path | None = None) -> None:
        self._clock = clock
        self._ca_file = ca_file
        self._links: dict[str, RedisLink] = {}

    def get(self, url: str) -> "RedisLink":
        """The one link to `url`.

        Raises:
            ConfigurationError: not a Redis URL.
        """
        # redis-py takes 0.1 s to import, and most installations do without.
        from deskhand.redis_link.redis import RedisLink  # noqa: PLC0415

        if url not in self._links:
            self._links[url] = RedisLink(url, clock=self._clock, ca_file=self._ca_file)
        return self._links[url]

    async def close(self) -> None:
        for link in self._links.values():
            await link.close()
