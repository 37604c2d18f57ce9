"""What is found, by whom, and how soon."""

from dataclasses import replace
from pathlib import Path

import pytest

from deskhand.clock import Clock
from deskhand.ids import SessionId
from deskhand.knowledge import (
    Audience,
    DocumentNotFound,
    Embedder,
    KnowledgeOptions,
    KnowledgeService,
    KnowledgeUnavailable,
    SourceDocument,
    Tier,
    document_id,
)
from deskhand.persistence import Database

SESSION = SessionId("sess_0123456789ab")
OTHER = SessionId("sess_ba9876543210")


class StoppedClock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


def _document(name: str, text: str, *, tier: Tier = Tier.PUBLIC, session_id: SessionId | None = None) -> SourceDocument:
    return SourceDocument(f"test:{name}", name, "a.md", text.encode(), title=name, tier=tier, session_id=session_id)


async def _put(knowledge: KnowledgeService, *documents: SourceDocument) -> None:
    report = await knowledge.ingest(documents, sync_scope=None)
    assert report.failed == ()


async def _titles(knowledge: KnowledgeService, query: str, audience: Audience, *, limit: int = 10) -> list[str]:
    return [passage.title for passage in await knowledge.search(query, limit=limit, audience=audience)]


@pytest.fixture
async def samples(knowledge: KnowledgeService) -> KnowledgeService:
    await knowledge.warm_up(samples=True)
    return knowledge


SUBJECTS = {
    "How do I reset my password?": "Account and password",
    "Where is my parcel?": "Orders and shipping",
    "I want my money back": "Returns and refunds",
    "can i get an invoice as pdf": "Billing and invoices",
    "What does error NW-204 mean?": "Troubleshooting and status",
    "I lost the phone with my authenticator": "Security and two-factor authentication",
    "Are my files stored in Germany?": "Data and privacy",
    "When can I reach somebody by telephone?": "Contact and support hours",
    "How do I cancel my subscription?": "Subscriptions and cancellation",
    "How much storage does the Team plan have?": "Plans and pricing",
}
STRANGE = ("", "  \n", "?", "🙂", "the", "'; DROP TABLE knowledge_chunk; --", "a" * 10_000, 'x" OR "y NEAR(z) *', "\x00", "\ud800")


async def test_the_samples_answer_their_ten_subjects(samples: KnowledgeService) -> None:
    assert await samples.count_documents() == len(SUBJECTS)
    for question, title in SUBJECTS.items():
        passages = await samples.search(question, limit=3, audience=Audience.public())
        assert passages[0].title == title, question
        assert [passage.rank for passage in passages] == [1, 2, 3]
        assert 1 >= passages[0].score >= passages[1].score >= passages[2].score > 0


async def test_the_samples_go_into_an_empty_knowledge_base_alone(knowledge: KnowledgeService) -> None:
    await _put(knowledge, _document("Mine", "The only one."))
    await knowledge.warm_up(samples=True)
    assert await knowledge.count_documents() == 1


async def test_a_good_answer_scores_above_none(samples: KnowledgeService) -> None:
    good = await samples.search("How do I reset my password?", limit=1, audience=Audience.public())
    bad = await samples.search("Do you sell pizza in Rome?", limit=1, audience=Audience.public())
    assert good[0].score > 0.7
    assert not bad or bad[0].score < 0.2


async def test_what_was_said_before_says_what_it_is_about(samples: KnowledgeService) -> None:
    question = "And for Business?"
    prices = await samples.search(question, limit=1, audience=Audience.public(), earlier=["How large may one file be in the Team plan?"])
    phone = await samples.search(question, limit=1, audience=Audience.public(), earlier=["Hi!", "At what hours can I call you by phone?"])
    assert (prices[0].title, phone[0].title) == ("Plans and pricing", "Contact and support hours")


@pytest.mark.parametrize(
    ("earlier", "question", "title"),
    [
        (["How much storage does the Team plan have?"], "How do I reset my password?", "Account and password"),
        (["I forgot my password.", "The e-mail does not arrive."], "What does standard shipping cost?", "Orders and shipping"),
        (["What are your support hours?"], "I want my money back", "Returns and refunds"),
        (["How do I cancel my subscription?", "And can I reactivate it?"], "What does error NW-204 mean?", "Troubleshooting and status"),
    ],
)
async def test_a_change_of_subject_leaves_what_was_said_before_behind(
    samples: KnowledgeService, earlier: list[str], question: str, title: str
) -> None:
    first, *_ = await samples.search(question, limit=3, audience=Audience.public(), earlier=earlier)
    assert first.title == title


