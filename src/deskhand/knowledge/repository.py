"""The SQL of the knowledge base as a whole: what there is, in which version, and what changed since another."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from deskhand.knowledge.audience import Audience, state_now, visible_to
from deskhand.knowledge.documents import DocumentId, DocumentState, StoredDocument, Tier
from deskhand.knowledge.segment import ChunkRow
from deskhand.knowledge.tables import chunks, documents, removals, state
from deskhand.persistence import Transaction

# How many versions back removals are remembered. An index that is further behind is read anew.
REMEMBERED_VERSIONS = 100_000

_STATE = 1
MOST_PARAMETERS = 500
# What a row has to have to be a `StoredDocument`.
STORED = (
    documents.c.id,
    documents.c.origin,
    documents.c.source,
    documents.c.title,
    documents.c.url,
    documents.c.content_type,
    documents.c.tier,
    documents.c.session_id,
    documents.c.scope,
    documents.c.metadata,
    documents.c.characters,
    documents.c.chunk_count,
    documents.c.created_at,
    documents.c.updated_at,
    documents.c.revision,
    documents.c.effective_from,
    documents.c.effective_until,
    state_now().label("state"),
)


@dataclass(frozen=True, slots=True)
class KnownContent:
    """What is stored under a document's id, and what of it staff set by hand."""

    content_hash: str
    recipe: str
    title: str
    edited: frozenset[str]


@dataclass(frozen=True, slots=True)
class Changes:
    """What came after a version: whole documents, row by row, and the documents that went. `all_of_it` says to forget what was known."""

    version: int
    rows: Sequence[ChunkRow]
    gone: Sequence[DocumentId]
    all_of_it: bool


@dataclass(frozen=True, slots=True)
class Stock:
    """The documents of a version that an index has to have, by id: when each was last changed, and how many chunks it has."""

    version: int
    ids: Sequence[DocumentId]
    changed_at: Sequence[float]
    chunk_counts: Sequence[int]


_ROWS = sa.select(
    chunks.c.id,
    chunks.c.document_id,
    documents.c.tier,
    documents.c.session_id,
    documents.c.effective_from,
    documents.c.effective_until,
    documents.c.updated_at,
    chunks.c.vector,
    chunks.c.terms,
).join(documents, documents.c.id == chunks.c.document_id)


def read_version(connection: sa.Connection) -> int:
    """The version of the knowledge base; 0 while nothing was ever written."""
    return connection.execute(sa.select(state.c.version).where(state.c.id == _STATE)).scalar() or 0


def next_version(transaction: Transaction) -> int:
    """Raise the version and hold it until the commit, so that writers queue here and versions are committed in order."""
    raised = sa.update(state).where(state.c.id == _STATE).values(version=state.c.version + 1).returning(state.c.version)
    version = transaction.execute(raised).scalar()
    if version is None:
        _insert_state(transaction)
        version = transaction.execute(raised).scalar_one()
    return int(version)


def changes_since(connection: sa.Connection, version: int) -> Changes:
    """Everything a reader at `version` lacks. Read the version first: what is committed meanwhile is then read twice, not missed."""
    now = read_version(connection)
    all_of_it = version < now - REMEMBERED_VERSIONS
    since = 0 if all_of_it else version
    found = connection.execute(_ROWS.where(documents.c.version > since, documents.c.disabled.is_(False)).order_by(chunks.c.id))
    rows = [_chunk_row(row) for row in found]
    removed = connection.execute(sa.select(removals.c.document_id).where(removals.c.version > since)).scalars().all()
    disabled = sa.select(documents.c.id).where(documents.c.version > since, documents.c.disabled.is_(True))
    gone = [*removed, *connection.execute(disabled).scalars()]
    return Changes(now, rows, [DocumentId(name) for name in gone], all_of_it)


def is_far_behind(connection: sa.Connection, version: int, *, most_chunks: int) -> bool:
    """Whether a reader at `version` had better `take_stock`: it read nothing yet, removals are forgotten, or too much changed."""
    if version == 0 or version < read_version(connection) - REMEMBERED_VERSIONS:
        return True
    changed = sa.select(sa.func.coalesce(sa.func.sum(documents.c.chunk_count), 0)).where(documents.c.version > version)
    return bool(connection.execute(changed).scalar_one() > most_chunks)


