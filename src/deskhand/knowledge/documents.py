"""What goes into the knowledge base and what is kept about it: plain values that know nothing of storage.

Invariant: a document's id is a function of its origin alone, so the same document has the same id in every run and on every machine
that names it the same way.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from deskhand.ids import SessionId
from deskhand.parsing.text import ParsedDocument as ParsedDocument
from deskhand.parsing.text import Part as Part

DocumentId = NewType("DocumentId", str)


class Tier(StrEnum):
    """Whom a document is for. Each tier is granted by itself: an asker sees the tiers that their `Audience` lists."""

    PUBLIC = "public"
    CUSTOMERS = "customers"
    OPERATORS = "operators"


class DocumentState(StrEnum):
    """Whether answers are given from a document at this moment. Only `ACTIVE` ones are found by a search."""

    ACTIVE = "active"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    DISABLED = "disabled"


class Action(StrEnum):
    """What was done to a document."""

    ADDED = "added"
    REPLACED = "replaced"
    EDITED = "edited"
    DISABLED = "disabled"
    ENABLED = "enabled"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as it comes in, not yet parsed.

    `origin` names it for ever (a file's absolute address, a row's address and key); `source` is how it is shown to people.
    `title` and `url` win over what the document says of itself. `scope` is the folder, file or feed it was read from: what a
    synchronising ingest compares with. It is in force from `effective_from` until before `effective_until`, in epoch seconds.
    `edited` names those of the other fields that somebody set by hand, so that a later ingest leaves them as they are.
    """

    origin: str
    source: str
    filename: str
    data: bytes
    content_type: str | None = None
    title: str | None = None
    url: str | None = None
    tier: Tier = Tier.PUBLIC
    session_id: SessionId | None = None
    scope: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    effective_from: float | None = None
    effective_until: float | None = None
    edited: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UnreadableSource:
    """Something that was given and cannot even be opened. Counted as a failure, with its reason.

    `gone` says that whoever kept it says that it is no more, so that a synchronising ingest removes what is stored of it. An `origin`
    equal to the `scope` says that it is not known what all belongs to the scope, so that nothing of it is removed.
    """

    origin: str
    source: str
    reason: str
    scope: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class UnchangedSource:
    """A stored document whose keeper says that it is still as it was stored."""

    origin: str
    source: str
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document of the knowledge base. Times are epoch seconds; `characters` counts the parsed text.

    `revision` counts its changes from 1. It is in force from `effective_from` until before `effective_until`; `None` is no limit.
    """

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
    characters: int
    chunk_count: int
    created_at: float
    updated_at: float
    revision: int
    effective_from: float | None
    effective_until: float | None
    state: DocumentState


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A stretch of a stored document's text. `page` counts from 1; `section` is the path of headings above it."""

    text: str
    section: str | None
    page: int | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One change of a document: who made it, when (epoch seconds), and each field's value before and after it.

    `earlier_text` is the text that the change replaced: `None` where it replaced none, or is older than the history goes back.
    """

    revision: int
    action: Action
    changed_by: str
    changed_at: float
    changes: Mapping[str, tuple[Any, Any]]
    earlier_text: str | None


@dataclass(frozen=True, slots=True)
class Recording:
    """In whose name changes are recorded, and for how long the text that they replace is kept; 0 keeps none."""

    changed_by: str = "deskhand"
    keep_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was found. `score` is the relevance, 0 to 1, and never rises with `rank`, which counts from 1.

    `title` and `section` are the document's and the headings' above the text; `page` counts from 1.
    """

    chunk_id: int
    document_id: DocumentId
    text: str
    title: str
    source: str
    url: str | None
    page: int | None
    section: str | None
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage that was shown or told once. `text` is `None` where only its chunk is remembered."""

    document_id: DocumentId
    chunk_id: int
    text: str | None = None


def document_id(origin: str) -> DocumentId:
    return DocumentId(f"doc_{hashlib.blake2s(origin.encode(), digest_size=12).hexdigest()}")
