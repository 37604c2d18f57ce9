"""From a question to the passages that answer it: found by the index, read from the database, put in order.

Invariant: what a search returns was read from the database, under the asker's audience, in that very search. The index only says where to
look, so a deleted or hidden document cannot be shown by an index that lags behind.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import sqlalchemy as sa

from deskhand.cache import CacheService
from deskhand.knowledge.answering import READ, Asked, answer_chances, descending, passage_text, read_asked
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.candidates import Query
from deskhand.knowledge.chunk_index import ChunkIndex
from deskhand.knowledge.documents import Passage
from deskhand.knowledge.examples import Found, gathered, has_examples, shown_section
from deskhand.knowledge.passage_repository import PassageRow, find_passages
from deskhand.knowledge.querying import QueryReader
from deskhand.knowledge.ranking import Hit, Weights
from deskhand.knowledge.remembered import RememberedSearches
from deskhand.knowledge.remembered_vectors import RememberedVectors
from deskhand.knowledge.spelling import Frequencies
from deskhand.persistence import Database

_ATTEMPTS = 3
# How many the first score picks, for `reconsidered` to put in order.
_CANDIDATES = 40


class Searcher:
    def __init__(self, database: Database, index: ChunkIndex, reader: QueryReader, *, weights: Weights, cache: CacheService | None) -> None:
        """`cache` is one that other processes share; what they found need not be searched for again."""
        self._database = database
        self._index = index
        self._reader = reader
        self._weights = weights
        self._remembered = RememberedSearches(cache, database) if cache is not None else None
        self._vectors = RememberedVectors(cache, reader) if cache is not None else None
        self._version_seen = 0

    async def search(self, text: str, *, limit: int, audience: Audience, earlier: Sequence[str]) -> list[Passage]:
        """At most `limit` passages that `audience` may see, best first. See `KnowledgeService.search`.

        Raises:
            DatabaseUnavailable: the database could not be asked.
            KnowledgeUnavailable: the question could not be read.
        """
        if self._remembered is None:
            return await self._search(text, limit=limit, audience=audience, earlier=earlier)
        return await self._search_remembered(self._remembered, text, limit=limit, audience=audience, earlier=earlier)

    async def find_again(self, scores: Mapping[int, float], *, audience: Audience) -> list[Passage]:
        """What a search found before, by the ids and scores of its chunks, best first; without those that `audience` may not see any more.

        Raises:
            DatabaseUnavailable: the database could not be asked.
        """
        rows = await self._database.read(partial(find_passages, chunk_ids=list(scores), audience=audience))
        there = [chunk_id for chunk_id in scores if chunk_id in rows]
        return [_passage(rows[chunk_id], score=scores[chunk_id], rank=rank) for rank, chunk_id in enumerate(there, 1)]

    async def _search_remembered(
        self, remembered: RememberedSearches, text: str, *, limit: int, audience: Audience, earlier: Sequence[str]
    ) -> list[Passage]:
        place = await remembered.find_place(text, earlier=earlier, limit=limit, audience=audience)
        if place.version != self._version_seen:
            # Nobody may be told what an index that is behind this version finds in it.
            self._index.mark_stale()
            self._version_seen = place.version
        known = await remembered.recall(place, audience=audience)
        if known is not None:
            return [_passage(row, score=score, rank=rank) for rank, (row, score) in enumerate(known, 1)]
        unknown = await self._vectors.recall(text, earlier) if self._vectors is not None else []
        passages = await self._search(text, limit=limit, audience=audience, earlier=earlier)
        if self._vectors is not None:
            await self._vectors.keep(unknown)
        await remembered.keep(place, passages)
        return passages

    async def _search(self, text: str, *, limit: int, audience: Audience, earlier: Sequence[str]) -> list[Passage]:
        passages: list[Passage] = []
        read, most = partial(self._read, text, tuple(earlier)), max(limit, _CANDIDATES)
        for _ in range(_ATTEMPTS):
            found = await self._index.nearest(read, audience=audience, weights=self._weights, limit=most)
            hits, rows = await self._database.read(partial(_stored, hits=found.hits, limit=limit, audience=audience))
            shown = gathered(hits, rows)[:limit]
            texts = [passage_text(each.row.title, shown_section(each.row), each.row.text) for each in shown[:READ]]
            passages = _passages(shown, asked=read_asked(text, found.hits, texts, familiarity=found.familiarity))
            if len(rows) == len(hits):
                break
            # Some of it went or changed since the index was read: look again, so that what took its place is found.
            self._index.mark_stale()
        return passages

    def _read(self, text: str, earlier: Sequence[str], frequencies: Frequencies) -> Query:
        return self._reader.read(text, earlier, frequencies=frequencies)


def _stored(
    connection: sa.Connection, *, hits: Sequence[Hit], limit: int, audience: Audience
) -> tuple[Sequence[Hit], Mapping[int, PassageRow]]:
    """The first `limit` of `hits` with what is stored of them; all of `hits`, if there are examples among those."""
    first = hits[:limit]
    rows = find_passages(connection, [hit.chunk_id for hit in first], audience)
    if not has_examples(rows):
        return first, rows
    # Examples of one answer vote for it, those with them that are no part of the best few.
    return hits, find_passages(connection, [hit.chunk_id for hit in hits], audience)


def _passages(found: Sequence[Found], *, asked: Asked) -> list[Passage]:
    chances = answer_chances([each.hit for each in found], asked)
    scores = descending([each.chance or chance for each, chance in zip(found, chances, strict=True)])
    return [_passage(each.row, score=score, rank=rank) for rank, (each, score) in enumerate(zip(found, scores, strict=True), 1)]


def _passage(row: PassageRow, *, score: float, rank: int) -> Passage:
    return Passage(
        chunk_id=row.chunk_id,
        document_id=row.document_id,
        text=row.text,
        title=row.title,
        source=row.source,
        url=row.url,
        page=row.page,
        section=shown_section(row),
        score=score,
        rank=rank,
    )
