"""Documents that are changed by hand, come and go by their dates, and have a history; on each database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deskhand.errors import Malformed
from deskhand.knowledge import (
    Action,
    Audience,
    DocumentChanged,
    DocumentFilter,
    DocumentId,
    DocumentNotFound,
    DocumentState,
    Embedder,
    KnowledgeOptions,
    KnowledgeService,
    Replacement,
    SourceDocument,
    StoredDocument,
    Tier,
    document_id,
)
from deskhand.persistence import Database, metadata

NOON = 1_800_000_000.0
DAY = 86_400.0
HANDBOOK = "file:///handbook/refunds.md"


@dataclass
class HandClock:
    """The clock of the service and, on SQLite, of the database."""

    seconds: float = NOON
    passed: float = field(default=0.0)

    def now(self) -> float:
        return self.seconds + self.passed

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def dated(tmp_path: Path, embedder: Embedder, clock: HandClock) -> AsyncIterator[KnowledgeService]:
    """A knowledge base whose time the test moves."""
    database = await Database.open(f"sqlite:///{tmp_path / 'dated.db'}", clock=clock)
    await database.write(lambda transaction: metadata.create_all(transaction.connection))
    service = KnowledgeService(database, embedder, KnowledgeOptions(threads=2, history_days=30), clock=clock)
    yield service
    await service.close()
    await database.close()


def handbook(text: str, **fields: object) -> SourceDocument:
    values = {"origin": HANDBOOK, "source": "refunds.md", "filename": "refunds.md", "scope": "file:///handbook"} | fields
    return SourceDocument(data=text.encode(), **values)


async def put(knowledge: KnowledgeService, text: str = "# Refunds\n\nMoney comes back within 14 days.", **fields: object) -> StoredDocument:
    source = handbook(text, **fields)
    report = await knowledge.library.add([source], by="ada")
    assert not report.failed
    return await knowledge.library.get_document(document_id(source.origin))


async def found(knowledge: KnowledgeService, query: str = "refunds money back", audience: Audience | None = None) -> list[str]:
    passages = await knowledge.search(query, limit=5, audience=audience or Audience.public())
    return [passage.text for passage in passages]


async def test_a_document_comes_and_goes_by_itself_at_its_dates(dated: KnowledgeService, clock: HandClock) -> None:
    document = await put(dated, effective_from=NOON + DAY, effective_until=NOON + 2 * DAY)
    states = []
    for _ in range(4):
        is_found = bool(await found(dated))
        stored = await dated.library.get_document(document.id)
        states.append((is_found, stored.state, await dated.count_documents(Audience.public())))
        clock.passed += DAY
    assert states == [
        (False, DocumentState.SCHEDULED, 0),
        (True, DocumentState.ACTIVE, 1),
        (False, DocumentState.EXPIRED, 0),
        (False, DocumentState.EXPIRED, 0),
    ]


async def test_a_document_is_there_from_its_first_moment_until_before_its_last(dated: KnowledgeService, clock: HandClock) -> None:
    await put(dated, effective_from=NOON + 10, effective_until=NOON + 20)
    seen = {}
    for moment in (9.999, 10.0, 19.999, 20.0):
        clock.passed = moment
        seen[moment] = bool(await found(dated))
    assert seen == {9.999: False, 10.0: True, 19.999: True, 20.0: False}


@pytest.mark.parametrize("dates", [{"effective_until": NOON - DAY}, {"effective_from": 4e9}])
async def test_what_is_out_of_its_dates_is_found_by_nobody(knowledge: KnowledgeService, dates: dict[str, float]) -> None:
    await put(knowledge, **({"effective_from": 1.0, "effective_until": 2.0} if "effective_until" in dates else dates))
    for audience in (Audience.public(), Audience.customer(), Audience.operator()):
        assert await found(knowledge, audience=audience) == []


async def test_a_disabled_document_is_not_found_until_it_is_enabled(knowledge: KnowledgeService) -> None:
    document = await put(knowledge)
    assert await found(knowledge)
    assert await knowledge.library.edit(document.id, {"disabled": True}, by="bo")
    assert await found(knowledge, audience=Audience.operator()) == []
    assert not await knowledge.library.edit(document.id, {"disabled": True}, by="bo")
    assert await knowledge.library.edit(document.id, {"disabled": False}, by="bo")
    assert await found(knowledge)
    actions = [(revision.action, revision.changed_by) for revision in await knowledge.library.list_revisions(document.id)]
    assert actions == [(Action.ENABLED, "bo"), (Action.DISABLED, "bo"), (Action.ADDED, "ada")]


async def test_what_was_set_by_hand_outlives_the_next_ingest_of_a_changed_file(knowledge: KnowledgeService) -> None:
    document = await put(knowledge)
    await knowledge.library.edit(document.id, {"tier": Tier.OPERATORS, "title": "Money back", "url": "https://example.com/r"}, by="bo")
    report = await knowledge.ingest([handbook("# Refunds\n\nMoney comes back within 30 days.")], sync_scope="file:///handbook")
    assert report.indexed == 1
    stored = await knowledge.library.get_document(document.id)
    assert (stored.tier, stored.title, stored.url, stored.revision) == (Tier.OPERATORS, "Money back", "https://example.com/r", 3)
    assert await found(knowledge) == []
    assert await found(knowledge, audience=Audience.operator()) == ["# Refunds\n\nMoney comes back within 30 days."]


async def test_dates_that_came_with_a_document_outlive_the_next_ingest_of_its_file(knowledge: KnowledgeService) -> None:
    await put(knowledge, effective_until=2.0)
    await knowledge.ingest([handbook("# Refunds\n\nMoney comes back within 30 days.")], sync_scope=None)
    assert await found(knowledge) == []


async def test_a_new_title_is_what_a_document_is_found_by(knowledge: KnowledgeService) -> None:
    document = await put(knowledge, "Ask the front desk.")
    await put(knowledge, "Ask the back office.", origin="file:///other.md", title="Parking")
    await knowledge.library.edit(document.id, {"title": "Lost umbrellas"}, by="bo")
    passages = await knowledge.search("umbrella", limit=2, audience=Audience.public())
    assert (passages[0].title, passages[0].document_id) == ("Lost umbrellas", document.id)


async def test_two_editors_cannot_overwrite_each_other(knowledge: KnowledgeService) -> None:
    document = await put(knowledge)
    library, seen = knowledge.library, document.revision
    await library.edit(document.id, {"tier": Tier.CUSTOMERS}, by="ada", expected_revision=seen)
    with pytest.raises(DocumentChanged):
        await library.edit(document.id, {"tier": Tier.PUBLIC}, by="bo", expected_revision=seen)
    with pytest.raises(DocumentChanged):
        await library.replace(document, Replacement("r.md", b"# Refunds\n\nNever."), by="bo", expected_revision=seen)
    with pytest.raises(DocumentChanged):
        await library.delete(document.id, by="bo", expected_revision=seen)
    assert (await library.get_document(document.id)).tier is Tier.CUSTOMERS


async def test_of_many_editors_at_once_exactly_one_wins(knowledge: KnowledgeService) -> None:
    document = await put(knowledge)
    edits = [
        knowledge.library.edit(document.id, {"url": f"https://example.com/{number}"}, by=str(number), expected_revision=1)
        for number in range(8)
    ]
    outcomes = await asyncio.gather(*edits, return_exceptions=True)
    assert [outcome is True for outcome in outcomes].count(True) == 1
    assert all(outcome is True or isinstance(outcome, DocumentChanged) for outcome in outcomes)


async def test_a_document_that_comes_again_after_it_was_deleted_goes_on_counting(knowledge: KnowledgeService) -> None:
    document = await put(knowledge)
    await knowledge.library.delete(document.id, by="ada")
    again = await put(knowledge)
    assert again.revision > document.revision
    with pytest.raises(DocumentChanged):
        await knowledge.library.edit(again.id, {"tier": Tier.PUBLIC}, by="bo", expected_revision=document.revision)


async def test_a_replacement_is_found_at_once_and_what_it_replaced_only_in_the_history(knowledge: KnowledgeService) -> None:
    document = await put(knowledge)
    report = await knowledge.library.replace(document, Replacement("r.md", b"# Refunds\n\nMoney comes back within 30 days."), by="bo")
    assert (report.indexed, report.unchanged) == (1, 0)
    assert await found(knowledge) == ["# Refunds\n\nMoney comes back within 30 days."]
    newest, _ = await knowledge.library.list_revisions(document.id)
    assert (newest.action, newest.earlier_text) == (Action.REPLACED, "# Refunds\n\nMoney comes back within 14 days.")


async def test_a_replacement_that_says_the_same_changes_nothing(knowledge: KnowledgeService) -> None:
    document = await put(knowledge)
    report = await knowledge.library.replace(document, Replacement("other.md", b"# Refunds\n\nMoney comes back within 14 days.\n"), by="bo")
    assert (report.indexed, report.unchanged) == (0, 1)
    assert (await knowledge.library.get_document(document.id)).revision == document.revision


async def test_a_replaced_text_is_kept_no_longer_than_it_may_be(dated: KnowledgeService, clock: HandClock) -> None:
    document = await put(dated)
    await dated.library.replace(document, Replacement("r.md", b"# Refunds\n\nMoney comes back within 30 days."), by="bo")
    clock.passed = 29 * DAY
    assert (await dated.library.list_revisions(document.id))[0].earlier_text is not None
    clock.passed = 30 * DAY
    revisions = await dated.library.list_revisions(document.id)
    assert [(revision.action, revision.earlier_text, dict(revision.changes)) for revision in revisions] == [
        (Action.REPLACED, None, {}),
        (Action.ADDED, None, {}),
    ]
    await dated.library.forget_old()
    clock.passed = 0
    assert (await dated.library.list_revisions(document.id))[0].earlier_text is None


async def test_of_a_deleted_document_the_history_says_who_and_when_and_nothing_else(knowledge: KnowledgeService) -> None:
    document = await put(knowledge)
    await knowledge.library.edit(document.id, {"title": "Secret title"}, by="ada")
    await knowledge.library.replace(
        await knowledge.library.get_document(document.id), Replacement("r.md", b"# Refunds\n\nMoney comes back."), by="ada"
    )
    await knowledge.library.delete(document.id, by="bo")
    revisions = await knowledge.library.list_revisions(document.id)
    assert [revision.action for revision in revisions] == [Action.DELETED, Action.REPLACED, Action.EDITED, Action.ADDED]
    assert all(revision.earlier_text is None and not revision.changes for revision in revisions)
    with pytest.raises(DocumentNotFound):
        await knowledge.library.get_document(document.id)
    with pytest.raises(DocumentNotFound):
        await knowledge.library.list_revisions(DocumentId("doc_" + "0" * 24))


async def test_a_document_cannot_end_before_it_begins_or_be_without_a_title(knowledge: KnowledgeService) -> None:
    document = await put(knowledge, effective_from=NOON)
    for values in ({"effective_until": NOON}, {"effective_from": 2.0, "effective_until": 1.0}, {"title": "  "}):
        with pytest.raises(Malformed):
            await knowledge.library.edit(document.id, values, by="bo")
    assert (await knowledge.library.get_document(document.id)).revision == 1


async def test_documents_are_listed_by_what_they_are_and_how_many_there_are(knowledge: KnowledgeService) -> None:
    names = {}
    for name, fields in {
        "Alpha": {},
        "Beta 100%": {"tier": Tier.OPERATORS},
        "Gamma": {"effective_until": 1.0},
        "Delta": {"scope": "file:///elsewhere"},
    }.items():
        stored = await put(knowledge, f"About {name}.", origin=f"file:///{name}", title=name, **fields)
        names[name] = stored.id
    await knowledge.library.edit(names["Delta"], {"disabled": True}, by="bo")

    async def titles(**chosen: object) -> tuple[list[str], int]:
        listed, total = await knowledge.library.list_documents(DocumentFilter(**chosen), limit=2, offset=0)
        return [document.title for document in listed], total

    assert await titles() == (["Alpha", "Beta 100%"], 4)
    assert await titles(tier=Tier.OPERATORS) == (["Beta 100%"], 1)
    assert await titles(state=DocumentState.EXPIRED) == (["Gamma"], 1)
    assert await titles(state=DocumentState.DISABLED) == (["Delta"], 1)
    assert await titles(state=DocumentState.ACTIVE) == (["Alpha", "Beta 100%"], 2)
    assert await titles(scope="file:///elsewhere") == (["Delta"], 1)
    assert await titles(text="0%") == (["Beta 100%"], 1)
    assert await titles(text="%") == (["Beta 100%"], 1)
    assert await titles(text="alpha") == (["Alpha"], 1)
    assert await titles(text="_") == ([], 0)


async def test_what_belongs_to_a_session_is_not_listed_not_shown_and_leaves_no_history(knowledge: KnowledgeService) -> None:
    source = handbook("A letter.", origin="session:1", session_id="sess_000000000001")
    await knowledge.ingest([source], sync_scope=None)
    listed, total = await knowledge.library.list_documents(DocumentFilter(), limit=10, offset=0)
    assert (listed, total) == ([], 0)
    with pytest.raises(DocumentNotFound):
        await knowledge.library.get_document(document_id("session:1"))
    with pytest.raises(DocumentNotFound):
        await knowledge.library.list_revisions(document_id("session:1"))
