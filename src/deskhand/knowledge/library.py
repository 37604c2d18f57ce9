"""The knowledge base as those see it who look after it: every document that belongs to no session, whoever it is for, in force or not.

Invariant: each change is recorded with who made it and when, and is made to what its maker has read: where they say which revision that
was, a document that has changed since is left as it is. What is deleted is gone from everywhere but the record that it was deleted.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from deskhand.errors import Malformed
from deskhand.knowledge import analysis, chunking, document_repository, library_repository, repository, revision_repository
from deskhand.knowledge.documents import DocumentId, Recording, Revision, SourceDocument, StoredDocument, StoredPart, document_id
from deskhand.knowledge.errors import DocumentNotFound, UnreadableDocument
from deskhand.knowledge.indexing import chunk_vectors
from deskhand.knowledge.ingest import Along, Ingest, IngestParts
from deskhand.knowledge.library_repository import DocumentFilter
from deskhand.knowledge.likeness_check import Likeness, compare, find_candidates
from deskhand.knowledge.opening import Sources
from deskhand.knowledge.reports import IngestReport, Progress
from deskhand.persistence import Database, Transaction

log = structlog.get_logger(__name__)

# Whoever changes documents and says no name.
OURSELVES = "deskhand"
EDITABLE = ("title", "tier", "url", "effective_from", "effective_until", "disabled")


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a document is to say from now on: a file, or text as Markdown. `title` is set by hand if it is given."""

    filename: str
    data: bytes
    content_type: str | None = None
    title: str | None = None


