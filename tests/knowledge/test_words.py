"""Where words begin and end, and their stems, from many threads at once."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier

import pytest

from deskhand.words import stem, words

_THREADS = 8
_WORDS = [
    first + last
    for first, last in product(["verlang", "wiederherst", "kund", "abrechn", "kredit"], ["ern", "ungen", "igkeiten", "lich", "est", "ende"])
]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pt", "nl", "ru"])
def test_threads_that_stem_at_once_do_not_spoil_each_others_words(language: str) -> None:
    plain = stem.__wrapped__
    alone = [plain(word, language) for word in _WORDS]
    together = Barrier(_THREADS)

    def stem_all(_: int) -> bool:
        together.wait()
        return all([plain(word, language) for word in _WORDS] == alone for _ in range(40))

    with ThreadPoolExecutor(_THREADS) as threads:
        assert all(threads.map(stem_all, range(_THREADS)))


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("J’ai changé l'adresse d'un ami", ["j'", "ai", "change", "l'", "adresse", "d'", "un", "ami"]),
        ("Qu'est-ce que c'est ?", ["qu'", "est", "ce", "que", "c'", "est"]),
        ("dov'è l'ufficio dell'agenzia", ["dov'e", "l'", "ufficio", "dell'", "agenzia"]),
        ("aujourd'hui", ["aujourd'hui"]),
        ("I don't think it's 9 o'clock", ["i", "don't", "think", "it's", "9", "o'clock"]),
    ],
)
def test_an_elided_article_is_a_word_of_its_own(text: str, parted: list[str]) -> None:
    assert words(text) == parted
