"""The embedded default understands what customers write in a hurry, in our languages, and answers in theirs."""

from typing import Any

import pytest

from deskhand.texts import texts_for
from models.test_quoting import second_step

RETURNS = {
    "n": 1,
    "title": "Retours",
    "section": "Articles exclus",
    "score": 0.6,
    "text": "## Articles exclus\n\nLes casques déballés ne sont pas repris.\n\nL'étiquette est dans le colis.",
}
CHARITIES = {
    "n": 1,
    "title": "Tarife",
    "score": 0.6,
    "text": "Jeder weitere Benutzer kostet 4 € im Monat.\n\nGemeinnützige Vereine erhalten 30 % Nachlass.",
}
WIRELESS = {
    "n": 1,
    "title": "Router",
    "score": 0.6,
    "text": "The name of your Wi-Fi is on the sticker.\n\nThe router has four sockets.",
}
FREEZE = {"n": 1, "title": "Memberships", "section": "Pausing", "score": 0.6, "text": "A membership can be paused for three months."}


@pytest.mark.parametrize(
    ("question", "passage", "said"),
    [
        ("j'ai déballé mon casque", RETURNS, "casques déballés"),
        ("c'est où l'étiquette ?", RETURNS, "L'étiquette"),
        ("où est une étiquette", RETURNS, "L'étiquette"),
        ("gibts rabatt für vereine", CHARITIES, "30 % Nachlass"),
        ("whats the wifi name", WIRELESS, "Wi-Fi"),
        ("can membership be paused pls", FREEZE, "three months"),
    ],
)
async def test_what_is_written_in_a_hurry_is_understood(question: str, passage: dict[str, Any], said: str) -> None:
    text, confidence = await second_step(question, [passage])
    assert said in text
    assert confidence > 0.7


@pytest.mark.parametrize(
    ("question", "earlier", "passage", "language"),
    [
        ("on peut payer en plusieurs fois ?", (), FREEZE, "fr"),
        ("iPhone", ("Wo ist meine Bestellung?",), FREEZE, "de"),
        ("iPhone", (), CHARITIES, "de"),
        ("iPhone", ("I need help with my order",), CHARITIES, "en"),
    ],
)
async def test_who_is_not_answered_is_told_so_in_their_language(
    question: str, earlier: tuple[str, ...], passage: dict[str, Any], language: str
) -> None:
    text, _ = await second_step(question, [{**passage, "score": 0.001}], earlier=earlier)
    assert text == texts_for(language).unknown
