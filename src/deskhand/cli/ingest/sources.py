"""What `deskhand ingest` was pointed at, as sources of documents, each with the scope that `--sync` compares with.

The invariant: a scope in which something cannot be read is not synchronised. A document that is only unreadable now is not gone.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from deskhand.knowledge import SUPPORTED_SUFFIXES, FileSources, SourceDocument, Tier, UnreadableSource, documents_in
from deskhand.knowledge.sources import scope_of

STDIN = Path("-")

Source = SourceDocument | UnreadableSource


@dataclass(frozen=True, slots=True)
class Origin:
    """One thing that was named: `count` documents, of which `unreadable` cannot be read; `passed_over` files are of other kinds."""

    name: str
    scope: str
    sources: FileSources | Sequence[Source]
    count: int
    unreadable: int
    passed_over: int = 0


def look_at(path: Path, *, tier: Tier, stdin_name: str | None, stdin_format: str | None) -> Origin:
    """What is at `path`; "-" is standard input.

    Raises:
        BadParameter: of standard input the kind is not known.
    """
    if path == STDIN:
        return _standard_input(tier=tier, name=stdin_name, kind=stdin_format)
    sources = FileSources([path], tier=tier)
    found = list(sources) if not path.is_dir() else None
    count, unreadable = _count(found if found is not None else sources)
    return Origin(str(path), scope_of(path), found if found is not None else sources, count, unreadable, sources.passed_over)


def _standard_input(*, tier: Tier, name: str | None, kind: str | None) -> Origin:
    filename = name or "stdin"
    if kind is not None:
        filename = f"{Path(filename).stem}.{kind}"
    if Path(filename).suffix.lower() not in SUPPORTED_SUFFIXES:
        kinds = ", ".join(sorted(suffix.removeprefix(".") for suffix in SUPPORTED_SUFFIXES))
        raise typer.BadParameter(f"Say what standard input holds: one of {kinds}.", param_hint="--format")
    scope = f"stdin:{filename}"
    sources = list(documents_in(filename, sys.stdin.buffer.read(), origin=scope, source=filename, scope=scope, tier=tier))
    count, unreadable = _count(sources)
    return Origin(filename, scope, sources, count, unreadable)


def _count(sources: FileSources | Sequence[Source]) -> tuple[int, int]:
    count = unreadable = 0
    for source in sources:
        count += 1
        unreadable += isinstance(source, UnreadableSource)
    return count, unreadable