class Library:
    """`by` is whoever makes a change, as the history names them."""

    def __init__(self, parts: IngestParts, *, keep_seconds: float) -> None:
        self._parts = parts
        self._database = parts.database
        self._executor = parts.executor
        self._keep_seconds = keep_seconds

    async def list_documents(self, chosen: DocumentFilter, *, limit: int, offset: int) -> tuple[list[StoredDocument], int]:
        """By title; and how many there are in all."""
        return await self._database.read(partial(library_repository.list_all, chosen=chosen, limit=limit, offset=offset))

    async def get_document(self, name: DocumentId) -> StoredDocument:
        """Raises:
        DocumentNotFound: there is none, or it belongs to a session.
        """
        found = await self._database.read(lambda connection: library_repository.find_any(connection, name))
        if found is None:
            raise DocumentNotFound
        return found

    async def find_documents(self, names: Sequence[DocumentId]) -> list[StoredDocument]:
        """Those of `names` that there are, in that order."""
        found = await self._database.read(lambda connection: library_repository.find_some(connection, names))
        return [found[name] for name in names if name in found]

    async def was_replaced(self, name: DocumentId) -> bool:
        """Whether the document is there and says something else than when it was added."""
        return await self._database.read(lambda connection: library_repository.was_replaced(connection, name))

    async def list_parts(self, name: DocumentId) -> list[StoredPart]:
        """What is stored of a document's text, in order; empty if there is no such document."""
        return await self._database.read(lambda connection: library_repository.list_parts(connection, name))

    async def find_likenesses(self, name: DocumentId) -> list[Likeness]:
        """What other documents say nearly the same as this one, or something else of the same thing; at most one of each kind for each."""
        candidates = await self._database.read(lambda connection: find_candidates(connection, [name]))
        return await asyncio.get_running_loop().run_in_executor(self._executor, compare, candidates)

    async def list_revisions(self, name: DocumentId) -> list[Revision]:
        """What became of a document, newest first, also when it was deleted since.

        Raises:
            DocumentNotFound: there never was one.
        """
        found = await self._database.read(partial(revision_repository.list_revisions, document_id=name, keep_seconds=self._keep_seconds))
        if not found:
            # Stored before there was a history.
            await self.get_document(name)
        return found

    async def add(
        self,
        sources: Sources,
        *,
        by: str,
        sync_scope: str | None = None,
        on_progress: Callable[[Progress], None] = lambda _progress: None,
        along: Along | None = None,
    ) -> IngestReport:
        """Put documents in, each in the place of one of the same origin. See `Ingest.run`, and `Along`."""
        return await self._run(self._new_run(by, along=along), sources, sync_scope=sync_scope, on_progress=on_progress)

    async def replace(
        self,
        document: StoredDocument,
        replacement: Replacement,
        *,
        by: str,
        expected_revision: int | None = None,
        along: Along | None = None,
    ) -> IngestReport:
        """Let a document say something else under the same id; what was set by hand stays. Unchanged is what it says already.

        Raises:
            DocumentChanged: it is not at `expected_revision`, or was deleted.
            UnreadableDocument: the file cannot be read; the document is as it was.
        """
        source = SourceDocument(
            origin=document.origin,
            source=_source_under(replacement.title, document),
            filename=replacement.filename,
            data=replacement.data,
            content_type=replacement.content_type,
            title=replacement.title,
            url=document.url,
            tier=document.tier,
            scope=document.scope,
            metadata=document.metadata,
            effective_from=document.effective_from,
            effective_until=document.effective_until,
            edited=frozenset({"title"}) if replacement.title is not None else frozenset(),
        )
        return await self.replace_from(document, source, by=by, expected_revision=expected_revision, along=along)

    async def replace_from(
        self,
        document: StoredDocument,
        source: SourceDocument,
        *,
        by: str,
        expected_revision: int | None = None,
        along: Along | None = None,
    ) -> IngestReport:
        """As `replace`, with what was read anew of where the document comes from."""
        assert document_id(source.origin) == document.id, "a document is replaced by what has its origin"
        expected = document.revision if expected_revision is None else expected_revision
        report = await self._run(self._new_run(by, replaces_revision=expected, along=along), [source])
        if report.failed:
            raise UnreadableDocument(report.failed[0].reason)
        return report

    async def edit(
        self, name: DocumentId, values: Mapping[str, Any], *, by: str, expected_revision: int | None = None, along: Along | None = None
    ) -> bool:
        """Set some of the fields `EDITABLE`. False: they were so before.

        A later ingest of the same document leaves them as they are set here.

        Raises:
            DocumentNotFound: there is none.
            DocumentChanged: it is not at `expected_revision`.
            Malformed: it would end before it begins, or have no title.
        """
        assert set(values) <= set(EDITABLE)
        if not str(values.get("title", "–")).strip():
            raise Malformed("title: it is empty.")
        document = await self.get_document(name)
        since, until = (values.get(field, getattr(document, field)) for field in ("effective_from", "effective_until"))
        if since is not None and until is not None and since >= until:
            raise Malformed(
                "effective_until: it is not after effective_from.", support="A document is in force from the one until the other."
            )
        indexed: list[tuple[int, bytes, bytes]] = []
        title = values.get("title", document.title)
        if title != document.title:
            values = {**values, "source": _source_under(title, document)}
            # What its chunks are found by begins with the title, so it has to be the one that was read.
            expected_revision = document.revision if expected_revision is None else expected_revision
            found = await self._database.read(lambda connection: library_repository.list_chunks(connection, name))
            indexed = await asyncio.get_running_loop().run_in_executor(self._executor, partial(self._indexed, found, title=title))

        def work(transaction: Transaction) -> bool:
            transaction.after_commit(self._parts.written)
            changed = document_repository.edit_document(
                transaction,
                name,
                values,
                version=repository.next_version(transaction),
                recording=self.recording(by),
                expected_revision=expected_revision,
                indexed=indexed,
            )
            if changed and along is not None:
                along(transaction)
            return changed

        return await self._database.write(work)

    async def delete(self, name: DocumentId, *, by: str, expected_revision: int | None = None, along: Along | None = None) -> None:
        """Delete a document for good, with every version of it.

        Raises:
            DocumentNotFound: there is none.
            DocumentChanged: it is not at `expected_revision`.
        """
        document = await self.get_document(name)

        def work(transaction: Transaction) -> list[DocumentId]:
            transaction.after_commit(self._parts.written)
            removed = document_repository.remove_documents(
                transaction,
                [document.id],
                version=repository.next_version(transaction),
                recording=self.recording(by),
                expected_revision=expected_revision,
            )
            if removed and along is not None:
                along(transaction, removed=len(removed))
            return removed

        if not await self._database.write(work):
            raise DocumentNotFound
        await leave_no_trace(self._database)

    async def forget_old(self) -> None:
        """Drop the texts that were replaced longer ago than they are kept."""

        def work(transaction: Transaction) -> None:
            revision_repository.forget_old_contents(transaction, keep_seconds=self._keep_seconds)

        await self._database.write(work)
        await leave_no_trace(self._database)

    def recording(self, by: str) -> Recording:
        return Recording(changed_by=by, keep_seconds=self._keep_seconds)

    def _new_run(self, by: str, *, replaces_revision: int | None = None, along: Along | None = None) -> Ingest:
        return Ingest(self._parts, recording=self.recording(by), replaces_revision=replaces_revision, along=along)

    async def _run(
        self,
        run: Ingest,
        sources: Sources,
        *,
        sync_scope: str | None = None,
        on_progress: Callable[[Progress], None] = lambda _progress: None,
    ) -> IngestReport:
        report = await run.run(sources, sync_scope=sync_scope, on_progress=on_progress)
        if report.indexed or report.removed:
            await leave_no_trace(self._database)
        return report

    def _indexed(self, found: Sequence[tuple[int, StoredPart]], *, title: str) -> list[tuple[int, bytes, bytes]]:
        pieces = [chunking.Chunk(part.text, part.section, part.page) for _, part in found]
        texts = [chunking.indexed_text(piece, title=title) for piece in pieces]
        vectors = chunk_vectors(self._parts.embedder, texts, [chunking.heading_of(piece, title=title) for piece in pieces])
        return [
            (chunk_id, vector.astype("<f4").tobytes(), analysis.pack(*analysis.analyse(text)))
            for (chunk_id, _), vector, text in zip(found, vectors, texts, strict=True)
        ]


def _source_under(title: str | None, document: StoredDocument) -> str:
    """How the document's source is shown: what was written here has no other name than its title."""
    return title if title is not None and document.source == document.title else document.source


async def leave_no_trace(database: Database) -> None:
    """Take what was just deleted out of the write-ahead log as well."""
    if not await database.checkpoint():
        # It goes with the next checkpoint; no reader sees it meanwhile.
        log.warning("checkpoint_put_off")
