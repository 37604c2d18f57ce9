"""The knowledge base as the rest of Deskhand uses it: ingest, search, look after documents.

Invariant: what a search returns was read from the database, under the asker's audience, in that very search. The index in memory only says
where to look, so a deleted or hidden document cannot be shown by an index that lags behind.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, Self

import sqlalchemy as sa

from deskhand.cache import CacheService
from deskhand.clock import Clock, SystemClock
from deskhand.ids import SessionId
from deskhand.knowledge import document_repository, repository
from deskhand.knowledge.answering import READ, Asked, answer_chances, descending, passage_text, read_asked
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.candidates import Query
from deskhand.knowledge.chunk_index import ChunkIndex
from deskhand.knowledge.chunking import ChunkSize
from deskhand.knowledge.documents import DocumentId, Passage, Quote, StoredDocument, Tier
from deskhand.knowledge.embedding import Embedder
from deskhand.knowledge.errors import DocumentNotFound, KnowledgeUnavailable
from deskhand.knowledge.examples import Found, gathered, has_examples, shown_section
from deskhand.knowledge.indexing import current_recipe
from deskhand.knowledge.ingest import IngestParts
from deskhand.knowledge.library import OURSELVES, Library, leave_no_trace
from deskhand.knowledge.lines import LineReader
from deskhand.knowledge.live_index import LiveIndex
from deskhand.knowledge.loading import Loading, LoadingStep, TellLoading
from deskhand.knowledge.opening import Sources
from deskhand.knowledge.parse import DocumentReader, PictureOptions, ReaderOptions
from deskhand.knowledge.passage_repository import PassageRow, find_current, find_passages
from deskhand.knowledge.pgvector import PostgresqlIndex
from deskhand.knowledge.querying import QueryReader
from deskhand.knowledge.ranking import Hit, Weights
from deskhand.knowledge.remembered import RememberedSearches
from deskhand.knowledge.remembered_vectors import RememberedVectors
from deskhand.knowledge.reports import IngestReport, Progress
from deskhand.knowledge.samples import sample_documents
from deskhand.knowledge.screening import Screen
from deskhand.knowledge.spelling import Frequencies
from deskhand.persistence import Database, DatabaseUnavailable, Transaction
from deskhand.settings import Settings

_ATTEMPTS = 3
# How many the first score picks, for `reconsidered` to put in order.
_CANDIDATES = 40
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class KnowledgeOptions:
    """`threads` is how many searches and embeddings run side by side; `refresh_seconds` how long another process's writes may go unseen."""

    chunk_size: ChunkSize = field(default_factory=ChunkSize)
    weights: Weights = field(default_factory=Weights)
    threads: int = 4
    refresh_seconds: float = 1.0
    remembered_queries: int = 1024
    reading: ReaderOptions = field(default_factory=ReaderOptions)
    index: Literal["memory", "postgresql"] = "memory"
    history_days: int = 90
    screen: Screen | None = None
    # Where a large index in memory is kept for the next start; without one, it is built anew.
    index_folder: Path | None = None


