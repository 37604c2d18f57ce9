"""Documents in: parse, chunk, analyse, embed, store, a batch at a time.

Invariant: a document is stored whole or not at all, and one that cannot be read stops nothing. What is inside a table, an archive or a mail
is a document of its own, found here, whoever handed the file in. Nothing of a run is kept but what is in the
database, so a run that was killed is continued by starting it again: what is stored and unchanged is skipped.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Sized
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import structlog

from deskhand.errors import DeskhandError, Malformed, TooLarge, UnsupportedKind
from deskhand.knowledge import analysis, chunking, document_repository, likeness, repository, revision_repository
from deskhand.knowledge.documents import (
    DocumentId,
    ParsedDocument,
    Recording,
    SourceDocument,
    UnchangedSource,
    UnreadableSource,
    document_id,
)
from deskhand.knowledge.embedding import Embedder, Vectors
from deskhand.knowledge.examples import example_chunks
from deskhand.knowledge.likeness_check import Likeness, compare, find_candidates
from deskhand.knowledge.opening import Source as Source
from deskhand.knowledge.opening import Sources as Sources
from deskhand.knowledge.opening import batches, grouped, holders, member_of
from deskhand.knowledge.overlap import Overlap
from deskhand.knowledge.parse import Document, DocumentReader, may_hold_documents
from deskhand.persistence import Database, Transaction

# On the questions of `evals/quoting.py`, ordered by relevance alone, the right document came first for .949 of the samples' with this, for
# .906 without; .25 and .7 were no better.
_HEADING_WEIGHT = 0.5
_LEAST_LENGTH = 1e-9
log = structlog.get_logger(__name__)

_MOST_WARNINGS = 200

# What a document's keeper says of it besides its content: a change of it alone is no change of the document.
_NOT_CONTENT = frozenset({"fetched"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that was given and is not in the knowledge base as it was given. `reason` is a sentence."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is. `total` is `None` while nobody knows how many there are; `source` is the document looked at last."""

    done: int
    total: int | None
    source: str
    indexed: int
    unchanged: int
    failed: int
    chunks: int


