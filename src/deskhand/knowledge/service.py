"""The knowledge base as the rest of Deskhand uses it: ingest, search, look after documents.

Invariant: of what is in it, each asker is shown what their audience may see, as the database has it at that moment.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, Self

from deskhand.cache import CacheService
from deskhand.clock import Clock, SystemClock
from deskhand.knowledge import repository
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.chunk_index import ChunkIndex
from deskhand.knowledge.chunking import ChunkSize
from deskhand.knowledge.documents import DocumentId, Passage, Quote, StoredDocument, Tier
from deskhand.knowledge.embedding import Embedder
from deskhand.knowledge.errors import DocumentNotFound, KnowledgeUnavailable
from deskhand.knowledge.indexing import current_recipe
from deskhand.knowledge.ingest import IngestParts
from deskhand.knowledge.library import OURSELVES, Library
from deskhand.knowledge.lines import LineReader
from deskhand.knowledge.live_index import LiveIndex
from deskhand.knowledge.loading import Loading, LoadingStep, TellLoading
from deskhand.knowledge.opening import Sources
from deskhand.knowledge.parse import DocumentReader, PictureOptions, ReaderOptions
from deskhand.knowledge.passage_repository import find_current
from deskhand.knowledge.pgvector import PostgresqlIndex
from deskhand.knowledge.querying import QueryReader
from deskhand.knowledge.ranking import Weights
from deskhand.knowledge.reports import IngestReport, Progress
from deskhand.knowledge.samples import sample_documents
from deskhand.knowledge.screening import Screen
from deskhand.knowledge.searching import Searcher
from deskhand.persistence import Database, DatabaseUnavailable
from deskhand.settings import Settings

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
        self._embedder = embedder
        self._options = options
        self._executor = ThreadPoolExecutor(options.threads, thread_name_prefix="knowledge")
        self._warmed: asyncio.Event | None = None
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
        reader = QueryReader(embedder, remembered=options.remembered_queries, weights=options.weights)
        self._searcher = Searcher(database, self._index, reader, weights=options.weights, cache=cache)
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
            return await self._searcher.search(query, limit=limit, audience=audience, earlier=earlier)
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
        return await self._searcher.find_again(scores, audience=audience)

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