@pytest.mark.parametrize(
    ("earlier", "question", "section"),
    [
        (["How do I reset my password?"], "And for how long does the link work?", "How do I reset my password?"),
        (["What does shipping to Germany cost?"], "And to Switzerland?", "Shipping times and costs"),
        (["How do I cancel my subscription?"], "Can I get it back afterwards?", "Reactivate a cancelled subscription"),
    ],
)
async def test_a_follow_up_is_about_what_was_asked_before(
    samples: KnowledgeService, earlier: list[str], question: str, section: str
) -> None:
    first, *_ = await samples.search(question, limit=3, audience=Audience.public(), earlier=earlier)
    assert first.section == section


async def test_languages_that_the_model_does_not_know_are_found_by_their_words(knowledge: KnowledgeService) -> None:
    await _put(
        knowledge,
        _document("zh-1", "如果您忘记了密码，请点击登录页面上的重置链接。"),
        _document("zh-2", "我们在三个工作日内发货。"),
        _document("th-1", "คุณสามารถเปลี่ยนรหัสผ่านได้ในหน้าตั้งค่า"),
        _document("th-2", "สินค้าจะจัดส่งภายในสามวันทำการ"),
        _document("ru-1", "Чтобы сбросить пароль, откройте страницу входа."),
        _document("ru-2", "Посылки доставляются за три рабочих дня."),
        _document("de-1", "Passwortänderungen nehmen Sie in den Einstellungen vor."),
        _document("de-2", "Pakete kommen in drei Werktagen an."),
    )
    for query, title in (
        ("怎么重置密码", "zh-1"),
        ("什么时候发货", "zh-2"),
        ("เปลี่ยนรหัสผ่าน", "th-1"),
        ("จัดส่งกี่วัน", "th-2"),
        ("сброс пароля", "ru-1"),
        ("когда доставят посылку", "ru-2"),
        ("Passwort ändern", "de-1"),
        ("Wann kommt das Paket?", "de-2"),
    ):
        assert (await _titles(knowledge, query, Audience.public()))[0] == title, query


async def test_each_tier_and_each_session_sees_its_own(knowledge: KnowledgeService) -> None:
    await _put(
        knowledge,
        _document("public", "The garden gate code is on the door."),
        _document("customers", "The garden gate code for customers is 11.", tier=Tier.CUSTOMERS),
        _document("operators", "The garden gate code for operators is 22.", tier=Tier.OPERATORS),
        _document("attached", "My garden gate code is 33.", session_id=SESSION),
    )
    for audience, expected in (
        (Audience.public(), {"public"}),
        (Audience.customer(), {"public", "customers"}),
        (Audience.operator(), {"public", "customers", "operators"}),
        (Audience.public(SESSION), {"public", "attached"}),
        (Audience.public(OTHER), {"public"}),
        (Audience(frozenset({Tier.OPERATORS})), {"operators"}),
        (Audience(frozenset()), set()),
    ):
        assert set(await _titles(knowledge, "garden gate code", audience)) == expected
        assert {document.title for document in await knowledge.list_documents(audience=audience)} == expected
        assert await knowledge.count_documents(audience) == len(expected)
    hidden = document_id("test:operators")
    with pytest.raises(DocumentNotFound):
        await knowledge.get_document(hidden, audience=Audience.public())
    assert (await knowledge.get_document(hidden, audience=Audience.operator())).tier is Tier.OPERATORS


async def test_a_hidden_document_does_not_change_the_scores_of_the_others(knowledge: KnowledgeService) -> None:
    await _put(knowledge, _document("a", "The red bicycle is in the shed."), _document("b", "The blue boat is in the harbour."))
    before = await knowledge.search("red bicycle", limit=5, audience=Audience.public())
    await _put(knowledge, *(_document(f"secret {n}", "A red bicycle, hidden.", tier=Tier.OPERATORS) for n in range(20)))
    assert await knowledge.search("red bicycle", limit=5, audience=Audience.public()) == before


async def test_a_document_that_becomes_internal_is_gone_for_the_public_at_once(knowledge: KnowledgeService) -> None:
    document = _document("Gate", "The garden gate code is 44.")
    await _put(knowledge, document)
    assert await _titles(knowledge, "garden gate code", Audience.public()) == ["Gate"]
    await _put(knowledge, replace(document, tier=Tier.OPERATORS))
    assert await _titles(knowledge, "garden gate code", Audience.public()) == []


