"""Whether an answer recites the agent's own rules, word for word.

The invariant: a dozen words in a row are no chance, and fewer are no recital. What a source or the customer says is anybody's to repeat.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from deskhand.guard.evidence.roots import words_of
from deskhand.guard.evidence.sources import TextIndex
from deskhand.words import fold

_IN_A_ROW = 12
BEFORE = _IN_A_ROW - 1


@dataclass(frozen=True, slots=True)
class Rules:
    """A text that is not for customers: its words, and all that follow one another in it."""

    words: frozenset[str] = frozenset()
    rows: frozenset[tuple[str, ...]] = frozenset()

    @classmethod
    def of(cls, text: str) -> "Rules":
        words = words_of(fold(text))
        return cls(frozenset(words), frozenset(_rows(words)))


def recited(rules: Rules, before: Sequence[str], words: Sequence[str], *, known: Iterable[TextIndex]) -> str:
    """The words of the rules that a sentence of the folded `words` goes on with or holds; "" for none, or where a known text has them.

    `before` are the last words of the answer so far, at most `BEFORE`: rules are recited sentence by sentence.
    """
    # Most sentences soon have a word that the rules have not, so there is nothing to compare.
    run = 0
    for word in (*before, *words):
        run = run + 1 if word in rules.words else 0
        if run == _IN_A_ROW:
            break
    else:
        return ""
    row = next((row for row in _rows((*before, *words)) if row in rules.rows), None)
    if row is None:
        return ""
    said = " ".join(row)
    return "" if any(f" {said} " in f" {' '.join(words_of(text.folded))} " for text in known) else said


def _rows(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(words[at : at + _IN_A_ROW]) for at in range(len(words) - _IN_A_ROW + 1))
