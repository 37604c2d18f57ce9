"""One read for all who ask the same question of different rows at once.

Who asks while nobody does is answered by a read of their own. Whoever asks while others are being answered waits, and the next read is
for all who wait by then: a thousand who come together cost some dozens of reads.

The invariant: an answer was read after its question was asked.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import sqlalchemy as sa

from deskhand.persistence.database import Database

K = TypeVar("K")
V = TypeVar("V")

_READS_AT_ONCE: Final = 2
# Reads that take so long meet a dead connection: whoever waits behind them goes on without them.
_PATIENCE_SECONDS: Final = 0.5


class GatheredRead(Generic[K, V]):
    """`find` answers any number of keys on one connection; a key that nothing is known of is missing from its answer."""

    __slots__ = ("_database", "_find", "_keys", "_next", "_places")

    def __init__(self, database: Database, find: Callable[[sa.Connection, Sequence[K]], Mapping[K, V]]) -> None:
        self._database = database
        self._find = find
        self._places = asyncio.Semaphore(_READS_AT_ONCE)
        # Those who wait for a place, and the read that will be theirs.
        self._keys: list[K] = []
        self._next: asyncio.Task[Mapping[K, V]] | None = None

    async def ask(self, key: K) -> V | None:
        """What is known of `key`; None: nothing. Raises as `Database.read` does, to all who waited for the same read."""
        if not self._places.locked():
            async with self._places:
                return (await self._read([key])).get(key)
        if self._next is None:
            self._next = asyncio.create_task(self._read_next(), name="gathered-read")
        self._keys.append(key)
        # One who goes away takes nothing from the others.
        return (await asyncio.shield(self._next)).get(key)

    async def _read_next(self) -> Mapping[K, V]:
        has_place = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                has_place = await self._places.acquire()
        keys, self._keys, self._next = self._keys, [], None
        try:
            return await self._read(list(dict.fromkeys(keys)))
        finally:
            if has_place:
                self._places.release()

    async def _read(self, keys: Sequence[K]) -> Mapping[K, V]:
        return await self._database.read(lambda connection: self._find(connection, keys))
