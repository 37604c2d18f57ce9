"""The SQL that every search and every answer needs: the text of passages, and whether they still hold.

Invariant: the audience is in the WHERE clause of each statement. They are compiled once, because a search would otherwise spend more on
compiling them than on the search.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from deskhand.knowledge.audience import Audience, asking, visible_to_asker
from deskhand.knowledge.documents import DocumentId, Quote
from deskhand.knowledge.tables import chunks, documents
from deskhand.persistence import Prepared, listed

_SEEN = sa.join(chunks, documents, documents.c.id == chunks.c.document_id)
_PASSAGES = Prepared(
    sa.select(
        chunks.c.id,
        chunks.c.document_id,
        chunks.c.text,
        chunks.c.section,
        chunks.c.page,
        documents.c.title,
        documents.c.source,
        documents.c.url,
    )
    .select_from(_SEEN)
    .where(listed(chunks.c.id, "chunk_ids"), visible_to_asker())
)
_CURRENT = Prepared(sa.select(chunks.c.id).select_from(_SEEN).where(listed(chunks.c.id, "chunk_ids"), visible_to_asker()))
_SAME = Prepared(
    sa.select(chunks.c.id)
    .select_from(_SEEN)
    .where(chunks.c.document_id == sa.bindparam("document_id"), chunks.c.text == sa.bindparam("text"), visible_to_asker())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class PassageRow:
    chunk_id: int
    document_id: DocumentId
    text: str
    section: str | None
    page: int | None
    title: str
    source: str
    url: str | None


def find_passages(connection: sa.Connection, chunk_ids: Collection[int], audience: Audience) -> dict[int, PassageRow]:
    """The chunks that still exist and that `audience` may see, by id."""
    rows = _PASSAGES.all(connection, {"chunk_ids": list(chunk_ids), **asking(audience)})
    return {row.id: PassageRow(*row) for row in rows}


def find_current(connection: sa.Connection, quotes: Sequence[Quote], audience: Audience) -> set[Quote]:
    """Those of `quotes` that `audience` would still be told: the chunk is there, or another of the same document with the same text."""
    asker = asking(audience)
    there = {row.id for row in _CURRENT.all(connection, {"chunk_ids": list({quote.chunk_id for quote in quotes}), **asker})}
    found = {quote for quote in quotes if quote.chunk_id in there}
    for quote in quotes:
        if quote not in found and quote.text is not None:
            same = {"document_id": quote.document_id, "text": quote.text}
            if _SAME.one_or_none(connection, {**same, **asker}) is not None:
                found.add(quote)
    return found
