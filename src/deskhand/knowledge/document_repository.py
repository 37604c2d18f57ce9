"""The SQL that writes documents.

Invariant: what is written is stamped with the version of the knowledge base, counted in the document's own revision, and recorded in its
history, all in one transaction; and what staff set by hand stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from deskhand.ids import SessionId
from deskhand.knowledge.documents import Action, DocumentId, Recording, Tier
from deskhand.knowledge.errors import DocumentChanged
from deskhand.knowledge.repository import REMEMBERED_VERSIONS, portions
from deskhand.knowledge.revision_repository import (
    NewRevision,
    forget_contents,
    joined,
    newest_revisions,
    record_revisions,
    texts_of,
)
from deskhand.knowledge.tables import chunks, documents, marks, removals
from deskhand.persistence import Transaction, db_now, erasing

# What a change of is worth telling in the history, and what staff may have set by hand.
_SHOWN = ("source", "title", "url", "tier", "effective_from", "effective_until", "disabled")


@dataclass(frozen=True, slots=True)
class NewChunk:
    """`marks` are the keys by which chunks like it are found."""

    text: str
    section: str | None
    page: int | None
    vector: bytes
    terms: bytes
    marks: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document with all that is stored of it, ready to be written. `edited`: the fields that somebody sets by hand with it."""

    id: DocumentId
    origin: str
    source: str
    title: str
    url: str | None
    content_type: str
    tier: Tier
    session_id: SessionId | None
    scope: str | None
    metadata: Mapping[str, Any]
    content_hash: str
    recipe: str
    characters: int
    chunks: Sequence[NewChunk]
    effective_from: float | None = None
    effective_until: float | None = None
    disabled: bool = False
    edited: frozenset[str] = frozenset()


def put_documents(
    transaction: Transaction,
    new: Sequence[NewDocument],
    *,
    version: int,
    recording: Recording,
    expected_revision: int | None = None,
) -> None:
    """Store documents, each in the place of what was stored under its id. Of that, what staff set by hand stays.

    Raises:
        DocumentChanged: `expected_revision` is given, and a document is not at it.
    """
    ids = [document.id for document in new]
    rows: dict[DocumentId, sa.Row[*tuple[Any, ...]]] = {}
    for some in portions(ids):
        rows |= {DocumentId(row.id): row for row in transaction.execute(sa.select(documents).where(documents.c.id.in_(some)))}
    if expected_revision is not None:
        _check_revision(rows, ids, expected_revision)
    revised = [_with_kept(document, rows.get(document.id)) for document in new]
    lasting = [document.id for document in revised if document.session_id is None]
    earlier_texts = texts_of(transaction.connection, [name for name in lasting if name in rows]) if recording.keep_seconds else {}
    newest = newest_revisions(transaction.connection, lasting)
    numbers = {name: max(rows[name].revision if name in rows else 0, newest.get(name, 0)) + 1 for name in ids}
    with erasing(transaction):
        for some in portions(list(rows)):
            transaction.execute(sa.delete(documents).where(documents.c.id.in_(some)))
    now = transaction.execute(sa.select(db_now())).scalar_one()
    values = [_document_values(document, version=version, revision=numbers[document.id], now=now) for document in revised]
    for value in values:
        value["created_at"] = rows[value["id"]].created_at if value["id"] in rows else now
    transaction.execute(sa.insert(documents), values)
    _insert_chunks(transaction, revised)
    record_revisions(
        transaction,
        [
            _revision(document, rows.get(document.id), number=numbers[document.id], earlier_text=earlier_texts.get(document.id))
            for document in revised
            if document.session_id is None
        ],
        recording=recording,
    )


def edit_document(
    transaction: Transaction,
    document_id: DocumentId,
    values: Mapping[str, Any],
    *,
    version: int,
    recording: Recording,
    expected_revision: int | None,
    indexed: Sequence[tuple[int, bytes, bytes]] = (),
) -> bool:
    """Set fields of a document by hand. False: they were so before. `indexed` are chunks' ids with their new vectors and terms.

    Raises:
        DocumentChanged: it is at another revision than expected, or gone.
    """
    row = transaction.execute(sa.select(documents).where(documents.c.id == document_id)).one_or_none()
    _check_revision({document_id: row} if row is not None else {}, [document_id], expected_revision)
    assert row is not None
    before = dict(row._mapping)
    changes = {name: (before[name], value) for name, value in values.items() if before[name] != value}
    if not changes:
        return False
    number = row.revision + 1
    transaction.execute(
        sa.update(documents)
        .where(documents.c.id == document_id)
        .values(
            **values,
            edited=sorted({*row.edited, *values}),
            revision=number,
            version=version,
            updated_at=db_now(),
        )
    )
    with erasing(transaction):
        for chunk_id, vector, terms in indexed:
            transaction.execute(sa.update(chunks).where(chunks.c.id == chunk_id).values(vector=vector, terms=terms))
    action = Action.EDITED
    if set(changes) == {"disabled"}:
        action = Action.DISABLED if values["disabled"] else Action.ENABLED
    record_revisions(transaction, [NewRevision(document_id, number, action, changes)], recording=recording)
    return True


