"""Hostile documents: each gets a verdict, none gets anything else."""

import asyncio
import resource
from collections import Counter
from pathlib import Path

import psutil
import pytest

from deskhand.errors import DeskhandError
from deskhand.knowledge import DocumentReader, ParsedDocument, ReaderOptions
from knowledge.parse.hostile import Hostile, family_count, hostile_documents
from parts.readers import find_readers

_FILES = 500
_MEBIBYTE = 1024 * 1024


def peak_kibibytes(child: psutil.Process) -> int:
    """The most address space that a process ever had. Not `ru_maxrss`, which counts what its parent had before it became a program."""
    status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmPeak:"))


@pytest.mark.timeout(300)
async def test_every_hostile_document_gets_a_verdict_and_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert family_count() >= 30
    options = ReaderOptions(processes=3)
    reader = DocumentReader(options)
    before = psutil.Process().memory_info().rss
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    verdicts: Counter[str] = Counter()

    async def read(hostile: Hostile) -> None:
        try:
            found = await reader.read(hostile.filename, hostile.content_type, hostile.data)
        except DeskhandError as error:
            verdicts["refused" if error.status in (413, 415, 422) and error.message else f"{hostile.family}: {error.code}"] += 1
        else:
            assert isinstance(found, ParsedDocument)
            assert "root:" not in found.text, hostile.family
            verdicts["read"] += 1

    waiting = list(hostile_documents(_FILES, seed=7))

    async def work() -> None:
        while waiting:
            await read(waiting.pop())

    await asyncio.gather(*(work() for _ in range(options.processes)))
    assert set(verdicts) == {"read", "refused"}
    assert verdicts.total() == _FILES
    assert verdicts["read"] > _FILES // 10
    assert verdicts["refused"] > _FILES // 4
    for child in find_readers():
        most, hard = child.rlimit(psutil.RLIMIT_AS)
        assert most == hard
        assert most in (options.memory_bytes, options.pictures.memory_bytes)
        assert peak_kibibytes(child) <= most // 1024
        assert child.net_connections() == []
        assert child.open_files() == []
    await reader.close()
    assert psutil.Process().memory_info().rss - before <= 100 * _MEBIBYTE
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime < _FILES * options.cpu_seconds
    assert await asyncio.to_thread(lambda: [*tmp_path.iterdir(), *Path("/tmp").glob("deskhand-was-here*")]) == []


@pytest.mark.parametrize("family", ["pdf_form_loop", "sheet_far_corner"])
async def test_a_document_that_kills_its_reader_costs_itself_alone(family: str) -> None:
    reader = DocumentReader(ReaderOptions(processes=1))
    hostile = next(hostile for hostile in hostile_documents(family_count(), seed=1) if hostile.family == family)
    with pytest.raises(DeskhandError, match="its reader crashed"):
        await reader.read(hostile.filename, None, hostile.data)
    assert (await reader.read("a.txt", None, b"words")).text == "words"
    await reader.close()