async def test_a_deleted_document_is_found_by_nobody(knowledge: KnowledgeService) -> None:
    await _put(knowledge, _document("Gate", "The garden gate code is 55."), _document("Shed", "The shed is open."))
    await knowledge.library.delete(document_id("test:Gate"), by="test")
    assert await _titles(knowledge, "garden gate code", Audience.operator()) == ["Shed"] * len(
        await _titles(knowledge, "garden gate code", Audience.operator())
    )
    assert await knowledge.count_documents() == 1
    with pytest.raises(DocumentNotFound):
        await knowledge.library.delete(document_id("test:Gate"), by="test")


async def test_another_process_sees_a_new_document_within_a_second(
    database: Database, embedder: Embedder, knowledge: KnowledgeService
) -> None:
    clock: Clock = StoppedClock()
    server = KnowledgeService(database, embedder, KnowledgeOptions(threads=1, refresh_seconds=1.0), clock=clock)
    assert await _titles(server, "opening hours", Audience.public()) == []
    await _put(knowledge, _document("Hours", "Our opening hours are nine to five."))
    clock.seconds += 1.0
    assert await _titles(server, "opening hours", Audience.public()) == ["Hours"]
    await _put(knowledge, _document("Hours", "Our opening hours are ten to six."))
    # The index of this process still points to chunks that are no more: it looks again instead of finding nothing.
    assert await _titles(server, "opening hours", Audience.public()) == ["Hours"]
    await knowledge.library.delete(document_id("test:Hours"), by="test")
    assert await _titles(server, "opening hours", Audience.public()) == []
    await server.close()


async def test_an_index_kept_in_step_answers_like_one_read_anew(
    database: Database, embedder: Embedder, knowledge: KnowledgeService
) -> None:
    audience = Audience.public()
    for step in range(14):
        await _put(
            knowledge, *(_document(f"{n}", f"Note {n} on bicycles, boats and step {step * (n % 3)}.") for n in range(step, step + 4))
        )
        if step % 4 == 3:
            await knowledge.library.delete(document_id(f"test:{step}"), by="test")
        kept = await knowledge.search("bicycles of step 6", limit=30, audience=audience)
        anew = KnowledgeService(database, embedder, KnowledgeOptions(threads=1))
        fresh = await anew.search("bicycles of step 6", limit=30, audience=audience)
        await anew.close()
        assert [(passage.chunk_id, round(passage.score, 5)) for passage in kept] == [
            (passage.chunk_id, round(passage.score, 5)) for passage in fresh
        ]


async def test_a_long_question_is_heard_to_its_end(samples: KnowledgeService) -> None:
    question = "I have been with you for years and have a lot to tell about my garden, my cat and the weather. " * 20
    titles = await _titles(
        samples, question + "\n\nWhat I need to know: how do I turn on two-factor authentication?", Audience.public(), limit=3
    )
    assert "Security and two-factor authentication" in titles


async def test_any_query_is_only_words(samples: KnowledgeService) -> None:
    for query in STRANGE:
        assert len(await samples.search(query, limit=3, audience=Audience.public(), earlier=[query])) <= 3
    assert await samples.count_documents() == len(SUBJECTS)


async def test_nothing_is_asked_of_an_empty_knowledge_base(knowledge: KnowledgeService) -> None:
    assert await knowledge.search("anything", limit=5, audience=Audience.operator()) == []


async def test_without_the_model_the_search_says_so(database: Database, tmp_path: Path) -> None:
    service = KnowledgeService(database, Embedder(folder=tmp_path), KnowledgeOptions())
    with pytest.raises(KnowledgeUnavailable, match="not installed"):
        await service.search("anything", limit=5, audience=Audience.public())
    await service.close()


@pytest.mark.parametrize(
    ("question", "title", "section"),
    [
        ("i forgot my pasword", "Account and password", "How do I reset my password?"),
        ("how do i cancle my subscribtion", "Subscriptions and cancellation", "How do I cancel my subscription?"),
        ("Wie setze ich mein Passwort zurück?", "Account and password", "How do I reset my password?"),
        ("my parcel is late", "Orders and shipping", "The parcel is late or lost"),
        ("compare plans", "Plans and pricing", "Compare the plans"),
    ],
)
async def test_a_short_question_finds_its_section_however_it_is_put(
    samples: KnowledgeService, question: str, title: str, section: str
) -> None:
    first, *_ = await samples.search(question, limit=3, audience=Audience.public())
    assert (first.title, first.section) == (title, section)
    assert first.score > 0.45


@pytest.mark.parametrize(
    "question", ["What is the capital of France?", "What is your CEO's salary?", "What is 12 times 14?", "Which laptop should I buy?"]
)
async def test_words_that_only_frame_a_question_are_no_evidence(samples: KnowledgeService, question: str) -> None:
    found = await samples.search(question, limit=3, audience=Audience.public())
    assert all(passage.score < 0.45 for passage in found)
