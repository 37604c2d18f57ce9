"""The SQL of what became of each document.

Invariant: the text and the fields that a change replaced are kept for a while, for who looks after the documents; of a document that was
deleted for good, only who did what and when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from deskhand.knowledge.documents import Action, DocumentId, Recording, Revision
from deskhand.knowledge.repository import portions
from deskhand.knowledge.tables import chunks, revisions
from deskhand.persistence import Transaction, db_now, erasing

_PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class NewRevision:
    """A change to be recorded. `changes`: each field with what it was and what it became; `earlier_text`: the text that was replaced."""

    document_id: DocumentId
    revision: int
    action: Action
    changes: Mapping[str, tuple[Any, Any]]
    earlier_text: str | None = None


def record_revisions(transaction: Transaction, new: Sequence[NewRevision], *, recording: Recording) -> None:
    """Write down what was done, in whose name, now. What was replaced is left out if it is not to be kept."""
    if not new:
        return
    now = transaction.execute(sa.select(db_now())).scalar_one()
    keeps = recording.keep_seconds > 0
    transaction.execute(
        sa.insert(revisions),
        [
            {
                "document_id": revision.document_id,
                "revision": revision.revision,
                "action": revision.action,
                "changed_by": recording.changed_by,
                "changed_at": now,
                "changes": {name: list(values) for name, values in revision.changes.items()} if keeps else {},
                "earlier_text": revision.earlier_text if keeps else None,
            }
            for revision in new
        ],
    )


def list_revisions(connection: sa.Connection, document_id: DocumentId, *, keep_seconds: float) -> list[Revision]:
    """All changes of a document, newest first; what they replaced only as far back as `keep_seconds`."""
    oldest = connection.execute(sa.select(db_now())).scalar_one() - keep_seconds
    found = connection.execute(sa.select(revisions).where(revisions.c.document_id == document_id).order_by(revisions.c.id.desc()))
    return [
        Revision(
            revision=row.revision,
            action=Action(row.action),
            changed_by=row.changed_by,
            changed_at=row.changed_at,
            changes={name: (before, after) for name, (before, after) in row.changes.items()} if row.changed_at > oldest else {},
            earlier_text=row.earlier_text if row.changed_at > oldest else None,
        )
        for row in found
    ]


def newest_revisions(connection: sa.Connection, ids: Sequence[DocumentId]) -> dict[DocumentId, int]:
    """The last number that each of `ids` had, of those that ever had one: a document that comes again goes on counting."""
    newest: dict[DocumentId, int] = {}
    for some in portions(ids):
        query = (
            sa.select(revisions.c.document_id, sa.func.max(revisions.c.revision).label("newest"))
            .where(revisions.c.document_id.in_(some))
            .group_by(revisions.c.document_id)
        )
        newest |= {DocumentId(row.document_id): row.newest for row in connection.execute(query)}
    return newest


def forget_contents(transaction: Transaction, ids: Sequence[DocumentId]) -> None:
    """Leave nothing of what these documents once said or were called."""
    for some in portions(ids):
        _forget(transaction, revisions.c.document_id.in_(some))


def forget_old_contents(transaction: Transaction, *, keep_seconds: float) -> None:
    """Leave nothing of what was replaced longer ago than `keep_seconds`."""
    _forget(transaction, revisions.c.changed_at <= db_now() - keep_seconds)


def texts_of(connection: sa.Connection, ids: Sequence[DocumentId]) -> dict[DocumentId, str]:
    """The text of each of these documents as it is stored, in chunks."""
    pieces: dict[DocumentId, list[str]] = {}
    for some in portions(ids):
        query = sa.select(chunks.c.document_id, chunks.c.text).where(chunks.c.document_id.in_(some)).order_by(chunks.c.position)
        for row in connection.execute(query):
            pieces.setdefault(DocumentId(row.document_id), []).append(row.text)
    return {name: _PARAGRAPH.join(texts) for name, texts in pieces.items()}


def joined(texts: Sequence[str]) -> str:
    """A document's text from those of its chunks, as `texts_of` gives it."""
    return _PARAGRAPH.join(texts)


def _forget(transaction: Transaction, condition: sa.ColumnElement[bool]) -> None:
    holds_something = sa.or_(revisions.c.earlier_text.is_not(None), sa.cast(revisions.c.changes, sa.Text) != "{}")
    with erasing(transaction):
        transaction.execute(sa.update(revisions).where(condition, holds_something).values(earlier_text=None, changes={}))
