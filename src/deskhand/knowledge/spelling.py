"""Slips of the pen in a question, put right by the words of the documents. Pure: no dictionary, the index's terms are the vocabulary.

Invariant: a word that the documents or the embedding model know is never touched, so "bread" does not become "break".
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes, stem_terms, word_terms

_WORD = re.compile(r"[^\W\d_]{4,20}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_MOST_WORDS = 4

# From terms, ascending, to the number of chunks that have each.
Frequencies = Callable[[Hashes], NDArray[np.int64]]


def corrected(text: str, *, is_familiar: Callable[[str], bool], frequencies: Frequencies) -> str:
    """`text` with each unknown word replaced by the commonest word of the documents that is one slip away, if there is one.

    A slip is a letter too many, too few or wrong, or two that changed places: four in five of all (Damerau, CACM 7, 1964).
    """
    left = _MOST_WORDS

    def right(match: re.Match[str]) -> str:
        nonlocal left
        word = match.group().lower()
        if left == 0 or is_familiar(word) or frequencies(stem_terms(word)).all():
            return match.group()
        left -= 1
        return _nearest(word, frequencies) or match.group()

    return _WORD.sub(right, text)


def _nearest(word: str, frequencies: Frequencies) -> str | None:
    candidates = sorted(set(_slips(word)))
    counts = frequencies(word_terms(candidates)).tolist()
    # The longer of two that are as common: a stem is wherever its word is.
    count, _, best = max((count, len(candidate), candidate) for count, candidate in zip(counts, candidates, strict=True))
    return best if count else None


def _slips(word: str) -> Iterator[str]:
    """Every word one slip away. The first letter stays: it is seldom wrong, and half of the false friends differ in it."""
    for at in range(1, len(word) + 1):
        before, after = word[:at], word[at:]
        for letter in _ALPHABET:
            yield before + letter + after
            if after:
                yield before + letter + after[1:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
