"""What the forms of a word have in common, found cheaply: a look-up per word of every text of a turn has to cost next to nothing.

The invariant: the root of a word depends on the word alone, in no language and in all.
"""

import re

from deskhand.words import STOP_WORDS, fold

_WORD = re.compile(r"[^\W\d_]+")
# The same words of a folded text, a third faster.
_ASCII_WORD = re.compile(r"[a-z]+")
_ROOT = 5


def root(word: str) -> str:
    """What the forms of a folded word have in common, cheaply and in any language: "refunded", "refunds" → "refun"."""
    return word[:_ROOT] if len(word) > _ROOT else word.removesuffix("s")


def words_of(folded: str) -> list[str]:
    """The words of a folded text, cut at whatever is no letter."""
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def roots(text: str) -> frozenset[str]:
    """The roots of the words that carry meaning."""
    return frozenset(root(word) for word in words_of(fold(text)) if word not in STOP_WORDS and len(word) > 1)
