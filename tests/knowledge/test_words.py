"""The stems of words, from many threads at once."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier

import pytest

from deskhand.words import stem

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