def remove_documents(
    transaction: Transaction, ids: Sequence[DocumentId], *, version: int, recording: Recording, expected_revision: int | None = None
) -> list[DocumentId]:
    """Delete documents with their chunks and what their history holds of them, and leave a note for other processes.

    Returns those that were there.

    Raises:
        DocumentChanged: `expected_revision` is given, and a document is not at it.
    """
    if expected_revision is not None:
        found = transaction.execute(sa.select(documents.c.id, documents.c.revision).where(documents.c.id.in_(ids)))
        _check_revision({DocumentId(row.id): row for row in found}, ids, expected_revision)
    removed: list[sa.Row[*tuple[Any, ...]]] = []
    with erasing(transaction):
        for some in portions(ids):
            gone = (
                sa.delete(documents).where(documents.c.id.in_(some)).returning(documents.c.id, documents.c.revision, documents.c.session_id)
            )
            removed += transaction.execute(gone).all()
    names = [DocumentId(row.id) for row in removed]
    if names:
        transaction.execute(sa.insert(removals), [{"document_id": name, "version": version} for name in names])
        transaction.execute(sa.delete(removals).where(removals.c.version < version - REMEMBERED_VERSIONS))
        forget_contents(transaction, names)
        record_revisions(
            transaction,
            [NewRevision(DocumentId(row.id), row.revision + 1, Action.DELETED, {}) for row in removed if row.session_id is None],
            recording=recording,
        )
    return names


def _check_revision(rows: Mapping[DocumentId, sa.Row[*tuple[Any, ...]]], ids: Sequence[DocumentId], expected: int | None) -> None:
    for name in ids:
        found = rows.get(name)
        if found is None or (expected is not None and found.revision != expected):
            raise DocumentChanged(details={"document_id": name, "revision": None if found is None else found.revision})


def _with_kept(document: NewDocument, row: sa.Row[*tuple[Any, ...]] | None) -> NewDocument:
    """The document with what staff had set by hand on the one in whose place it comes."""
    if row is None:
        return document
    before = row._mapping
    kept = {name: before[name] for name in row.edited if name in _SHOWN and name not in document.edited}
    if "tier" in kept:
        kept["tier"] = Tier(kept["tier"])
    return replace(document, **kept, edited=document.edited | frozenset(row.edited))


def _revision(document: NewDocument, row: sa.Row[*tuple[Any, ...]] | None, *, number: int, earlier_text: str | None) -> NewRevision:
    if row is None:
        return NewRevision(document.id, number, Action.ADDED, {})
    before = row._mapping
    after = {name: getattr(document, name) for name in _SHOWN}
    changes = {name: (before[name], value) for name, value in after.items() if before[name] != value}
    is_same_text = earlier_text == joined([chunk.text for chunk in document.chunks])
    return NewRevision(document.id, number, Action.REPLACED, changes, None if is_same_text else earlier_text)


def _insert_chunks(transaction: Transaction, new: Sequence[NewDocument]) -> None:
    transaction.execute(
        sa.insert(chunks),
        [
            {
                "document_id": document.id,
                "position": position,
                "text": chunk.text,
                "section": chunk.section,
                "page": chunk.page,
                "vector": chunk.vector,
                "terms": chunk.terms,
            }
            for document in new
            for position, chunk in enumerate(document.chunks)
        ],
    )
    keys = {(document.id, position): chunk.marks for document in new for position, chunk in enumerate(document.chunks) if chunk.marks}
    found: list[dict[str, int]] = []
    for some in portions(list({name for name, _ in keys})):
        query = sa.select(chunks.c.id, chunks.c.document_id, chunks.c.position).where(chunks.c.document_id.in_(some))
        for row in transaction.execute(query):
            found += [{"key": key, "chunk_id": row.id} for key in dict.fromkeys(keys.get((row.document_id, row.position), ()))]
    if found:
        transaction.execute(sa.insert(marks), found)


def _document_values(document: NewDocument, *, version: int, revision: int, now: float) -> dict[str, Any]:
    return {
        "id": document.id,
        "origin": document.origin,
        "source": document.source,
        "title": document.title,
        "url": document.url,
        "content_type": document.content_type,
        "tier": document.tier,
        "session_id": document.session_id,
        "scope": document.scope,
        "metadata": dict(document.metadata),
        "content_hash": document.content_hash,
        "recipe": document.recipe,
        "characters": document.characters,
        "chunk_count": len(document.chunks),
        "version": version,
        "revision": revision,
        "effective_from": document.effective_from,
        "effective_until": document.effective_until,
        "disabled": document.disabled,
        "edited": sorted(document.edited),
        "updated_at": now,
    }