class KnowledgeService:
    """Must be made inside a running event loop."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        options: KnowledgeOptions,
        *,
        clock: Clock | None = None,
        cache: CacheService | None = None,
    ) -> None:
        """`cache` is one that other processes share; what they found need not be searched for again."""
        self._database = database
        self._remembered = RememberedSearches(cache, database) if cache is not None else None
        self._version_seen = 0
        self._embedder = embedder
        self._options = options
        self._executor = ThreadPoolExecutor(options.threads, thread_name_prefix="knowledge")
        self._warmed: asyncio.Event | None = None
        self._reader = QueryReader(embedder, remembered=options.remembered_queries, weights=options.weights)
        self._vectors = RememberedVectors(cache, self._reader) if cache is not None else None
        self._clock = clock or SystemClock()
        self._index: ChunkIndex = (
            PostgresqlIndex(database, clock=self._clock, refresh_seconds=options.refresh_seconds)
            if options.index == "postgresql"
            else LiveIndex(
                database,
                clock=self._clock,
                executor=self._executor,
                refresh_seconds=options.refresh_seconds,
                folder=options.index_folder,
            )
        )
        # Public: the model that quotes asks it which line is meant.
        self.lines = LineReader(embedder)
        # Public: what a customer sends is read by it too.
        self.reader = DocumentReader(options.reading)
        parts = IngestParts(
            database=database,
            embedder=embedder,
            executor=self._executor,
            size=options.chunk_size,
            reader=self.reader,
            written=self._index.mark_stale,
            screen=options.screen,
        )
        self.library = Library(parts, keep_seconds=options.history_days * _DAY_SECONDS)

    @classmethod
    def create(
        cls,
        database: Database,
        settings: Settings,
        *,
        clock: Clock | None = None,
        screen: Screen | None = None,
        cache: CacheService | None = None,
    ) -> Self:
        """The service as the settings ask for it. `screen` looks for orders to the agent in what is ingested; `cache` is a shared one."""
        embedder = Embedder(threads=settings.embedding_threads)
        reading = ReaderOptions(
            processes=settings.reader_processes,
            memory_bytes=settings.reader_memory_mib * 1024 * 1024,
            cpu_seconds=settings.reader_cpu_seconds,
            wall_seconds=settings.reader_timeout_seconds,
            pictures=PictureOptions(
                memory_bytes=settings.ocr_memory_mib * 1024 * 1024,
                page_seconds=settings.ocr_page_seconds,
                document_seconds=settings.ocr_timeout_seconds,
            ),
        )
        options = KnowledgeOptions(
            history_days=settings.knowledge_history_days,
            screen=screen,
            index=settings.knowledge_index,
            reading=reading,
            index_folder=settings.data_dir / "index",
        )
        return cls(database, embedder, options, clock=clock, cache=cache)

    async def set_up(self) -> None:
        """Make what the index needs where it is kept.

        Raises:
            ConfigurationError: it cannot be kept there; the message says what to do.
        """
        await self._index.set_up()

    async def warm_up(self, *, samples: bool = False, tell: TellLoading = lambda _loading: None) -> None:
        """Load the model and the index and, if asked to, put the samples into an empty knowledge base. Searches wait until it is done.

        `tell` is called on the event loop with how far it is.

        Raises:
            KnowledgeUnavailable: the embedding model is missing or broken.
        """
        self._warmed = asyncio.Event()
        try:
            tell(Loading(LoadingStep.MODEL))
            await asyncio.get_running_loop().run_in_executor(self._executor, self._embedder.prepare)
            if samples and await self._database.read(repository.is_empty):
                given = sample_documents()
                tell(Loading(LoadingStep.SAMPLES, 0, len(given)))
                await self.ingest(given, sync_scope=None)
            await self.library.forget_old()
            await self._index.open(tell)
        finally:
            self._warmed.set()

    async def close(self) -> None:
        """Wait for what runs in threads, then let them go."""
        await self.reader.close()
        await self._index.close()
        await asyncio.to_thread(self._executor.shutdown)

    async def search(self, query: str, *, limit: int, audience: Audience, earlier: Sequence[str] = ()) -> list[Passage]:
        """At most `limit` passages that `audience` may see, best first. `earlier` are what the customer said before, oldest first.

        Found by the weighed sum of `ranking`, in the order of `reconsidered`; `Passage.score` is that of `answer_chances`. An empty list
        means that nothing is there to find, or nothing was asked.

        Raises:
            KnowledgeUnavailable: the model or the database could not be asked.
        """
        if not query.strip() or limit <= 0:
            return []
        if self._warmed is not None:
            await self._warmed.wait()
        try:
            if self._remembered is None:
                return await self._search(query, limit=limit, audience=audience, earlier=earlier)
            return await self._search_remembered(self._remembered, query, limit=limit, audience=audience, earlier=earlier)
        except DatabaseUnavailable as error:
            raise KnowledgeUnavailable(retry_after_seconds=error.retry_after_seconds or 1) from error

    async def ingest(
        self,
        sources: Sources,
        *,
        sync_scope: str | None,
        on_progress: Callable[[Progress], None] = lambda _progress: None,
        by: str = OURSELVES,
    ) -> IngestReport:
        """Put documents in, in the name of `by`. See `Ingest.run`; `on_progress` is called on the event loop after each batch."""
        return await self.library.add(sources, by=by, sync_scope=sync_scope, on_progress=on_progress)

    async def list_current(self, scope: str, *, tier: Tier) -> list[StoredDocument]:
        """What came from `scope` for `tier` and would be stored just so again: need not be fetched when it is unchanged.

        Raises:
            KnowledgeUnavailable: the embedding model is missing or broken.
        """
        ask = partial(current_recipe, self._embedder, size=self._options.chunk_size)
        now = await asyncio.get_running_loop().run_in_executor(self._executor, ask)
        return await self._database.read(partial(repository.list_current, scope=scope, tier=tier, recipe=now))

    async def find_current(self, quotes: Sequence[Quote], *, audience: Audience) -> set[Quote]:
        """Those of `quotes` that `audience` would still be answered from. The others are of documents that were changed or taken away.

        Raises:
            DatabaseUnavailable: the database could not be asked.
        """
        if not quotes:
            return set()
        return await self._database.read(partial(find_current, quotes=quotes, audience=audience))

    async def find_again(self, scores: Mapping[int, float], *, audience: Audience) -> list[Passage]:
        """What a search found before, by the ids and scores of its chunks, best first; without those that `audience` may not see any more.

        Raises:
            DatabaseUnavailable: the database could not be asked.
        """
        rows = await self._database.read(partial(find_passages, chunk_ids=list(scores), audience=audience))
        there = [chunk_id for chunk_id in scores if chunk_id in rows]
        return [_passage(rows[chunk_id], score=scores[chunk_id], rank=rank) for rank, chunk_id in enumerate(there, 1)]

    async def count_documents(self, audience: Audience | None = None) -> int:
        """How many documents `audience` may see; for `None`, how many belong to no session."""
        asker = audience or Audience.operator()
        return await self._database.read(lambda connection: repository.count_documents(connection, asker))

    async def list_documents(self, *, audience: Audience, limit: int = 50, offset: int = 0) -> list[StoredDocument]:
        """By title."""
        return await self._database.read(lambda connection: repository.list_documents(connection, audience, limit=limit, offset=offset))

    async def get_document(self, document_id: DocumentId, *, audience: Audience) -> StoredDocument:
        """Raises:
        DocumentNotFound: there is none, or `audience` may not see it.
        """
        found = await self._database.read(lambda connection: repository.find_document(connection, document_id, audience))
        if found is None:
            raise DocumentNotFound
        return found

    async def delete_document(self, document_id: DocumentId) -> None:
        """Delete a document with all that is kept of it. Whether the caller may is for the caller to know.

        Raises:
            DocumentNotFound: there is none.
        """
        if not await self._remove([document_id]):
            raise DocumentNotFound

    async def delete_session_documents(self, session_id: SessionId) -> int:
        """Delete what is attached to a session. Returns how many documents that were."""
        return await self._remove(await self._database.read(lambda connection: repository.list_ids_of_session(connection, session_id)))

    async def _remove(self, ids: Sequence[DocumentId]) -> int:
        if not ids:
            return 0

        def work(transaction: Transaction) -> int:
            transaction.after_commit(self._index.mark_stale)
            version, recording = repository.next_version(transaction), self.library.recording(OURSELVES)
            return len(document_repository.remove_documents(transaction, ids, version=version, recording=recording))

        removed = await self._database.write(work)
        await leave_no_trace(self._database)
        return removed

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
            found = await self._index.nearest(read, audience=audience, weights=self._options.weights, limit=most)
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
