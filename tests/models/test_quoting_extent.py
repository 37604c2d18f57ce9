"""How much the embedded default quotes, and of which passage."""

from typing import Any

import pytest

from models.test_quoting import second_step

LOCKED = {
    "n": 1,
    "title": "Account",
    "section": "My account is locked",
    "score": 0.9,
    "text": "## My account is locked\n\nAfter 10 wrong passwords an account is locked.\nResetting the password unlocks it at once.",
}
PLANS = {
    "n": 1,
    "title": "Plans",
    "section": "Compare the plans",
    "score": 0.8,
    "text": """## Compare the plans

| | Free | Starter | Team | Business |
| --- | --- | --- | --- | --- |
| Price per user and month | 0 € | 6 € | 12 € | 20 € |
| Storage per user | 5 GB | 100 GB | 1 TB | 3 TB |
| Audit log | no | no | 30 days | 1 year |
""",
}
DISCOUNTS = {
    "n": 2,
    "title": "Plans",
    "section": "Discounts",
    "score": 0.8,
    "text": "Charities get 50 % off the Team and the Business plan.",
}
PAY = {
    "n": 1,
    "title": "Billing",
    "section": "Ways to pay",
    "score": 0.7,
    "text": """## Ways to pay

| Way to pay | Takes effect |
| --- | --- |
| Credit card | at once |
| PayPal | at once |
| Bank transfer | when the money arrives |
""",
}


async def quoted(question: str, *passages: dict[str, Any], earlier: tuple[str, ...] = ()) -> str:
    answered: tuple[str, float] = await second_step(question, list(passages), earlier=earlier)
    return answered[0]


async def test_a_section_is_quoted_from_its_beginning() -> None:
    text = await quoted("My account is locked", LOCKED)
    assert text.startswith("After 10 wrong passwords")
    assert "Resetting the password unlocks it at once. [1]" in text


async def test_a_weaker_passage_adds_nothing_to_a_strong_one() -> None:
    aside = {"n": 2, "title": "Password", "section": "Change", "score": 0.3, "text": "The account password can be changed."}
    assert "[2]" not in await quoted("My account is locked", LOCKED, aside)


async def test_a_passage_that_says_the_same_again_is_not_quoted() -> None:
    again = {**LOCKED, "n": 2, "title": "FAQ"}
    assert "[2]" not in await quoted("My account is locked", LOCKED, again)


async def test_a_passage_that_says_the_other_half_of_what_was_asked_is_quoted_too() -> None:
    card = {"n": 1, "title": "Cards", "score": 0.9, "text": "A lost card is blocked within the hour."}
    phone = {"n": 2, "title": "Phones", "score": 0.9, "text": "A lost phone is signed out at once."}
    text = await quoted("I lost my card and my phone", card, phone)
    assert "[1]" in text
    assert "[2]" in text


async def test_the_passage_under_the_heading_that_was_asked_for_comes_before_one_that_names_it_in_passing() -> None:
    checking = {
        "n": 1,
        "title": "Opening Checking Accounts",
        "section": "Eligibility requirements",
        "score": 0.95,
        "text": "## Eligibility requirements\n\nTo open a checking account:\n\n1. Be verified.\n2. Be 18.",
    }
    savings = {
        "n": 2,
        "title": "Opening Savings Accounts",
        "section": "Scope",
        "score": 0.9,
        "text": "Eligibility requirements to open savings accounts: an active checking account is held.",
    }
    assert (await quoted("eligibility requirements to open a checking account", checking, savings)).startswith(
        "To open a checking account:"
    )


@pytest.mark.parametrize(
    ("question", "rows", "absent"),
    [
        ("How much is the Business plan?", ["| Price per user and month | 20 € |"], ["12 €", "Storage", "50 %"]),
        ("How much storage does the Team plan have?", ["| Storage per user | 1 TB |"], ["3 TB", "€"]),
        ("What is the price of each plan?", ["| Price per user and month | 0 € | 6 € | 12 € | 20 € |"], ["TB"]),
    ],
)
async def test_of_a_table_the_row_and_the_column_asked_for_are_quoted(question: str, rows: list[str], absent: list[str]) -> None:
    text = await quoted(question, PLANS, DISCOUNTS)
    assert all(row in text for row in rows)
    assert not any(word in text for word in absent)


async def test_a_follow_up_asks_for_the_same_of_another_column() -> None:
    text = await quoted("and for Team?", PLANS, DISCOUNTS, earlier=("How much is the Business plan?",))
    assert "| Price per user and month | 12 € |" in text


