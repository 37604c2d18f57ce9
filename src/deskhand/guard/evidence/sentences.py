"""Cutting an answer into sentences while it is written.

The invariant: the pieces joined are the text, none is cut inside a figure, a link, a line of a list or table, or behind an abbreviation,
and the cost of a token is that of looking for an end in it.
"""

import re

from deskhand.guard.evidence.calendar import MONTHS
from deskhand.words import fold

# An end of a sentence with what belongs to it (quotes, emphasis, citations) and the space behind; and what comes next.
_END = re.compile(
    r"(?P<end>(?:[.!?…]+[\"'”’)\]*_]*(?:\s?\[\d{1,3}(?:\s?[,;]\s?\d{1,3})*\])*[ \t\u00a0]+)(?=[^\s\[])"
    r"|[。！？]+[”’」』）]*(?=[^。！？”’」』）])"
    r"|[ \t]*\n\s*(?=\S))"
)
_MARK = re.compile(r"[.!?…\n。！？]")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“„])(?:[A-Za-zÀ-ÿ]|e\.g|i\.e|etc|vs|no|nr|nos|approx|incl|excl|ca|max|min|mr|mrs|ms|dr|prof|st|inc|ltd|co|corp|dept|est|fig"
    r"|tel|ext|u\.s|u\.k|z\. ?b|d\. ?h|u\. ?a|bzw|inkl|ggf|evtl|p\.ej|sr|sra|art|núm|num|env|ex|p\.ex|pag|pág|ecc|vol|jan|feb|mar|apr|jun"
    r"|jul|aug|sep|sept|oct|okt|nov|dec|dez|a\.m|p\.m)\.[\"'”’)\]]*\s*$",
    re.IGNORECASE,
)
_NUMBER_ONLY = re.compile(r"^\s*(?:[-*•]\s+)?\(?\d{1,3}[.)]\s*$")
_ORDINAL = re.compile(r"(?:^|\s)\d{1,2}\.\s*$")
_NEXT_WORD = re.compile(r"\w+")
_WHOLE_WORD = re.compile(r"\w+(?=\W)")


class SentenceStream:
    """Feed it text piece by piece; it gives the sentences that are whole."""

    __slots__ = ("_held", "_mark")

    def __init__(self) -> None:
        self._held = ""
        # Where in what is held the first mark stands that may end a sentence; -1 for none.
        self._mark = -1

    def feed(self, text: str) -> list[str]:
        if self._mark < 0 and (mark := _MARK.search(text)) is not None:
            self._mark = len(self._held) + mark.start()
        self._held += text
        return self._cut(is_whole=False) if self._mark >= 0 else []

    def flush(self) -> list[str]:
        """What is left when the text has ended."""
        rest = self._cut(is_whole=True) if self._mark >= 0 else []
        if self._held:
            rest.append(self._held)
            self._held, self._mark = "", -1
        return rest

    def _cut(self, *, is_whole: bool) -> list[str]:
        text, at = self._held, self._mark
        found: list[str] = []
        start = 0
        while (match := _END.search(text, at)) is not None:
            end = at = match.end()
            piece = text[start:end]
            if "\n" in match["end"]:
                found.append(piece)
                start = end
                continue
            goes_on = _goes_on(piece, text, end, is_whole=is_whole)
            if goes_on is None:
                break
            if not goes_on:
                found.append(piece)
                start = end
        if start:
            self._held = text[start:]
            mark = _MARK.search(self._held)
            self._mark = mark.start() if mark is not None else -1
        return found


def _goes_on(piece: str, text: str, end: int, *, is_whole: bool) -> bool | None:
    """Whether the sentence goes on behind what looked like its end; None when that depends on what is still to come."""
    if piece[-1] in "。！？”’」』）":
        return False
    if _NUMBER_ONLY.match(piece) or _ABBREVIATION.search(piece) or piece.lstrip().startswith("|"):
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
