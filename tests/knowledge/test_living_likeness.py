"""Warnings of documents that say the same, or something else of the same thing: those that are right, and those that would be wrong."""

import pytest

from deskhand.knowledge import KnowledgeService, LikenessKind, SourceDocument, Tier, document_id

LONG = """# Sending things back

You can send back whatever you bought in our shop, as long as it is unused and in the box that it came in. Print the label from your
account, put it on the parcel, and bring it to any post office. We pay for the parcel. As soon as it has arrived, we check what is in it,
and your money is on its way to the card or the account that you paid with."""


def document(name: str, text: str, **fields: object) -> SourceDocument:
    return SourceDocument(origin=f"file:///{name}", source=name, filename="a.md", data=text.encode(), title=name, **fields)


async def warnings(knowledge: KnowledgeService, *documents: SourceDocument) -> list[tuple[LikenessKind, str, str]]:
    """From putting all but the last in, and then the last."""
    await knowledge.ingest(documents[:-1], sync_scope=None)
    report = await knowledge.ingest(documents[-1:], sync_scope=None)
    return [(likeness.kind, likeness.one.title, likeness.other.title) for likeness in report.warnings]


async def test_nearly_the_same_text_under_another_name_is_a_near_duplicate(knowledge: KnowledgeService) -> None:
    copy = LONG.replace("whatever you bought", "anything you bought")
    found = await warnings(knowledge, document("Returns", LONG), document("Parking", "Behind the house."), document("Returns (copy)", copy))
    assert found == [(LikenessKind.NEAR_DUPLICATE, "Returns (copy)", "Returns")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("You get your money back within 14 days of delivery.", "You get your money back within 30 days of delivery."),
        ("Express shipping costs $9.90 per parcel.", "The price of express shipping: costs $12.50 per parcel."),
        ("Support by phone is open until 18:00 on weekdays.", "Support by phone is open until 20:00 on weekdays."),
        ("The warranty of a kettle ends on 2026-12-31.", "The warranty of a kettle ends on 2027-12-31."),
        ("Gift cards can be exchanged for cash in every shop.", "Gift cards cannot be exchanged for cash in every shop."),
        ("Sie erhalten Ihr Geld innerhalb von 14 Tagen zurück.", "Sie erhalten Ihr Geld innerhalb von 30 Tagen zurück."),
    ],
)
async def test_two_sentences_of_which_one_must_be_wrong_are_shown_side_by_side(knowledge: KnowledgeService, one: str, other: str) -> None:
    await knowledge.ingest([document("Shop handbook", f"# Orders\n\nWelcome to the shop.\n\n{one}")], sync_scope=None)
    report = await knowledge.ingest([document("Shop handbook 2027", f"# Orders\n\n{other}\n\nGoodbye.")], sync_scope=None)
    assert [(likeness.kind, likeness.one.text, likeness.other.text) for likeness in report.warnings] == [
        (LikenessKind.CONTRADICTION, other, one)
    ]
    found = await knowledge.library.find_likenesses(document_id("file:///Shop handbook"))
    assert [(likeness.one.text, likeness.other.text) for likeness in found] == [(one, other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (document("Gold card: fees", "The annual fee is $95."), document("Silver card: fees", "The annual fee is $25.")),
        (document("Gold account: fees", "The annual fee is $95."), document("Gold plus account: fees", "The annual fee is $125.")),
        (document("Fees", "The Gold Card costs $95 a year."), document("Fees again", "The Silver Card costs $25 a year.")),
        (document("Shop", "You get your money back within 14 days."), document("Shop 2", "You get your money back within 14 days.")),
        (document("Shop", "Parcels of 1,500 g cost $4.00."), document("Shop 2", "Parcels of 1500 g cost $4.")),
        (document("Shop", "Shipping takes 2 days."), document("Shop 2", "Parking costs 3 euros.")),
        (document("Shop", "1. Open the page.\n2. Press the button."), document("Shop 2", "3. Open the page.\n4. Press the button.")),
    ],
)
async def test_other_things_with_other_figures_are_no_contradiction(
    knowledge: KnowledgeService, one: SourceDocument, other: SourceDocument
) -> None:
    assert await warnings(knowledge, one, other) == []


async def test_what_is_disabled_expired_or_of_a_session_is_compared_with_nothing(knowledge: KnowledgeService) -> None:
    text = "You get your money back within {} days of delivery."
    old = document("Shop handbook", text.format(14))
    await knowledge.ingest([old, document("Shop handbook 2", text.format(15), effective_until=1.0)], sync_scope=None)
    await knowledge.ingest([document("Shop handbook 3", text.format(16), session_id="sess_000000000001")], sync_scope=None)
    await knowledge.library.edit(document_id(old.origin), {"disabled": True}, by="ada")
    report = await knowledge.ingest([document("Shop handbook 4", text.format(30), tier=Tier.OPERATORS)], sync_scope=None)
    assert report.warnings == ()
