"""What the score of a passage says: not how near it is, but how likely it is to answer."""

import pytest

from deskhand.knowledge import Audience, KnowledgeService, SourceDocument
from deskhand.questions import Wanted, holds, names_in, wanted
from deskhand.words import fold

FILLING = [
    "Parcels leave our warehouse on working days.",
    "You reset your password on the sign-in page.",
    "Invoices are sent to the billing address.",
    "Two-factor authentication asks for a second proof.",
    "Files that were deleted stay in the recycle bin.",
    "Our status page shows the state of each service.",
    "The workspace can be paused by its owner.",
    "A confirmation comes by e-mail.",
]


def _document(name: str, text: str) -> SourceDocument:
    return SourceDocument(origin=f"file:///{name}", source=name, filename=name, data=text.encode())


async def _best(knowledge: KnowledgeService, question: str, text: str) -> float:
    """The score of a text, among others, for a question."""
    documents = [_document(f"filling-{at}.txt", filling) for at, filling in enumerate(FILLING)]
    await knowledge.ingest([_document("asked.txt", text), *documents], sync_scope=None)
    passages = await knowledge.search(question, limit=3, audience=Audience.public())
    assert passages[0].source == "asked.txt"
    return passages[0].score


async def test_a_text_without_the_amount_that_is_asked_for_scores_lower(knowledge: KnowledgeService) -> None:
    question = "How much does the Northwind Box cost?"
    without = await _best(knowledge, question, "The Northwind Box keeps a copy of your files, and the shop says what it costs to send.")
    having = await _best(knowledge, question, "The Northwind Box keeps a copy of your files, and in the shop it costs 199 €.")
    assert having > without + 0.05


async def test_a_text_about_another_name_scores_lower(knowledge: KnowledgeService) -> None:
    other = await _best(knowledge, "Is there a yearly fee for the Silver card?", "There is a yearly fee of 20 € for the Golden card.")
    same = await _best(knowledge, "Is there a yearly fee for the Silver card?", "There is a yearly fee of 20 € for the Silver card.")
    assert 1 - other > 5 * (1 - same)


async def test_what_nobody_wrote_about_scores_low(knowledge: KnowledgeService) -> None:
    await knowledge.ingest([_document(f"filling-{at}.txt", text) for at, text in enumerate(FILLING)], sync_scope=None)
    for question in ("Who won the chess tournament in 1972?", "Which programming language is the app written in?"):
        passages = await knowledge.search(question, limit=3, audience=Audience.public())
        assert all(passage.score < 0.3 for passage in passages)


async def test_a_knowledge_base_of_one_sentence_still_answers(knowledge: KnowledgeService) -> None:
    await knowledge.ingest([_document("one.txt", "Refunds are paid within five working days by the way you paid.")], sync_scope=None)
    passages = await knowledge.search("How long does a refund take?", limit=3, audience=Audience.public())
    assert passages[0].score > 0.42


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How long does a refund take?", Wanted.TIME),
        ("Wie lange dauert die Lieferung?", Wanted.TIME),
        ("How much is the Team plan?", Wanted.MONEY),
        ("Is it a paid service?", Wanted.MONEY),
        ("¿Cuánto cuesta el envío?", Wanted.MONEY),
        ("How many users can I add?", Wanted.COUNT),
        ("What is your phone number?", Wanted.TELEPHONE),
        ("Which e-mail address is for invoices?", Wanted.ADDRESS),
    ],
)
def test_the_kind_of_thing_that_is_asked_for_is_told(question: str, kind: Wanted) -> None:
    assert wanted(fold(question)) == {kind}


@pytest.mark.parametrize(
    ("kind", "having", "lacking"),
    [
        (Wanted.TIME, "It takes five days.", "It takes patience."),
        (Wanted.MONEY, "It costs 9 € a month.", "Prices are on the other page."),
        (Wanted.MONEY, "It is free of charge.", "99.9 % are guaranteed."),
        (Wanted.COUNT, "Up to three devices.", "All devices."),
        (Wanted.TELEPHONE, "Call +49 341 5550 0100.", "The number is in your contract, page 17."),
        (Wanted.ADDRESS, "Write to shop@northwind.example.", "Write to the shop."),
    ],
)
def test_a_text_has_a_thing_of_a_kind_or_has_not(kind: Wanted, having: str, lacking: str) -> None:
    assert holds(fold(having), kind)
    assert not holds(fold(lacking), kind)


def test_names_are_capitals_and_figures_but_not_the_first_word() -> None:
    assert names_in("Does the Silver card work with NW-204 in Peru?") == ("silver", "nw", "204", "peru")
    assert names_in("HOW DO I PAY?") == ()
