"""Documents in: read, prepare, embed, store, a batch at a time.

Invariant: a document is stored whole or not at all, and one that cannot be read stops nothing. What is inside a table, an archive or a mail
is a document of its own, found here, whoever handed the file in. Nothing of a run is kept but what is in the
database, so a run that was killed is continued by starting it again: what is stored and unchanged is skipped.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Sized
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from deskhand.errors import DeskhandError, Malformed, TooLarge, UnsupportedKind
from deskhand.knowledge import chunking, document_repository, indexing, repository, revision_repository
from deskhand.knowledge.document_repository import NewDocument
from deskhand.knowledge.documents import (
    DocumentId,
    ParsedDocument,
    Recording,
    SourceDocument,
    UnchangedSource,
    UnreadableSource,
    document_id,
)
from deskhand.knowledge.embedding import Embedder
from deskhand.knowledge.indexing import Prepared, current_recipe
from deskhand.knowledge.likeness_check import compare, find_candidates
from deskhand.knowledge.opening import Source, Sources, batches, grouped, holders, member_of
from deskhand.knowledge.overlap import Overlap
from deskhand.knowledge.parse import READS_PICTURES, Document, DocumentReader, ScannedPage, may_hold_documents
from deskhand.knowledge.reports import Failure, IngestReport, Progress, Scan, Tally
from deskhand.knowledge.screening import Screen, Suspicion, find_suspicions
from deskhand.persistence import Database, Transaction

_PICTURES_UNREAD = " pictures unread"


@dataclass(frozen=True, slots=True)
class _Batch:
    """Documents to be embedded. `tell` is called when they are stored."""

    prepared: Sequence[Prepared]
    tell: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Embedded:
    """Documents to be stored. `tell` is called when they are."""

    documents: Sequence[NewDocument]
    suspicions: Sequence[Suspicion]
    tell: Callable[[], None]


class Along(Protocol):
    """What is done in each transaction that stores, edits or removes documents, at its end; what it raises takes that back."""

    def __call__(self, tx: Transaction, *, indexed: int = 0, chunks: int = 0, removed: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestParts:
    """What every run is made with. `written` is called after each commit, on the event loop."""

    database: Database
    embedder: Embedder
    executor: Executor
    size: chunking.ChunkSize
    reader: DocumentReader
    written: Callable[[], None]
    screen: Screen | None = None


class Ingest:
    """One run.

    With `replaces_revision`, every document given must be stored and be at it; and one is unchanged that says what it said, whatever
    else is different about the file.
    """

    def __init__(
        self, parts: IngestParts, *, recording: Recording, replaces_revision: int | None = None, along: Along | None = None
    ) -> None:
        self._parts = parts
        self._database = parts.database
        self._executor = parts.executor
        self._recording = recording
        self._replaces_revision = replaces_revision
        self._along = along
        self._recipe = ""
        self._seen: set[DocumentId] = set()
        self._unreadable: set[str] = set()
        self._total: int | None = None
        self._tally = Tally()
        self._tell_page: Callable[[str, ScannedPage], None] = lambda _source, _page: None

    async def run(self, sources: Sources, *, sync_scope: str | None, on_progress: Callable[[Progress], None]) -> IngestReport:
        """Store `sources`; then, if a scope is given, remove what was stored from it and is not among them.

        What could not be read counts as among them, with all that was inside it: a broken file does not take its last good version with
        it, unless it is said to be gone. If the scope itself could not be read, nothing is removed.

        Raises:
            KnowledgeUnavailable: the embedding model is missing or broken.
            DatabaseUnavailable, DatabaseFull: nothing of the current batch is stored; all before it is.
        """
        ask = partial(current_recipe, self._parts.embedder, size=self._parts.size)
        # Loads the model, which takes a tenth of a second.
        self._recipe = await asyncio.get_running_loop().run_in_executor(self._executor, ask)
        self._total = len(sources) if isinstance(sources, Sized) else None

        def tell(source: str) -> None:
            on_progress(self._tally.progress(total=self._total, source=source))

        def tell_page(source: str, page: ScannedPage) -> None:
            on_progress(replace(self._tally.progress(total=self._total, source=source), page=page.done + 1, pages=page.total))

        self._tell_page = tell_page
        async with Overlap(self._embed, self._store) as embedding:
            async for batch in grouped(self._opened(sources)):
                await embedding.put(_Batch(await self._prepare(batch), partial(tell, batch[-1].source)))
        if sync_scope in self._unreadable:
            self._tally.incomplete = True
        elif sync_scope is not None:
            await self._remove_missing(sync_scope)
        return self._tally.report()

    async def _opened(self, sources: Sources) -> AsyncIterator[Source]:
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
                page = await self._parts.reader.unpack(document, start=start)
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

    async def _prepare(self, batch: Sequence[Source]) -> list[Prepared]:
        """What of a batch has to be embedded and stored; the rest is counted."""
        new = self._sift(batch)
        hashes = {document_id(source.origin): indexing.content_hash(source) for source in new}
        known = await self._database.read(lambda connection: repository.find_known(connection, list(hashes)))
        recipes = (self._recipe,) if READS_PICTURES else (self._recipe, self._recipe + _PICTURES_UNREAD)
        current = {name for name, content in known.items() if content.content_hash == hashes[name] and content.recipe in recipes}
        self._tally.unchanged += len(current)
        changed = [_with_kept_title(source, known) for source in new if document_id(source.origin) not in current]
        prepared = await self._read(changed, hashes) if changed else []
        return prepared if self._replaces_revision is None else await self._without_same(prepared, known)

    def _sift(self, batch: Sequence[Source]) -> list[SourceDocument]:
        """What of a batch is to be looked at; the rest is counted. All of it was seen then, but what its keeper says is gone."""
        found: list[SourceDocument] = []
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
                self._tally.unchanged += 1
            else:
                found.append(source)
            self._seen.add(name)
        return found

    async def _read(self, sources: Sequence[SourceDocument], hashes: Mapping[DocumentId, str]) -> list[Prepared]:
        """What could be read of `sources`, in chunks; the rest has failed."""
        documents = [Document(source.filename, source.content_type, source.data) for source in sources]
        read = await self._parts.reader.read_many(documents, on_page=lambda place, page: self._tell_page(sources[place].source, page))
        readable: list[tuple[SourceDocument, ParsedDocument]] = []
        for source, parsed in zip(sources, read, strict=True):
            if isinstance(parsed, DeskhandError):
                self._fail(source, parsed.message)
            else:
                readable.append((source, parsed))
                self._tell_scan(source, parsed)

        def work() -> list[Prepared]:
            return [
                indexing.prepare(
                    source, parsed, digest=hashes[document_id(source.origin)], recipe=self._recipe_of(parsed), size=self._parts.size
                )
                for source, parsed in readable
            ]

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _tell_scan(self, source: SourceDocument, parsed: ParsedDocument) -> None:
        if parsed.scanned:
            unread = tuple(page for page in parsed.scanned if page not in parsed.recognised)
            self._tally.scans.append(Scan(source.source, parsed.recognised, unread, parsed.unread_because))

    def _recipe_of(self, parsed: ParsedDocument) -> str:
        """Pages that could not be read for want of the extra are read when it is there."""
        unread = parsed.unread_because is not None and not READS_PICTURES
        return self._recipe + _PICTURES_UNREAD if unread else self._recipe

    async def _without_same(self, prepared: Sequence[Prepared], known: Mapping[DocumentId, repository.KnownContent]) -> list[Prepared]:
        """Those that say something else than what is stored of them; the others are counted."""
        ids = [item.document.id for item in prepared]
        stored = await self._database.read(lambda connection: revision_repository.texts_of(connection, ids))
        different: list[Prepared] = []
        for item in prepared:
            document = item.document
            before = known.get(document.id)
            says = (document.title, revision_repository.joined([chunk.text for chunk in document.chunks]), document.recipe)
            if before is None or (before.title, stored.get(document.id), before.recipe) != says:
                different.append(item)
        self._tally.unchanged += len(prepared) - len(different)
        return different

    async def _embed(self, batch: _Batch) -> _Embedded:
        if not batch.prepared:
            return _Embedded([], [], batch.tell)
        loop = asyncio.get_running_loop()
        # Side by side: embedding computes outside of Python.
        suspicions, documents = await asyncio.gather(
            loop.run_in_executor(self._executor, find_suspicions, self._parts.screen, [item.document for item in batch.prepared]),
            loop.run_in_executor(self._executor, indexing.embed, self._parts.embedder, batch.prepared),
        )
        return _Embedded(documents, suspicions, batch.tell)

    async def _store(self, batch: _Embedded) -> None:
        if batch.documents:
            await self._write(batch.documents)
            self._tally.indexed += len(batch.documents)
            self._tally.chunks += sum(len(document.chunks) for document in batch.documents)
            self._tally.suspect(batch.suspicions)
            await self._look_for_likenesses([document.id for document in batch.documents])
        batch.tell()

    async def _write(self, documents: Sequence[NewDocument]) -> None:
        def work(transaction: Transaction) -> None:
            transaction.after_commit(self._parts.written)
            version = repository.next_version(transaction)
            document_repository.put_documents(
                transaction, documents, version=version, recording=self._recording, expected_revision=self._replaces_revision
            )
            if self._along is not None:
                self._along(transaction, indexed=len(documents), chunks=sum(len(document.chunks) for document in documents))

        await self._database.write(work)

    async def _look_for_likenesses(self, ids: Sequence[DocumentId]) -> None:
        if self._tally.has_all_warnings:
            return
        candidates = await self._database.read(lambda connection: find_candidates(connection, ids))
        self._tally.warn(await asyncio.get_running_loop().run_in_executor(self._executor, compare, candidates))

    async def _remove_missing(self, scope: str) -> None:
        stored = await self._database.read(lambda connection: repository.list_origins_of_scope(connection, scope))
        missing = [name for name, origin in stored.items() if name not in self._seen and not self._unreadable & holders(origin)]
        if not missing:
            return

        def work(transaction: Transaction) -> int:
            transaction.after_commit(self._parts.written)
            version = repository.next_version(transaction)
            removed = len(document_repository.remove_documents(transaction, missing, version=version, recording=self._recording))
            if self._along is not None:
                self._along(transaction, removed=removed)
            return removed

        self._tally.removed = await self._database.write(work)

    def _fail(self, source: Source, reason: str) -> None:
        self._tally.failed.append(Failure(source.source, reason))


def _with_kept_title(source: SourceDocument, known: Mapping[DocumentId, repository.KnownContent]) -> SourceDocument:
    """The document under the title that staff gave it, which is embedded with its text."""
    found = known.get(document_id(source.origin))
    if found is None or "title" not in found.edited or "title" in source.edited:
        return source
    return replace(source, title=found.title)