Screen = Callable[[str], tuple[str, ...]]
"""The kinds of orders to the agent that a text seems to hold; none for most. Injected: what the guard knows is not this package's."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A place in a document that reads like orders to the agent. It is indexed all the same, and told."""

    source: str
    title: str
    section: str | None
    page: int | None
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of each document: `indexed + unchanged + removed + len(failed) = given`.

    `given` counts those handed in and, when synchronising, those of the scope that were not handed in any more. `chunks` are those newly
    written. `incomplete` says that nothing was removed, because it could not be known what all belongs to the scope.
    """

    indexed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: tuple[Failure, ...] = ()
    chunks: int = 0
    warnings: tuple[Likeness, ...] = ()
    suspicions: tuple[Suspicion, ...] = ()
    incomplete: bool = False

    @property
    def given(self) -> int:
        return self.indexed + self.unchanged + self.removed + len(self.failed)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A document to be written, without its vectors yet. `texts` are what its chunks are embedded from, `headings` are those above."""

    document: document_repository.NewDocument
    texts: Sequence[str]
    headings: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Documents to be embedded. `tell` is called when they are stored."""

    prepared: Sequence[_Prepared]
    tell: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Embedded:
    """Documents to be stored. `tell` is called when they are."""

    documents: Sequence[document_repository.NewDocument]
    suspicions: Sequence[Suspicion]
    tell: Callable[[], None]


class Ingest:
    """One run. `written` is called after each commit, on the event loop.

    With `replaces_revision`, every document given must be stored and be at it; and one is unchanged that says what it said, whatever
    else is different about the file.
    """

    def __init__(  # noqa: PLR0913 - the parts that a run is made of
        self,
        database: Database,
        embedder: Embedder,
        *,
        executor: Executor,
        size: chunking.ChunkSize,
        reader: DocumentReader,
        written: Callable[[], None],
        recording: Recording,
        replaces_revision: int | None = None,
        screen: Screen | None = None,
    ) -> None:
        self._database = database
        self._screen = screen
        self._recording = recording
        self._replaces_revision = replaces_revision
        self._embedder = embedder
        self._executor = executor
        self._size = size
        self._reader = reader
        self._written = written
        self._recipe = ""
        self._seen: set[DocumentId] = set()
        self._unreadable: set[str] = set()
        self._total: int | None = None
        self._report = IngestReport()

    async def run(self, sources: Sources, *, sync_scope: str | None, on_progress: Callable[[Progress], None]) -> IngestReport:
        """Store `sources`; then, if a scope is given, remove what was stored from it and is not among them.

        What could not be read counts as among them, with all that was inside it: a broken file does not take its last good version with
        it, unless it is said to be gone. If the scope itself could not be read, nothing is removed.

        Raises:
            KnowledgeUnavailable: the embedding model is missing or broken.
            DatabaseUnavailable, DatabaseFull: nothing of the current batch is stored; all before it is.
        """
        # Loads the model, which takes a tenth of a second.
        self._recipe = await asyncio.get_running_loop().run_in_executor(self._executor, lambda: recipe(self._embedder, size=self._size))
        self._total = len(sources) if isinstance(sources, Sized) else None
        async with Overlap(self._embed, self._store) as embedding:
            async for batch in grouped(self._documents(sources)):
                prepared = await self._prepared(batch)
                await embedding.put(_Batch(prepared, partial(self._tell, on_progress, batch[-1].source)))
        if sync_scope in self._unreadable:
            self._report = replace(self._report, incomplete=True)
        elif sync_scope is not None:
            await self._remove_missing(sync_scope)
        return self._report

    async def _documents(self, sources: Sources) -> AsyncIterator[Source]:
        """What was handed in, with what is inside others in the place of those."""
        async for batch in batches(sources, executor=self._executor):
            for source in batch:
                if isinstance(source, SourceDocument) and may_hold_documents(source.filename, source.content_type, source.data):
                    async for inner in self._inside(source):
                        yield inner
                else:
                    yield source

    async def _inside(self, source: SourceDocument) -> AsyncIterator[Source]:
        document = Document(source.filename, source.content_type, source.data)
        start: int | None = 0
        while start is not None:
            try:
                page = await self._reader.unpack(document, start=start)
            except (Malformed, TooLarge, UnsupportedKind) as error:
                yield UnreadableSource(source.origin, source.source, error.message, source.scope)
                return
            if page is None:
                yield source
                return
            if self._total is not None:
                self._total += len(page.members) - (start == 0)
            for member in page.members:
                if member.problem is not None and member.key.startswith("#"):
                    # A row that cannot be read is known by its place alone, so it cannot be told which stored one it was.
                    self._unreadable.add(source.origin)
                yield member_of(source, member)
            start = page.following

    def _tell(self, on_progress: Callable[[Progress], None], source: str) -> None:
        report = self._report
        on_progress(
            Progress(
                done=report.given,
                total=self._total,
                source=source,
                indexed=report.indexed,
                unchanged=report.unchanged,
                failed=len(report.failed),
                chunks=report.chunks,
            )
        )

    async def _prepared(self, batch: Sequence[Source]) -> list[_Prepared]:
        """What of a batch has to be embedded and stored."""
        new: list[SourceDocument] = []
        for source in batch:
            name = document_id(source.origin)
            if isinstance(source, UnreadableSource):
                self._fail(source, source.reason)
                if source.gone:
                    continue
                self._unreadable.add(source.origin)
            elif name in self._seen:
                self._fail(source, "Another document of this run has the same address or id.")
            elif isinstance(source, UnchangedSource):
                self._report = replace(self._report, unchanged=self._report.unchanged + 1)
            else:
                new.append(source)
            self._seen.add(name)
        hashes = {document_id(source.origin): content_hash(source) for source in new}
        known = await self._database.read(lambda connection: repository.find_known(connection, list(hashes)))
        current = {name for name, content in known.items() if (content.content_hash, content.recipe) == (hashes[name], self._recipe)}
        self._report = replace(self._report, unchanged=self._report.unchanged + len(current))
        changed = [_with_kept_title(source, known) for source in new if document_id(source.origin) not in current]
        prepared = await self._prepare(changed, hashes) if changed else []
        return prepared if self._replaces_revision is None else await self._without_same(prepared, known)

    async def _embed(self, batch: _Batch) -> _Embedded:
        if not batch.prepared:
            return _Embedded([], [], batch.tell)
        loop = asyncio.get_running_loop()
        # Side by side: embedding computes outside of Python.
        suspicions, vectors = await asyncio.gather(
            loop.run_in_executor(self._executor, _suspicions, self._screen, batch.prepared),
            loop.run_in_executor(self._executor, _embedded, self._embedder, batch.prepared),
        )
        return _Embedded(_with_vectors(batch.prepared, vectors), suspicions, batch.tell)

    async def _store(self, batch: _Embedded) -> None:
        if batch.documents:
            await self._write(batch.documents, batch.suspicions)
        batch.tell()

    async def _write(self, documents: Sequence[document_repository.NewDocument], suspicions: Sequence[Suspicion]) -> None:
        def work(transaction: Transaction) -> None:
            transaction.after_commit(self._written)
            version = repository.next_version(transaction)
            document_repository.put_documents(
                transaction, documents, version=version, recording=self._recording, expected_revision=self._replaces_revision
            )

        await self._database.write(work)
        self._report = replace(
            self._report,
            indexed=self._report.indexed + len(documents),
            chunks=self._report.chunks + sum(len(document.chunks) for document in documents),
            suspicions=(*self._report.suspicions, *suspicions)[:_MOST_WARNINGS],
        )
        await self._look_for_likenesses([document.id for document in documents])

    async def _look_for_likenesses(self, ids: Sequence[DocumentId]) -> None:
        if len(self._report.warnings) >= _MOST_WARNINGS:
            return
        candidates = await self._database.read(lambda connection: find_candidates(connection, ids))
        found = await asyncio.get_running_loop().run_in_executor(self._executor, compare, candidates)
        self._report = replace(self._report, warnings=(*self._report.warnings, *found)[:_MOST_WARNINGS])

    async def _without_same(self, prepared: Sequence[_Prepared], known: Mapping[DocumentId, repository.KnownContent]) -> list[_Prepared]:
        ids = [item.document.id for item in prepared]
        stored = await self._database.read(lambda connection: revision_repository.texts_of(connection, ids))
        different: list[_Prepared] = []
        for item in prepared:
            document = item.document
            before = known.get(document.id)
            says = (document.title, revision_repository.joined([chunk.text for chunk in document.chunks]), document.recipe)
            if before is None or (before.title, stored.get(document.id), before.recipe) != says:
                different.append(item)
        self._report = replace(self._report, unchanged=self._report.unchanged + len(prepared) - len(different))
        return different

    async def _prepare(self, sources: Sequence[SourceDocument], hashes: Mapping[DocumentId, str]) -> list[_Prepared]:
        """What could be read of `sources`, in chunks; the rest has failed."""
        read = await self._reader.read_many([Document(source.filename, source.content_type, source.data) for source in sources])
        readable: list[tuple[SourceDocument, ParsedDocument]] = []
        for source, parsed in zip(sources, read, strict=True):
            if isinstance(parsed, DeskhandError):
                self._fail(source, parsed.message)
            else:
                readable.append((source, parsed))

        def work() -> list[_Prepared]:
            return [self._chunked(source, parsed, hashes[document_id(source.origin)]) for source, parsed in readable]

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _chunked(self, source: SourceDocument, parsed: ParsedDocument, digest: str) -> _Prepared:
        title = source.title or parsed.title
        pieces = chunking.split(replace(parsed, title=title), size=self._size)
        pieces += example_chunks(source.metadata, pieces, title=title)
        texts = [chunking.indexed_text(piece, title=title) for piece in pieces]
        rows = [
            document_repository.NewChunk(
                text=piece.text,
                section=piece.section,
                page=piece.page,
                vector=b"",
                terms=analysis.pack(*analysis.analyse(text)),
                marks=likeness.marks_of(piece.text) if source.session_id is None else (),
            )
            for piece, text in zip(pieces, texts, strict=True)
        ]
        document = document_repository.NewDocument(
            id=document_id(source.origin),
            origin=source.origin,
            source=source.source,
            title=title,
            url=source.url or parsed.url,
            content_type=parsed.content_type,
            tier=source.tier,
            session_id=source.session_id,
            scope=source.scope,
            metadata=source.metadata,
            content_hash=digest,
            recipe=self._recipe,
            characters=len(parsed.text),
            chunks=rows,
            effective_from=source.effective_from,
            effective_until=source.effective_until,
            edited=source.edited | dates_given(source),
        )
        return _Prepared(document, texts, [chunking.heading_of(piece, title=title) for piece in pieces])

    async def _remove_missing(self, scope: str) -> None:
        stored = await self._database.read(lambda connection: repository.list_origins_of_scope(connection, scope))
        missing = [name for name, origin in stored.items() if name not in self._seen and not self._unreadable & holders(origin)]
        if not missing:
            return

        def work(transaction: Transaction) -> int:
            transaction.after_commit(self._written)
            version = repository.next_version(transaction)
            return len(document_repository.remove_documents(transaction, missing, version=version, recording=self._recording))

        self._report = replace(self._report, removed=await self._database.write(work))

    def _fail(self, source: Source, reason: str) -> None:
        self._report = replace(self._report, failed=(*self._report.failed, Failure(source.source, reason)))


def recipe(embedder: Embedder, *, size: chunking.ChunkSize) -> str:
    """How documents are indexed now. What was indexed by another recipe is indexed again when it is next given."""
    return f"{embedder.recipe()} {analysis.VERSION} {chunking.VERSION} {size.least}-{size.most}"


def content_hash(source: SourceDocument) -> str:
    """Of everything that storing this document depends on, besides the recipe."""
    shown = [source.source, source.filename, source.content_type, source.title, source.url, source.tier, source.session_id, source.scope]
    metadata = {name: value for name, value in source.metadata.items() if name not in _NOT_CONTENT}
    dates = [date for date in (source.effective_from, source.effective_until) if date is not None]
    # Without dates it is as it was before there were any, so that nothing is indexed again for that.
    effective = [[source.effective_from, source.effective_until]] if dates else []
    digest = hashlib.blake2b(json.dumps([*shown, metadata, *effective], sort_keys=True).encode(), digest_size=32)
    digest.update(b"\n" + source.data)
    return digest.hexdigest()


def dates_given(source: SourceDocument) -> frozenset[str]:
    """Dates that come with a document are as if set by hand: its file does not know them when it is read again."""
    return frozenset(name for name in ("effective_from", "effective_until") if getattr(source, name) is not None)


def _with_kept_title(source: SourceDocument, known: Mapping[DocumentId, repository.KnownContent]) -> SourceDocument:
    """The document under the title that staff gave it, which is embedded with its text."""
    found = known.get(document_id(source.origin))
    if found is None or "title" not in found.edited or "title" in source.edited:
        return source
    return replace(source, title=found.title)


def _suspicions(screen: Screen | None, prepared: Sequence[_Prepared]) -> list[Suspicion]:
    if screen is None:
        return []
    found = [
        Suspicion(item.document.source, item.document.title, chunk.section, chunk.page, kinds)
        for item in prepared
        for chunk in item.document.chunks
        if (kinds := screen(chunk.text))
    ]
    for suspicion in found:
        log.info("orders_in_document", source=suspicion.source, kinds=list(suspicion.kinds))
    return found


def _embedded(embedder: Embedder, prepared: Sequence[_Prepared]) -> Vectors:
    return embedded_chunks(
        embedder, [text for item in prepared for text in item.texts], [heading for item in prepared for heading in item.headings]
    )


def embedded_chunks(embedder: Embedder, texts: Sequence[str], above: Sequence[str | None]) -> Vectors:
    """The vectors of chunks: of the text, drawn towards its headings, which say what it is about when the text is a table or long."""
    headings = list(dict.fromkeys(heading for heading in above if heading is not None))
    embedded = embedder.embed([*texts, *headings])
    place = {heading: len(texts) + number for number, heading in enumerate(headings)}
    vectors = embedded[: len(texts)]
    headed = [row for row, heading in enumerate(above) if heading is not None]
    vectors[headed] += _HEADING_WEIGHT * embedded[[place[heading] for heading in above if heading is not None]]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _LEAST_LENGTH)
    return vectors


def _with_vectors(prepared: Sequence[_Prepared], vectors: Vectors) -> list[document_repository.NewDocument]:
    rows = iter(vectors)
    return [
        replace(item.document, chunks=[replace(chunk, vector=next(rows).astype("<f4").tobytes()) for chunk in item.document.chunks])
        for item in prepared
    ]
