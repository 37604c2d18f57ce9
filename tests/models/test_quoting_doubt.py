"""What the embedded default does with a question that leaves something open, and with one about a case, an amount or a number to call."""

from typing import Any

import pytest

from deskhand.texts import texts_for
from models.test_quoting import second_step

GOLD = {"n": 1, "title": "Gold Account: fees", "score": 0.8, "text": "The monthly fee is $12."}
BRONZE = {"n": 2, "title": "Bronze Account: fees", "score": 0.75, "text": "The monthly fee is $3."}
SILVER = {"n": 3, "title": "Silver Account: fees", "score": 0.2, "text": "The monthly fee is $9."}
SAME = {"n": 2, "title": "Bronze Account: fees", "score": 0.75, "text": "The monthly fee is $12."}
HOURS = {
    "n": 1,
    "title": "Contact",
    "section": "Reach us",
    "score": 0.8,
    "text": """## Reach us

| Way | Hours | For |
| --- | --- | --- |
| Telephone +49 341 5550 0100 | 9:00–17:00 | Team |
| Emergency number (in your contract) | day and night | Business |
""",
}
SHIPPING = {
    "n": 1,
    "title": "Shipping",
    "section": "Shipping times and costs",
    "score": 0.8,
    "text": """## Shipping times and costs

| To | Standard | Cost | Express | Cost |
| --- | --- | --- | --- | --- |
| Germany | 3 working days | 4.90 € | next day | 12.90 € |
| Norway | 8 working days | 14.90 € | 3 working days | 34.90 € |
""",
}
RESET = {
    "n": 1,
    "title": "Account",
    "section": "Reset your password",
    "score": 0.8,
    "text": """## Reset your password

1. Open the sign-in page and choose **Forgot password?**
2. Enter your e-mail address.
3. Open the e-mail and choose a new password.

If no e-mail arrives within ten minutes, look in the spam folder.
""",
}


async def answered(question: str, *passages: dict[str, Any], earlier: tuple[str, ...] = ()) -> str:
    found: tuple[str, float] = await second_step(question, list(passages), earlier=earlier)
    return found[0]


async def test_it_asks_back_when_several_things_of_one_kind_fit_and_differ() -> None:
    text = await answered("What is the monthly fee of the account?", GOLD, BRONZE, SILVER)
    assert text == f"{texts_for('en').which}\n- Gold Account [1]\n- Bronze Account [2]"


async def test_it_asks_back_in_the_language_of_the_question() -> None:
    passages = [{**GOLD, "text": "Die monatliche Gebühr kostet 12 €."}, {**BRONZE, "text": "Die monatliche Gebühr kostet 3 €."}]
    text = await answered("Wie viel kostet die monatliche Gebühr?", *passages)
    assert text.startswith(texts_for("de").which)


@pytest.mark.parametrize(
    ("question", "earlier"),
    [
        ("What is the monthly fee of the Gold account?", ()),
        ("what is its monthly fee?", ("Tell me about the Gold account",)),
    ],
)
async def test_it_does_not_ask_back_for_what_was_said(question: str, earlier: tuple[str, ...]) -> None:
    assert "The monthly fee is $12. [1]" in await answered(question, GOLD, BRONZE, earlier=earlier)


async def test_it_does_not_ask_back_where_all_say_the_same() -> None:
    assert "The monthly fee is $12. [1]" in await answered("What is the monthly fee of the account?", GOLD, SAME)


async def test_of_a_case_that_is_asked_for_the_condition_is_quoted() -> None:
    text = await answered("and if the e-mail does not come?", RESET, earlier=("How do I reset my password?",))
    assert text.startswith("If no e-mail arrives within ten minutes")


async def test_who_asks_for_a_telephone_number_gets_a_row_that_has_one() -> None:
    text = await answered("What is your phone number?", HOURS)
    assert "+49 341 5550 0100" in text
    assert "Emergency" not in text


async def test_the_column_with_the_amount_comes_along_with_the_column_that_was_named() -> None:
    text = await answered("How much is express to Norway?", SHIPPING)
    assert "34.90 €" in text
    assert "14.90 €" not in text