async def test_a_table_of_which_no_row_was_named_is_quoted_whole() -> None:
    text = await quoted("Which ways to pay are there?", PAY)
    assert all(way in text for way in ("Credit card", "PayPal", "Bank transfer"))


async def test_a_slip_of_the_pen_finds_its_sentence() -> None:
    passage = {"n": 1, "title": "Help", "score": 0.8, "text": "The app is free.\n\nA subscription renews itself.\n\nThe box is blue."}
    assert await quoted("does the subscribtion renew", passage) == "A subscription renews itself. [1]"


async def test_a_word_of_the_customer_finds_the_word_of_the_documents() -> None:
    passage = {"n": 1, "title": "Help", "score": 0.8, "text": "The app is free.\n\nEach invoice is sent by e-mail.\n\nThe box is blue."}
    assert await quoted("how do I get my bill", passage) == "Each invoice is sent by e-mail. [1]"


async def test_a_table_is_quoted_with_the_sentence_that_introduces_it() -> None:
    text = """## When do I get my money back?

Boxes are looked at first. We pay within 14 days, by the way you paid:

| Paid by | On your account after |
| --- | --- |
| Credit card | 3 days |
| PayPal | 1 day |
"""
    refunds = {"n": 1, "title": "Refunds", "section": "When do I get my money back?", "score": 0.9, "text": text}
    assert "We pay within 14 days, by the way you paid:\n\n| Paid by" in await quoted("When do I get my money back?", refunds)


async def test_a_short_section_is_quoted_to_its_end() -> None:
    text = """## Change the billing details

1. Open **Settings › Billing › Details**.
2. Change the company name, and choose **Save**.

An invoice that was already issued can be corrected: write to us.
"""
    details = {"n": 1, "title": "Billing", "section": "Change the billing details", "score": 0.9, "text": text}
    assert "can be corrected" in await quoted("It has the wrong company name on it", details)


async def test_who_asks_for_hours_is_told_hours() -> None:
    chat = {
        "n": 1,
        "title": "Support hours",
        "section": "",
        "score": 0.9,
        "text": "The chat answers in all support hours.",
    }
    table = {
        "n": 2,
        "title": "Support hours",
        "section": "Reach us",
        "score": 0.85,
        "text": "## Reach us\n\n| Way | Open |\n| --- | --- |\n| Chat | 8:00–20:00 |\n| Telephone | 9:00–17:00 |\n",
    }
    text = await quoted("What are your support hours?", chat, table)
    assert text.index("8:00–20:00") < text.index("[2]")
    assert "[1]" not in text


async def test_a_paragraph_that_announces_steps_is_quoted_with_them() -> None:
    slow = {
        "n": 1,
        "title": "The internet is slow or keeps dropping",
        "score": 0.9,
        "text": """# The internet is slow or keeps dropping

Most problems with the speed come from the wireless network, not from the line. Work through these steps in order.

1. Plug a computer into the router with a cable, and measure how fast it is.
2. Switch the router off for 30 seconds.

| Light | Meaning |
| --- | --- |
| red | no signal |
""",
    }
    text = await quoted("my wireless is super slow", slow)
    assert "1. Plug a computer into the router" in text


async def test_the_line_above_a_paragraph_of_a_plain_text_is_its_heading() -> None:
    letter = {
        "n": 1,
        "title": "Contract",
        "score": 0.9,
        "text": "How\nWrite to leaving@example.com or use the form of your account.\n\nReturning the router\nSend it back within 21 days.",
    }
    assert (await quoted("Where do I write to?", letter)).startswith("Write to leaving@example.com")


async def test_who_asks_how_is_not_told_how_long() -> None:
    long = {
        "n": 1,
        "title": "Returns",
        "section": "How long do I have to return an item?",
        "score": 0.8,
        "text": "## How long do I have to return an item?\n\nYou have 30 days.",
    }
    way = {"n": 2, "title": "Returns", "section": "Returning", "score": 0.8, "text": "## Returning\n\n1. Print the label.\n2. Post it."}
    assert (await quoted("How do I return an item?", long, way)).startswith("1. Print the label.")


async def test_no_second_price_is_quoted_where_the_first_one_answers() -> None:
    delivery = {"n": 1, "title": "Delivery", "score": 0.8, "text": "| Delivery of | Charge |\n| --- | --- |\n| a bicycle | 49 € |\n"}
    battery = {"n": 2, "title": "Electric bicycle", "score": 0.8, "text": "The cost of a new battery of a bicycle is 449 €."}
    assert "battery" not in await quoted("cost of delivery of a bicycle", delivery, battery)
