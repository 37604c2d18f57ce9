"""Slips of the pen in a question, put right by the words of the documents. Pure: no dictionary, the index's terms are the vocabulary.

Invariant: a word that the documents or the embedding model know is never touched, so "bread" does not become "break".
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes, stem_terms, word_terms
from deskhand.words import STOP_WORDS

_WORD = re.compile(r"[^\W\d_]{4,20}")
_COMPOUND = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
_SHORTEST_COMPOUND = 4
_LONGEST_COMPOUND = 20
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


def hyphened(text: str, *, frequencies: Frequencies) -> str:
    """`text` with its compounds as the documents have them: "wifi" is "wi-fi" where both halves stand in the same number of chunks, as they
    do when they stand nowhere else, and the word itself in none; "wi-fi" is "wifi" where the halves stand in none."""

    def written(match: re.Match[str]) -> str:
        word = match.group().lower()
        if not _SHORTEST_COMPOUND <= len(word) <= _LONGEST_COMPOUND or frequencies(stem_terms(word)).all():
            return match.group()
        solid = word.replace("-", "")
        if solid != word:
            return solid if frequencies(stem_terms(solid)).all() else match.group()
        halves = [(word[:at], word[at:]) for at in range(2, len(word) - 1) if not STOP_WORDS.intersection((word[:at], word[at:]))]
        counts = frequencies(word_terms([half for pair in halves for half in pair])).tolist() if halves else []
        pairs = (pair for pair, one, other in zip(halves, counts[::2], counts[1::2], strict=True) if one == other > 0)
        return "-".join(next(pairs, (match.group(),)))

    return _COMPOUND.sub(written, text)


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
