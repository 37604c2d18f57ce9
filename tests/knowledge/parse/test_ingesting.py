"""From files to passages: what is inside others, pages in the sources, and what cannot be read."""

from pathlib import Path

from deskhand.knowledge import Audience, FileSources, IngestReport, KnowledgeService
from deskhand.knowledge.sources import scope_of
from knowledge.parse import made

EVERYONE = Audience.operator()
MANUAL = made.pdf([made.said(("The lamp manual", 20, 72, 720)), made.said(("Press the green button to reset the lamp.", 11, 72, 700))])


def _help(folder: Path, *, more: dict[str, bytes | str]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "help.zip").write_bytes(made.archive({"manuals/lamp.pdf": MANUAL, **more}))
    return folder


async def test_what_is_inside_an_archive_is_found_with_its_page(knowledge: KnowledgeService, tmp_path: Path) -> None:
    folder = _help(tmp_path / "help", more={"faq.csv": "question,answer\nDo you ship to Norway?,Yes we do.\n", "x.exe": b"MZ"})
    report = await knowledge.ingest(FileSources([folder]), sync_scope=None)
    assert (report.indexed, report.given) == (2, 3)
    assert [(failure.source, failure.reason) for failure in report.failed] == [
        ("help/help.zip!/x.exe", "'.exe' files cannot be read here.")
    ]
    (passage, *_) = await knowledge.search("How do I reset the lamp?", limit=3, audience=EVERYONE)
    assert (passage.source, passage.title, passage.page) == ("help/help.zip!/manuals/lamp.pdf", "The lamp manual", 2)
    assert (await knowledge.ingest(FileSources([folder]), sync_scope=None)).unchanged == 2


async def test_what_is_gone_from_an_archive_goes_and_a_broken_one_keeps_what_it_held(knowledge: KnowledgeService, tmp_path: Path) -> None:
    folder = _help(tmp_path / "help", more={"b.txt": "Locks are of steel."})
    await knowledge.ingest(FileSources([folder]), sync_scope=scope_of(folder))
    (folder / "help.zip").write_bytes(b"PK\x03\x04 broken")
    broken = await knowledge.ingest(FileSources([folder]), sync_scope=scope_of(folder))
    assert (broken.removed, len(broken.failed)) == (0, 1)
    assert await knowledge.count_documents() == 2
    _help(folder, more={})
    assert await knowledge.ingest(FileSources([folder]), sync_scope=scope_of(folder)) == IngestReport(unchanged=1, removed=1)