def take_stock(connection: sa.Connection) -> Stock:
    """What an index has to have of the whole knowledge base. The version is read first, as `changes_since` does."""
    version = read_version(connection)
    query = sa.select(documents.c.id, documents.c.updated_at, documents.c.chunk_count).where(documents.c.disabled.is_(False))
    rows = sorted((row.id, row.updated_at, row.chunk_count) for row in connection.execute(query))
    return Stock(version, [DocumentId(row[0]) for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def rows_of(connection: sa.Connection, ids: Sequence[DocumentId]) -> list[ChunkRow]:
    """All chunks of those of `ids` that are stored and not disabled."""
    rows: list[ChunkRow] = []
    for some in portions(ids):
        rows += [_chunk_row(row) for row in connection.execute(_ROWS.where(documents.c.id.in_(some), documents.c.disabled.is_(False)))]
    return rows


def find_known(connection: sa.Connection, ids: Sequence[DocumentId]) -> dict[DocumentId, KnownContent]:
    """What is stored of those of `ids` that are."""
    known: dict[DocumentId, KnownContent] = {}
    for some in portions(ids):
        query = sa.select(documents.c.id, documents.c.content_hash, documents.c.recipe, documents.c.title, documents.c.edited).where(
            documents.c.id.in_(some)
        )
        known |= {
            DocumentId(row.id): KnownContent(row.content_hash, row.recipe, row.title, frozenset(row.edited))
            for row in connection.execute(query)
        }
    return known


def list_origins_of_scope(connection: sa.Connection, scope: str) -> dict[DocumentId, str]:
    found = connection.execute(sa.select(documents.c.id, documents.c.origin).where(documents.c.scope == scope))
    return {DocumentId(row.id): row.origin for row in found}


def list_current(connection: sa.Connection, scope: str, *, tier: Tier, recipe: str) -> list[StoredDocument]:
    """The documents of a scope that are stored for `tier` and as `recipe` would store them."""
    query = sa.select(*STORED).where(documents.c.scope == scope, documents.c.tier == tier.value, documents.c.recipe == recipe)
    return [stored(row) for row in connection.execute(query)]


def count_documents(connection: sa.Connection, audience: Audience) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(documents).where(visible_to(audience))).scalar_one()


def is_empty(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(documents.c.id).limit(1)).first() is None


def list_documents(connection: sa.Connection, audience: Audience, *, limit: int, offset: int) -> list[StoredDocument]:
    """By title, then by id."""
    query = sa.select(*STORED).where(visible_to(audience)).order_by(documents.c.title, documents.c.id).limit(limit).offset(offset)
    return [stored(row) for row in connection.execute(query)]


def find_document(connection: sa.Connection, document_id: DocumentId, audience: Audience) -> StoredDocument | None:
    row = connection.execute(sa.select(*STORED).where(documents.c.id == document_id, visible_to(audience))).first()
    return stored(row) if row is not None else None


def _chunk_row(row: sa.Row[*tuple[Any, ...]]) -> ChunkRow:
    return ChunkRow(
        chunk_id=row.id,
        document_id=DocumentId(row.document_id),
        tier=Tier(row.tier),
        session_id=row.session_id,
        vector=row.vector,
        terms=row.terms,
        effective_from=-math.inf if row.effective_from is None else row.effective_from,
        effective_until=math.inf if row.effective_until is None else row.effective_until,
        changed_at=row.updated_at,
    )


def _insert_state(transaction: Transaction) -> None:
    values = {"id": _STATE, "version": 0}
    if transaction.connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql  # noqa: PLC0415 - loads its driver

        transaction.execute(insert_postgresql(state).values(values).on_conflict_do_nothing())
    else:
        transaction.execute(sa.insert(state).prefix_with("OR IGNORE").values(values))


def stored(row: sa.Row[*tuple[Any, ...]]) -> StoredDocument:
    """The document of a row of the columns `STORED`."""
    values = dict(row._mapping)
    return StoredDocument(**values | {"tier": Tier(values["tier"]), "state": DocumentState(values["state"])})


def portions(ids: Sequence[DocumentId]) -> Iterator[Sequence[DocumentId]]:
    """`ids`, no more at once than a statement can have parameters."""
    return (ids[start : start + MOST_PARAMETERS] for start in range(0, len(ids), MOST_PARAMETERS))
