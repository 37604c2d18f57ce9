"""Documents in, from files, folders and rows: once each, whole, and again only when they changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deskhand.knowledge import (
    Audience,
    Failure,
    FileSources,
    IngestReport,
    KnowledgeService,
    Progress,
    SourceDocument,
    document_id,
    documents_in,
)
from deskhand.knowledge.sources import scope_of

EVERYONE = Audience.operator()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "help"
    (root / "guides").mkdir(parents=True)
    (root / "refunds.md").write_text("# Refunds\n\nA refund takes five days.", encoding="utf-8")
    (root / "guides" / "start.html").write_text("<h1>Start</h1><p>Press the green button.</p>", encoding="utf-8")
    (root / "faq.csv").write_text("question,answer\nDo you ship to Norway?,Yes we do.\nDo you sell shoes?,No.\n", encoding="utf-8")
    (root / "logo.psd").write_bytes(b"8BPS")
    (root / ".hidden.md").write_text("secret draft", encoding="utf-8")
    return root


async def _ingest(knowledge: KnowledgeService, *paths: Path, sync: bool = False) -> IngestReport:
    return await knowledge.ingest(FileSources(paths), sync_scope=scope_of(paths[0]) if sync else None)


async def _best(knowledge: KnowledgeService, query: str) -> str:
    passages = await knowledge.search(query, limit=1, audience=EVERYONE)
    return passages[0].text if passages else ""


async def test_a_folder_gives_its_documents_and_each_row_of_its_tables(knowledge: KnowledgeService, folder: Path) -> None:
    sources = FileSources([folder])
    assert len(sources) == 3
    assert await knowledge.ingest(sources, sync_scope=None) == IngestReport(indexed=4, chunks=4)
    assert sources.passed_over == 1
    stored = await knowledge.list_documents(audience=EVERYONE)
    assert [(document.title, document.source) for document in stored] == [
        ("Do you sell shoes?", "help/faq.csv#2"),
        ("Do you ship to Norway?", "help/faq.csv#1"),
        ("Refunds", "help/refunds.md"),
        ("Start", "help/guides/start.html"),
    ]


async def test_the_same_again_changes_nothing(knowledge: KnowledgeService, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await _ingest(knowledge, folder)
    before = await knowledge.list_documents(audience=EVERYONE)
    monkeypatch.chdir(folder.parent)
    assert await _ingest(knowledge, Path("./help")) == IngestReport(unchanged=4)
    assert await knowledge.list_documents(audience=EVERYONE) == before


async def test_what_changed_is_replaced_under_its_id(knowledge: KnowledgeService, folder: Path) -> None:
    await _ingest(knowledge, folder)
    name = document_id((folder / "refunds.md").resolve().as_uri())
    before = await knowledge.get_document(name, audience=EVERYONE)
    (folder / "refunds.md").write_text("# Refunds\n\nA refund takes nine weeks.", encoding="utf-8")
    assert await _ingest(knowledge, folder) == IngestReport(indexed=1, unchanged=3, chunks=1)
    after = await knowledge.get_document(name, audience=EVERYONE)
    assert (after.created_at, after.chunk_count) == (before.created_at, 1)
    assert "nine weeks" in await _best(knowledge, "How long does a refund take?")
    passages = await knowledge.search("refund five days", limit=20, audience=EVERYONE)
    assert not any("five days" in passage.text for passage in passages)


async def test_synchronising_removes_what_is_gone_from_that_folder_alone(knowledge: KnowledgeService, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text("# Other\n\nElsewhere.", encoding="utf-8")
    await _ingest(knowledge, folder, other)
    (folder / "refunds.md").unlink()
    (folder / "faq.csv").write_text("question,answer\nDo you ship to Norway?,Yes we do.\n", encoding="utf-8")
    report = await _ingest(knowledge, folder, sync=True)
    assert report == IngestReport(unchanged=2, removed=2)
    assert report.given == 4
    assert sorted(document.title for document in await knowledge.list_documents(audience=EVERYONE)) == [
        "Do you ship to Norway?",
        "Other",
        "Start",
    ]
    assert "refund" not in await _best(knowledge, "How long does a refund take?")


async def test_a_bad_document_is_one_failure_and_keeps_its_last_good_version(knowledge: KnowledgeService, folder: Path) -> None:
    await _ingest(knowledge, folder)
    (folder / "refunds.md").write_bytes(b"\xff\xfe\xfa")
    report = await _ingest(knowledge, folder, sync=True)
    assert (report.unchanged, report.removed, report.given) == (3, 0, 4)
    assert [failure.source for failure in report.failed] == ["help/refunds.md"]
    assert "UTF-16" in report.failed[0].reason
    assert "five days" in await _best(knowledge, "How long does a refund take?")


async def test_every_bad_row_is_named_and_the_good_ones_are_taken(knowledge: KnowledgeService, tmp_path: Path) -> None:
    lines = [
        '{"_id": "a", "title": "Keys", "text": "Keys are in the safe."}',
        "{broken",
        '["list"]',
        '{"_id": "b", "text": ""}',
        '{"x": 1}',
        '{"text": "\\ud800"}',
    ]
    lines += [
        '{"_id": "a", "text": "The same id again."}',
        "",
        '{"_id": "c", "text": "<p>Locks</p><p>are steel.</p>", "metadata": {"k": 1}}',
    ]
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    report = await _ingest(knowledge, path)
    assert (report.indexed, report.given) == (2, 8)
    assert [failure.reason.split(":")[0].rstrip(".") for failure in report.failed] == [
        "Line 2",
        "Line 3 is not a JSON object",
        "Row 4 has an empty 'text'",
        "Line 5 has no text",
        "Row 6 has characters in it that no text can have",
        "Another document of this run has the same address or id",
    ]
    keys, locks = await knowledge.list_documents(audience=EVERYONE)
    assert (keys.title, keys.source) == ("Keys", "corpus.jsonl#a")
    assert (locks.title, locks.metadata) == ("Locks", {"k": 1})


async def test_a_file_that_is_not_there_or_of_no_known_kind_is_a_failure(knowledge: KnowledgeService, folder: Path) -> None:
    report = await _ingest(knowledge, folder / "missing.md", folder / "logo.psd")
    assert report.failed == (
        Failure("missing.md", "It cannot be opened: No such file or directory."),
        Failure("logo.psd", "'.psd' files cannot be read here."),
    )


async def test_what_comes_by_standard_input_is_a_document_too(knowledge: KnowledgeService) -> None:
    text = b"# Parking\n\nPark behind the house."
    await knowledge.ingest(documents_in("stdin.md", text, origin="stdin", source="stdin"), sync_scope=None)
    assert "behind the house" in await _best(knowledge, "Where can I park?")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("deep.json", b"[" * 200_000),
        ("deep.jsonl", b'{"text": ' + b"[" * 200_000 + b"\n"),
        ("wide.csv", b"title,text\nx," + b"y" * 200_000 + b"\n"),
        ("open.csv", b'title,text\nx,"never closed\n'),
        ("long.jsonl", b'{"text": ' + b"9" * 10_000 + b"}\n"),
        ("halves.jsonl", b'{"text": "\\ud800"}\n'),
        ("zeros.csv", b"title,text\n\x00\x00,\x00\n"),
    ],
)
def test_a_hostile_table_of_ones_own_costs_one_error(name: str, data: bytes) -> None:
    found = list(documents_in(name, data, origin="own", source=name))
    assert [type(source).__name__ for source in found] == ["UnreadableSource"]


async def test_progress_counts_up_to_the_total(knowledge: KnowledgeService, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("\n".join(json.dumps({"_id": str(n), "text": f"Text {n}."}) for n in range(70)), encoding="utf-8")
    seen: list[Progress] = []
    await knowledge.ingest(FileSources([path]), sync_scope=None, on_progress=seen.append)
    assert [(progress.done, progress.total) for progress in seen] == [(32, 70), (64, 70), (70, 70)]
    assert seen[-1].indexed == seen[-1].chunks == 70


async def test_an_ingest_that_was_stopped_is_continued(knowledge: KnowledgeService) -> None:
    documents = [SourceDocument(f"o:{n}", f"s{n}", "a.md", f"Text number {n}.".encode()) for n in range(80)]

    async def stream() -> AsyncIterator[SourceDocument]:
        for document in documents:
            yield document

    def stop(progress: Progress) -> None:
        if progress.done >= 64:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await knowledge.ingest(stream(), sync_scope=None, on_progress=stop)
    assert await knowledge.count_documents() == 64
    assert await knowledge.ingest(documents, sync_scope=None) == IngestReport(indexed=16, unchanged=64, chunks=16)


async def test_two_ingests_at_once_leave_each_document_once(knowledge: KnowledgeService) -> None:
    documents = [SourceDocument(f"o:{n}", f"s{n}", "a.md", f"Text number {n}.".encode()) for n in range(40)]
    reports = await asyncio.gather(*(knowledge.ingest(documents, sync_scope=None) for _ in range(2)))
    assert [report.failed for report in reports] == [(), ()]
    assert await knowledge.count_documents() == 40
    assert len(await knowledge.search("Text number", limit=100, audience=EVERYONE)) == 40


async def test_a_file_whose_name_is_not_utf_8_is_taken_all_the_same(knowledge: KnowledgeService, tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.md"
    path.write_text("Coffee is on the third floor.", encoding="utf-8")
    assert await _ingest(knowledge, tmp_path) == IngestReport(indexed=1, chunks=1)
    assert [document.source for document in await knowledge.list_documents(audience=EVERYONE)] == [f"{tmp_path.name}/caf\ufffd.md"]
