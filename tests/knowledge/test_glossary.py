"""A customer's words become the documents' words where they mean the same."""

import pytest

from deskhand.glossary import meanings, reworded

USED = frozenset(
    [
        "reset",
        "password",
        "invoice",
        "invoices",
        "parcel",
        "telephone",
        "pay",
        "subscription",
        "cancel",
        "stored",
        "how",
        "do",
        "i",
        "my",
        "a",
        "the",
    ]
)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("Wie setze ich mein Passwort zurück?", "reset password zuruck?"),
        ("Comment réinitialiser mon mot de passe ?", "reset password ?"),
        ("¿Cómo cancelo mi suscripción?", "¿ cancel subscription?"),
        ("my package never came", "my parcel never came"),
        ("how do I pay my bill", "how do i pay my invoice"),
    ],
)
def test_what_the_documents_do_not_say_is_said_in_their_words(asked: str, meant: str) -> None:
    assert reworded(asked, is_used=USED.__contains__, is_english=lambda _: False) == meant


@pytest.mark.parametrize("asked", ["How do I reset my Password?", "Do you sell bananas?", "", "我如何重置密码？"])
def test_what_they_say_themselves_or_nobody_knows_stays_as_it_is(asked: str) -> None:
    assert reworded(asked, is_used=lambda word: word in USED, is_english=lambda _: True) == asked


def test_a_word_of_the_documents_language_is_theirs() -> None:
    german = frozenset(["wo", "finde", "ich", "meine", "rechnungen"])
    assert (
        reworded("Wo finde ich meine Rechnungen?", is_used=german.__contains__, is_english=lambda _: False)
        == "Wo finde ich meine Rechnungen?"
    )


def test_an_english_word_is_not_taken_for_a_foreign_one() -> None:
    assert reworded("which stocks", is_used=USED.__contains__, is_english={"which", "stocks"}.__contains__) == "which stocks"
    assert meanings("Rechnungen", "de")[0] == "invoice"
    assert meanings("Rechnungen", "xx") == ()


def test_documents_in_german_are_met_in_german() -> None:
    used = frozenset(["nachlass", "gibt", "fur", "vereine"])
    assert reworded("Gibt es Rabatt für Vereine", is_used=used.__contains__, is_english=lambda _: False) == "gibt es nachlass fur vereine"
