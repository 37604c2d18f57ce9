"""What became of the documents that were given: how far a run is, and its report at the end.

Invariant: each document that was given is counted once, as indexed, unchanged, removed or failed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from deskhand.knowledge.likeness_check import Likeness
from deskhand.knowledge.screening import Suspicion

_MOST_WARNINGS = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that was given and is not in the knowledge base as it was given. `reason` is a sentence."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """A document with pages whose words are in pictures. `recognised` pages were read by OCR, `unread` ones were not, for that `reason`."""

    source: str
    recognised: tuple[int, ...]
    unread: tuple[int, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is. `total` is `None` while nobody knows how many there are; `source` is the document looked at last, and `page` of
    `pages` the scanned page of it that is being read, if one is."""

    done: int
    total: int | None
    source: str
    indexed: int
    unchanged: int
    failed: int
    chunks: int
    page: int | None = None
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of each document: `indexed + unchanged + removed + len(failed) = given`.

    `given` counts those handed in and, when synchronising, those of the scope that were not handed in any more. `chunks` are those newly
    written. Of `warnings` and `suspicions` there are at most 200 each. `incomplete` says that nothing was removed, because it could not be
    known what all belongs to the scope. `scans` are those of the indexed documents that have pages without a text of their own.
    """

    indexed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: tuple[Failure, ...] = ()
    chunks: int = 0
    warnings: tuple[Likeness, ...] = ()
    suspicions: tuple[Suspicion, ...] = ()
    incomplete: bool = False
    scans: tuple[Scan, ...] = ()

    @property
    def given(self) -> int:
        return self.indexed + self.unchanged + self.removed + len(self.failed)


@dataclass(slots=True)
class Tally:
    """A report while its run goes on."""

    indexed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: list[Failure] = field(default_factory=list)
    chunks: int = 0
    warnings: list[Likeness] = field(default_factory=list)
    suspicions: list[Suspicion] = field(default_factory=list)
    incomplete: bool = False
    scans: list[Scan] = field(default_factory=list)

    @property
    def has_all_warnings(self) -> bool:
        """Whether there are as many as a report has; more need not be looked for."""
        return len(self.warnings) >= _MOST_WARNINGS

    def warn(self, found: Iterable[Likeness]) -> None:
        self.warnings += found

    def suspect(self, found: Iterable[Suspicion]) -> None:
        # What comes after has no room in the report.
        self.suspicions = [*self.suspicions, *found][:_MOST_WARNINGS]

    def progress(self, *, total: int | None, source: str) -> Progress:
        failed = len(self.failed)
        done = self.indexed + self.unchanged + self.removed + failed
        return Progress(done, total, source, self.indexed, self.unchanged, failed, self.chunks)

    def report(self) -> IngestReport:
        return IngestReport(
            indexed=self.indexed,
            unchanged=self.unchanged,
            removed=self.removed,
            failed=tuple(self.failed),
            chunks=self.chunks,
            warnings=tuple(self.warnings[:_MOST_WARNINGS]),
            suspicions=tuple(self.suspicions),
            incomplete=self.incomplete,
            scans=tuple(self.scans),
        )
