"""What searches found, remembered for all instances in the cache: which chunks, in which order, how well they answer. Never a word of them.

The invariant: what is taken from here is what the search would find in the same version of the knowledge base, read from the database under
the asker's audience in that very search. Whatever changed or was taken away meanwhile makes it a miss.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
import sqlalchemy as sa

import deskhand
from deskhand.cache import CacheService
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.documents import Passage
from deskhand.knowledge.passage_repository import PassageRow, find_passages
from deskhand.knowledge.repository import read_version
from deskhand.knowledge.tables import documents
from deskhand.persistence import Database

# Only what begins to count by the clock alone, without a write, can be found later for it.
_TTL_SECONDS: Final = 60.0


class _Found(msgspec.Struct, frozen=True, array_like=True):
    chunk_id: int
    score: float


_decoder = msgspec.msgpack.Decoder(list[_Found])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search's outcome is kept. `version` is that of the knowledge base."""

    key: str
    version: int


class RememberedSearches:
    def __init__(self, cache: CacheService, database: Database) -> None:
        self._cache = cache
        self._database = database

    async def find_place(self, text: str, *, earlier: Sequence[str], limit: int, audience: Audience) -> Place:
        """Raises DatabaseUnavailable."""
        version, has_own = await self._database.read(partial(_look, audience=audience))
        asked = (
            deskhand.__version__,
            version,
            sorted(audience.tiers),
            # Most sessions have no documents of their own, and share what they find.
            audience.session_id if has_own else None,
            limit,
            text,
            list(earlier),
        )
        return Place(hashlib.sha256(msgspec.msgpack.encode(asked)).hexdigest(), version)

    async def recall(self, place: Place, *, audience: Audience) -> list[tuple[PassageRow, float]] | None:
        """The passages and their scores, best first; None when they are not remembered, or not all are still there.

        Raises DatabaseUnavailable.
        """
        kept = await self._cache.get(f"search:{place.key}")
        if kept is None:
            return None
        try:
            found = _decoder.decode(kept)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None
        chunk_ids = [each.chunk_id for each in found]
        version, rows = await self._database.read(partial(_read, chunk_ids=chunk_ids, audience=audience))
        if version != place.version or len(rows) != len(set(chunk_ids)):
            return None
        return [(rows[each.chunk_id], each.score) for each in found]

    async def keep(self, place: Place, passages: Sequence[Passage]) -> None:
        found = [_Found(passage.chunk_id, passage.score) for passage in passages]
        await self._cache.set(f"search:{place.key}", msgspec.msgpack.encode(found), ttl_seconds=_TTL_SECONDS)


def _look(connection: sa.Connection, *, audience: Audience) -> tuple[int, bool]:
    version = read_version(connection)
    if audience.session_id is None:
        return version, False
    own = sa.select(documents.c.id).where(documents.c.session_id == audience.session_id).limit(1)
    return version, connection.execute(own).scalar() is not None


def _read(connection: sa.Connection, *, chunk_ids: Sequence[int], audience: Audience) -> tuple[int, dict[int, PassageRow]]:
    # The rows first: a version that is still the same afterwards says that they are of it.
    rows = find_passages(connection, chunk_ids, audience) if chunk_ids else {}
    return read_version(connection), rows
