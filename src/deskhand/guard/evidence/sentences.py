"""Cutting an answer into sentences while it is written.

The invariant: the pieces joined are the text, none is cut inside a figure, a link, a line of a list or table, or behind an abbreviation,
and the cost of a token is that of looking for an end in it.
"""

import re

from deskhand.guard.evidence.calendar import MONTHS
from deskhand.guard.lazy import Expression
from deskhand.words import fold

# An end of a sentence with what belongs to it (quotes, emphasis, citations) and the space behind; and what comes next.
_END = Expression(
    r"(?P<end>(?:[.!?…]+[\"'”’)\]*_]*(?:\s?\[\d{1,3}(?:\s?[,;]\s?\d{1,3})*\])*[ \t\u00a0]+)(?=[^\s\[])"
    r"|[。！？]+[”’」』）]*(?=[^。！？”’」』）])"
    r"|[ \t]*\n\s*(?=\S))"
)
_MARK = re.compile(r"[.!?…\n。！？]")
# What stands before a point; single letters are abbreviations as well, so "z. B." needs no entry.
_ABBREVIATED = """
    e.g i.e etc vs no nr nos approx incl excl ca max min mr mrs ms dr prof st inc ltd co corp dept est fig tel ext u.s u.k z.b d.h u.a bzw
    inkl ggf evtl p.ej sr sra art núm num env ex p.ex pag pág ecc vol jan feb mar apr jun jul aug sep sept oct okt nov dec dez a.m p.m
"""
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_BEHIND_ABBREVIATION = " \t\r\n\u00a0\"'”’)]"
_OPENING = re.compile(r"[(\[\"'“„]")
_NUMBER_ONLY = re.compile(r"^\s*(?:[-*•]\s+)?\(?\d{1,3}[.)]\s*$")
_ORDINAL = re.compile(r"(?:^|\s)\d{1,2}\.\s*$")
_NEXT_WORD = re.compile(r"\w+")
_WHOLE_WORD = re.compile(r"\w+(?=\W)")
# What an end of a sentence may be made of: as long as nothing else follows a mark, it may yet become one.
_MAY_BECOME_END = Expression(r"[.!?…。！？\s\"'”’」』）)\]\[*_\d,;]*\Z")


class SentenceStream:
    """Feed it text piece by piece; it gives the sentences that are whole."""

    __slots__ = ("_held", "_mark")

    def __init__(self) -> None:
        self._held = ""
        # Where in what is held the first mark stands that may end a sentence; -1 for none.
        self._mark = -1

    def feed(self, text: str) -> list[str]:
        if self._mark < 0:
            mark = _MARK.search(text)
            if mark is None:
                self._held += text
                return []
            self._mark = len(self._held) + mark.start()
        self._held += text
        return self._cut(is_whole=False)

    def flush(self) -> list[str]:
        """What is left when the text has ended."""
        rest = self._cut(is_whole=True) if self._mark >= 0 else []
        if self._held:
            rest.append(self._held)
            self._held, self._mark = "", -1
        return rest

    def _cut(self, *, is_whole: bool) -> list[str]:
        text = self._held
        found: list[str] = []
        start, mark = 0, self._mark
        while mark >= 0:
            end = _END.regex.match(text, mark)
            if end is None:
                if not is_whole and _MAY_BECOME_END.regex.match(text, mark):
                    break
                mark = _next_mark(text, mark + 1)
                continue
            goes_on = "\n" not in end[0] and _goes_on(text[start : end.end()], text, end.end(), is_whole=is_whole)
            if goes_on is None:
                break
            if not goes_on:
                found.append(text[start : end.end()])
                start = end.end()
            mark = _next_mark(text, end.end())
        if start:
            self._held = text[start:]
        self._mark = mark - start if mark >= 0 else -1
        return found


def _next_mark(text: str, at: int) -> int:
    mark = _MARK.search(text, at)
    return mark.start() if mark is not None else -1


def _goes_on(piece: str, text: str, end: int, *, is_whole: bool) -> bool | None:
    """Whether the sentence goes on behind what looked like its end; None when that depends on what is still to come."""
    if piece[-1] in "。！？”’」』）":
        return False
    if _is_abbreviation(piece) or _NUMBER_ONLY.match(piece) or piece.lstrip().startswith("|"):
        return True
    following = text[end : end + 1]
    if following.islower():
        return True
    if _ORDINAL.search(piece) and following.isalpha():
        if (word := _WHOLE_WORD.match(text, end)) is None and not is_whole:
            return None
        word = word or _NEXT_WORD.match(text, end)
        return word is not None and fold(word[0]) in MONTHS
    return False


def _is_abbreviation(piece: str) -> bool:
    bare = piece.rstrip(_BEHIND_ABBREVIATION)
    if bare[-1:] != "." or bare[-2:-1].isspace() or len(bare) == 1:
        return False
    word = _OPENING.split(bare[:-1].rsplit(maxsplit=1)[-1])[-1]
    return (len(word) == 1 and word.isalpha() and word <= "ÿ") or word.lower() in _ABBREVIATIONS
