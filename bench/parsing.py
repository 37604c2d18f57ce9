"""Reading documents: kinds side by side, and what the child process that reads them adds to reading them here.

Both read the same documents by the same code, one after the other. CPU is that of the server and of the child together, without starting
the child, which is told by itself. Documents that are refused, and those with pages that are pictures, have no part in it.
"""

import asyncio
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ingest import CorpusMissing
from bench.report import keep, show
from deskhand.errors import DeskhandError
from deskhand.knowledge.parse import Document, DocumentReader, ReaderOptions
from deskhand.parsing.read import read_document

_FOLDER = Path("documents")
_PAGES = Path("tests/knowledge/parse/pages")
_LEAST_SECONDS = 1.0
_FEWEST = 5
_AT_ONCE = 32
_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Kind:
    """Documents of one kind that can be read. `rounds` is how often all of them are read; `pages` counts those of PDFs and slides."""

    name: str
    documents: Sequence[Document]
    rounds: int
    pages: int


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of all rounds together."""

    seconds: float
    cpu_seconds: float


def run(data: Path) -> bool:
    """Raises CorpusMissing."""
    folder = (data / _FOLDER).resolve()
    if not folder.is_dir():
        raise CorpusMissing(f"{folder} is missing; name the folder that holds it with --data.")
    found = [kind for kind in (_kind(name, paths) for name, paths in _by_ending([folder, _PAGES]).items()) if kind is not None]
    start = _least([asyncio.run(_in_child([Document("a.txt", None, b"A word.")], rounds=1)) for _ in range(_TRIES)])
    rows = []
    figures = {}
    for kind in found:
        here, child = _alternately(kind)
        count = len(kind.documents) * kind.rounds
        kilobytes = sum(len(document.data) for document in kind.documents) / len(kind.documents) / 1_000
        speed, speed_in_child = count / here.seconds, count / (child.seconds - start.seconds)
        pages = round(kind.pages * kind.rounds / here.seconds) if kind.pages else None
        ratio = (child.cpu_seconds - start.cpu_seconds) / here.cpu_seconds
        rows.append((kind.name, len(kind.documents), kilobytes, speed, speed_in_child, "–" if pages is None else pages, ratio))
        figures[kind.name] = {
            "documents": len(kind.documents),
            "kilobytes_each": round(kilobytes, 1),
            "per_second_here": round(speed, 1),
            "per_second_in_child": round(speed_in_child, 1),
            "pages_per_second_here": pages,
            "cpu_ratio": round(ratio, 3),
        }
    heads = ("kind", "documents", "kB each", "here/s", "in the child/s", "pages/s", "CPU ratio")
    show(f"parsing: a child starts in {start.seconds:.2f} s ({start.cpu_seconds:.2f} s CPU)", heads, rows)
    starting = {"child_start_seconds": round(start.seconds, 3), "child_start_cpu_seconds": round(start.cpu_seconds, 3)}
    keep("parsing", {**starting, "kinds": figures})
    return True


def _alternately(kind: _Kind) -> tuple[_Cost, _Cost]:
    """Here and in the child, each the least of several tries: what other programs add is never negative."""
    here: list[_Cost] = []
    child: list[_Cost] = []
    for _ in range(_TRIES):
        here.append(_here(kind))
        child.append(asyncio.run(_in_child(kind.documents, rounds=kind.rounds)))
    return _least(here), _least(child)


def _least(costs: Sequence[_Cost]) -> _Cost:
    return _Cost(min(cost.seconds for cost in costs), min(cost.cpu_seconds for cost in costs))


def _by_ending(folders: Sequence[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.*")):
            found.setdefault(path.suffix.lower(), []).append(path)
    return found


def _kind(name: str, paths: Sequence[Path]) -> _Kind | None:
    """`None` if there are too few that can be read to say anything."""
    documents: list[Document] = []
    pages = 0
    started = time.perf_counter()
    for path in paths:
        document = Document(path.name, None, path.read_bytes())
        try:
            parsed = read_document(document.filename, None, document.data, whole=False)
        except DeskhandError:
            continue
        if not parsed.scanned:
            documents.append(document)
            pages += sum(part.page is not None for part in parsed.parts)
    seconds = time.perf_counter() - started
    return _Kind(name, documents, max(1, round(_LEAST_SECONDS / seconds)), pages) if len(documents) >= _FEWEST else None


def _here(kind: _Kind) -> _Cost:
    started, cpu_started = time.perf_counter(), time.process_time()
    for _ in range(kind.rounds):
        for document in kind.documents:
            read_document(document.filename, None, document.data, whole=False)
    return _Cost(time.perf_counter() - started, time.process_time() - cpu_started)


async def _in_child(documents: Sequence[Document], *, rounds: int) -> _Cost:
    started, cpu_started = time.perf_counter(), _cpu_of_all()
    reader = DocumentReader(ReaderOptions(processes=1, documents_per_process=1_000_000))
    for _ in range(rounds):
        for at in range(0, len(documents), _AT_ONCE):
            await reader.read_many(documents[at : at + _AT_ONCE])
    # What the child took is known once it has ended.
    await reader.close()
    return _Cost(time.perf_counter() - started, _cpu_of_all() - cpu_started)


def _cpu_of_all() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
