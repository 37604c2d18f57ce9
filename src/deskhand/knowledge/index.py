"""The index that searches run on: vectors and terms of all chunks, in memory, kept in step with the database.

Invariant: an `Index` is a value. A refresh makes a new one that shares the old one's parts, so a search that runs meanwhile goes on with
what it began with.

The chunks of a document are replaced together: a row is dead as soon as a later part, or a removal, names its document. Dead rows leave a
segment in the same update, and a shard with the next `settling` of it.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.columns import names_of
from deskhand.knowledge.documents import DocumentId, Tier
from deskhand.knowledge.segment import ChunkRow, Segment
from deskhand.knowledge.shard import MOST_ROWS, Shard
from deskhand.knowledge.views import Part, SessionView, View, matches

# Up to here every chunk is compared with every query.
EXACT_ROWS = 20_000

_MOST_SEGMENTS = 8


class _Shared:
    """The views that are the same for all sessions, made when first asked for. They hold until the next effective date."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: dict[frozenset[Tier], tuple[float, float, tuple[View, ...]]] = {}

    def views(self, index: "Index", tiers: frozenset[Tier], *, now: float) -> tuple[View, ...]:
        with self._lock:
            since, until, views = self._views.get(tiers, (np.inf, -np.inf, ()))
            if not since <= now < until:
                audience = Audience(tiers)
                before = {id(view.part): view for view in views}
                views = tuple(
                    _kept(before.get(id(part)), part, alive & part.columns.visible(audience, now=now)) for part, alive in index.living()
                )
                until = min((part.columns.next_change(now) for part in index.parts), default=np.inf)
                self._views[tiers] = (now, until, views)
            return views

    def after(self, parts: Iterable[Part]) -> "_Shared":
        """For an index of `parts`: their views are kept in case that nothing of them changed, and those of no other part."""
        following = _Shared()
        there = {id(part) for part in parts}
        with self._lock:
            for tiers, (_, _, views) in self._views.items():
                following._views[tiers] = (np.inf, -np.inf, tuple(view for view in views if id(view.part) in there))
        return following


@dataclass(frozen=True, slots=True)
class Index:
    """All chunks up to `version` of the knowledge base. `alive[i]` says which rows of `parts[i]` still count."""

    version: int = 0
    parts: tuple[Part, ...] = ()
    alive: tuple[NDArray[np.bool_], ...] = ()
    _shared: _Shared = field(default_factory=_Shared, compare=False, repr=False)

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(alive)) for alive in self.alive)

    @property
    def is_exact(self) -> bool:
        """Whether every chunk is compared with every query."""
        return all(isinstance(part, Segment) for part in self.parts) and sum(map(len, self.parts)) <= EXACT_ROWS

    def living(self) -> Iterable[tuple[Part, NDArray[np.bool_]]]:
        """Each part with its rows that still count."""
        return zip(self.parts, self.alive, strict=True)

    def views(self, audience: Audience, *, now: float) -> tuple[View, ...]:
        """For each part, what this asker may be shown of it at the moment `now`, in epoch seconds."""
        shared = self._shared.views(self, audience.tiers, now=now)
        if audience.session_id is None:
            return shared
        return tuple(
            view
            if part.columns.session_number(audience) is None
            else SessionView(part, view, alive & part.columns.visible(audience, now=now))
            for view, (part, alive) in zip(shared, self.living(), strict=True)
        )

    def updated(self, *, version: int, rows: Sequence[ChunkRow], gone: Iterable[DocumentId]) -> "Index":
        """The index after the documents in `gone` went and those of `rows`, each with all its chunks, came or were replaced."""
        pairs: list[tuple[Part, NDArray[np.bool_]]] = []
        dead = names_of({*gone, *(row.document_id for row in rows)})
        for part, alive in self.living():
            hit = part.columns.of_documents(dead)
            if hit is None:
                pairs.append((part, alive))
            elif isinstance(part, Shard):
                pairs.append((part, alive & ~hit))
            elif not hit.all():
                pairs.append(_whole(Segment.joined([(part, ~hit)])))
        pairs += [_whole(Segment.of(rows[start : start + MOST_ROWS])) for start in range(0, len(rows), MOST_ROWS)]
        segments = sorted((part for part, _ in pairs if isinstance(part, Segment)), key=len)
        if len(segments) > _MOST_SEGMENTS:
            # The small ones alone, so that a big one is not copied for each few rows that come.
            small = segments[:-1]
            merged = Segment.joined([(segment, np.ones(len(segment), np.bool_)) for segment in small])
            pairs = [*((part, alive) for part, alive in pairs if not any(part is segment for segment in small)), _whole(merged)]
        return self.with_parts(pairs, version=version)

    def with_parts(self, pairs: Sequence[tuple[Part, NDArray[np.bool_]]], *, version: int) -> "Index":
        """The index of these parts; those without a living row are left out."""
        there = [(part, alive) for part, alive in pairs if alive.any()]
        parts = tuple(part for part, _ in there)
        return Index(version, parts, tuple(alive for _, alive in there), self._shared.after(parts))


class Vocabulary:
    """How many chunks that `audience` may see have a term: what is hidden from an asker has no part in how they are understood."""

    def __init__(self, index: Index, audience: Audience, *, now: float) -> None:
        self._views = index.views(audience, now=now)

    def __call__(self, hashes: Hashes) -> NDArray[np.int64]:
        """`hashes` in any order; the counts in that order."""
        total = np.zeros(len(hashes), np.int64)
        order = np.argsort(hashes)
        ascending = hashes[order]
        for view in self._views:
            total[order] += view.frequencies(matches(view.part, ascending), terms=len(hashes))
        return total


def _kept(before: View | None, part: Part, mask: NDArray[np.bool_]) -> View:
    return before if before is not None and np.array_equal(before.mask, mask) else View(part, mask)


def _whole(part: Segment) -> tuple[Part, NDArray[np.bool_]]:
    return part, np.ones(len(part), np.bool_)
