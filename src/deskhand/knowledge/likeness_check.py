"""Looking for documents that say what others say, or something else of the same thing, among all that are stored.

Invariant: it warns and changes nothing. Documents of sessions, and those that are disabled or have expired, have no part in it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from deskhand.knowledge.documents import DocumentId
from deskhand.knowledge.likeness import LikenessKind, Written, find_contradiction, is_near_duplicate, is_of_chunk
from deskhand.knowledge.repository import MOST_PARAMETERS, portions
from deskhand.knowledge.tables import chunks, documents, marks
from deskhand.persistence import db_now

# Of chunks that share a key; what more of them than this say is no news.
_MOST_PER_KEY = 8
_SAME_PARTS = 0.5


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two documents says, and where. `page` counts from 1."""

    document_id: DocumentId
    title: str
    source: str
    section: str | None
    page: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two documents of which at least half the parts of the shorter say nearly the same, or two sentences that disagree."""

    kind: LikenessKind
    one: Side
    other: Side


@dataclass(frozen=True, slots=True)
class _Chunk:
    id: int
    document_id: DocumentId
    source: str
    page: int | None
    parts: int
    written: Written

    def side(self, text: str) -> Side:
        return Side(self.document_id, self.written.title, self.source, self.written.section, self.page, text)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Chunks by id, and pairs of them that share a key: of whole chunks, of sentences."""

    chunks: dict[int, _Chunk] = field(default_factory=dict)
    alike: frozenset[tuple[int, int]] = frozenset()
    related: frozenset[tuple[int, int]] = frozenset()


def find_candidates(connection: sa.Connection, ids: Sequence[DocumentId]) -> Candidates:
    """What there is to compare the documents `ids` with."""
    own = _keys_of(connection, ids)
    sharing = _chunks_with(connection, list(own))
    pairs: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    for key, mine in own.items():
        for one in mine:
            pairs[is_of_chunk(key)] |= {(one, other) for other in sharing.get(key, ()) if other != one}
    found = _load(connection, {chunk_id for pair in (*pairs[True], *pairs[False]) for chunk_id in pair})
    return Candidates(found, frozenset(_apart(pairs[True], found)), frozenset(_apart(pairs[False], found)))


def compare(candidates: Candidates) -> list[Likeness]:
    """What of the candidates is worth a warning: of two documents at most one of each kind, in order of their titles. Pure."""
    known = candidates.chunks
    same: Counter[tuple[DocumentId, DocumentId]] = Counter()
    first: dict[tuple[DocumentId, DocumentId], tuple[_Chunk, _Chunk]] = {}
    for one, other in _in_order(candidates.alike, known):
        if is_near_duplicate(one.written, other.written):
            names = (one.document_id, other.document_id)
            same[names] += 1
            first.setdefault(names, (one, other))
    found: dict[tuple[LikenessKind, frozenset[DocumentId]], Likeness] = {}
    for names, count in same.items():
        one, other = first[names]
        if count >= _SAME_PARTS * min(one.parts, other.parts):
            kind = LikenessKind.NEAR_DUPLICATE
            found.setdefault((kind, frozenset(names)), Likeness(kind, one.side(one.written.text), other.side(other.written.text)))
    for one, other in _in_order(candidates.related, known):
        kind = LikenessKind.CONTRADICTION
        names_of_both = frozenset((one.document_id, other.document_id))
        if (kind, names_of_both) in found:
            continue
        sentences = find_contradiction(one.written, other.written)
        if sentences is not None:
            found[kind, names_of_both] = Likeness(kind, one.side(sentences[0]), other.side(sentences[1]))
    return sorted(found.values(), key=lambda likeness: (likeness.one.title, likeness.other.title, likeness.kind))


def _keys_of(connection: sa.Connection, ids: Sequence[DocumentId]) -> dict[int, list[int]]:
    own: dict[int, list[int]] = {}
    for some in portions(ids):
        query = sa.select(marks.c.key, marks.c.chunk_id).join(chunks, chunks.c.id == marks.c.chunk_id)
        for row in connection.execute(query.where(chunks.c.document_id.in_(some))):
            own.setdefault(row.key, []).append(row.chunk_id)
    return own


def _chunks_with(connection: sa.Connection, keys: Sequence[int]) -> dict[int, list[int]]:
    sharing: dict[int, list[int]] = {}
    place = sa.func.row_number().over(partition_by=marks.c.key, order_by=marks.c.chunk_id).label("place")
    for start in range(0, len(keys), MOST_PARAMETERS):
        some = sa.select(marks.c.key, marks.c.chunk_id, place).where(marks.c.key.in_(keys[start : start + MOST_PARAMETERS])).subquery()
        for row in connection.execute(sa.select(some.c.key, some.c.chunk_id).where(some.c.place <= _MOST_PER_KEY)):
            sharing.setdefault(row.key, []).append(row.chunk_id)
    return sharing


def _load(connection: sa.Connection, chunk_ids: Iterable[int]) -> dict[int, _Chunk]:
    wanted = sorted(chunk_ids)
    found: dict[int, _Chunk] = {}
    until = documents.c.effective_until
    counts = (documents.c.session_id.is_(None), documents.c.disabled.is_(False), sa.or_(until.is_(None), until > db_now()))
    for start in range(0, len(wanted), MOST_PARAMETERS):
        query = (
            sa.select(
                chunks.c.id,
                chunks.c.document_id,
                chunks.c.text,
                chunks.c.section,
                chunks.c.page,
                documents.c.title,
                documents.c.source,
                documents.c.chunk_count,
            )
            .join(documents, documents.c.id == chunks.c.document_id)
            .where(chunks.c.id.in_(wanted[start : start + MOST_PARAMETERS]), *counts)
        )
        for row in connection.execute(query):
            written = Written(row.title, row.section, row.text)
            found[row.id] = _Chunk(row.id, DocumentId(row.document_id), row.source, row.page, row.chunk_count, written)
    return found


def _apart(pairs: Iterable[tuple[int, int]], known: dict[int, _Chunk]) -> list[tuple[int, int]]:
    """Those of two documents that are both known."""
    return [(one, other) for one, other in pairs if one in known and other in known and known[one].document_id != known[other].document_id]


def _in_order(pairs: Iterable[tuple[int, int]], known: dict[int, _Chunk]) -> list[tuple[_Chunk, _Chunk]]:
    return [(known[one], known[other]) for one, other in sorted(pairs)]
