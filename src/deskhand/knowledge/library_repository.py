"""The SQL of looking at documents as their keepers do: whoever they are for, in force or not, but none that belongs to a session."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from deskhand.knowledge.audience import state_now
from deskhand.knowledge.chunking import EXAMPLE
from deskhand.knowledge.documents import Action, DocumentId, DocumentState, StoredDocument, StoredPart, Tier
from deskhand.knowledge.repository import STORED, portions, stored
from deskhand.knowledge.tables import chunks, documents, revisions

_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents are listed: all whose fields are these. `text` is looked for in titles, sources and addresses."""

    tier: Tier | None = None
    state: DocumentState | None = None
    scope: str | None = None
    text: str | None = None


def list_all(connection: sa.Connection, chosen: DocumentFilter, *, limit: int, offset: int) -> tuple[list[StoredDocument], int]:
    """The documents of no session, by title, then by id; and how many there are in all."""
    condition = _condition(chosen)
    total = connection.execute(sa.select(sa.func.count()).select_from(documents).where(condition)).scalar_one()
    query = sa.select(*STORED).where(condition).order_by(documents.c.title, documents.c.id).limit(limit).offset(offset)
    return [stored(row) for row in connection.execute(query)], total


def find_any(connection: sa.Connection, document_id: DocumentId) -> StoredDocument | None:
    """The document, if it belongs to no session."""
    row = connection.execute(sa.select(*STORED).where(documents.c.id == document_id, documents.c.session_id.is_(None))).first()
    return stored(row) if row is not None else None


def find_some(connection: sa.Connection, ids: Sequence[DocumentId]) -> dict[DocumentId, StoredDocument]:
    """Those of `ids` that there are and that belong to no session."""
    found: dict[DocumentId, StoredDocument] = {}
    for some in portions(ids):
        query = sa.select(*STORED).where(documents.c.id.in_(some), documents.c.session_id.is_(None))
        found |= {DocumentId(row.id): stored(row) for row in connection.execute(query)}
    return found


def was_replaced(connection: sa.Connection, document_id: DocumentId) -> bool:
    query = (
        sa.select(documents.c.id)
        .join(revisions, revisions.c.document_id == documents.c.id)
        .where(documents.c.id == document_id, revisions.c.action == Action.REPLACED.value)
    )
    return connection.execute(query.limit(1)).first() is not None


def list_parts(connection: sa.Connection, document_id: DocumentId) -> list[StoredPart]:
    """What is stored of the document's text, in order; not what repeats it for each example of its question."""
    is_text = sa.or_(chunks.c.section.is_(None), sa.not_(chunks.c.section.startswith(EXAMPLE)))
    query = sa.select(chunks.c.text, chunks.c.section, chunks.c.page).where(chunks.c.document_id == document_id, is_text)
    query = query.order_by(chunks.c.position)
    return [StoredPart(row.text, row.section, row.page) for row in connection.execute(query)]


def list_chunks(connection: sa.Connection, document_id: DocumentId) -> list[tuple[int, StoredPart]]:
    """The chunks of the document with their ids, in order."""
    query = sa.select(chunks).where(chunks.c.document_id == document_id).order_by(chunks.c.position)
    return [(row.id, StoredPart(row.text, row.section, row.page)) for row in connection.execute(query)]


def _condition(chosen: DocumentFilter) -> sa.ColumnElement[bool]:
    conditions: list[sa.ColumnElement[bool]] = [documents.c.session_id.is_(None)]
    if chosen.tier is not None:
        conditions.append(documents.c.tier == chosen.tier)
    if chosen.state is not None:
        conditions.append(state_now() == chosen.state.value)
    if chosen.scope is not None:
        conditions.append(documents.c.scope == chosen.scope)
    if chosen.text is not None:
        shown = (documents.c.title, documents.c.source, documents.c.url)
        conditions.append(sa.or_(*(column.icontains(chosen.text, autoescape=True, escape=_ESCAPE) for column in shown)))
    return sa.and_(*conditions)
