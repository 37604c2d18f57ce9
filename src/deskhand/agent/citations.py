"""Citations in the running text: which passages it cites, numbered as the customer sees them.

The model cites by the numbers that the turn's passages have, and may skip some. Customers see 1, 2, 3 in the order of first citation. The
text is rewritten as it passes: only a piece that may be the beginning of a marker is held back, so what was streamed is the answer.

The invariant: the text that leaves holds no marker of a passage that does not exist, and marker `[n]` is the source of rank n.
"""

import re
from collections.abc import Sequence

from deskhand.agent.findings import FoundPassage
from deskhand.guard.untrusted_links import LinkFilter
from deskhand.words import content_stems, sentences

_MARKER = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_BEGUN_MARKER = re.compile(r"\[[\d\s,;]{0,40}$")
_NUMBER = re.compile(r"\d+")
# Share of a sentence's words that a passage must hold to count as its support.
_SUPPORT = 0.6
_FEWEST_WORDS = 3
_MOST_SUPPORTING = 3


class CitationStream:
    """Feed it the model's text piece by piece; it returns what may be shown. What it returns has passed `links`, where there are any."""

    __slots__ = ("_held", "_last", "_links", "_passages", "_ranks")

    def __init__(self, passages: Sequence[FoundPassage], *, links: LinkFilter | None = None) -> None:
        """`passages` is read anew for each marker, so it may grow while the text runs."""
        self._passages = passages
        self._links = links
        self._ranks: dict[int, int] = {}
        self._held = ""
        self._last = ""

    @property
    def cited(self) -> list[FoundPassage]:
        """The passages cited so far, in order of rank."""
        return [self._passages[number - 1] for number in self._ranks]

    def feed(self, text: str) -> str:
        numbered = self._numbered(text)
        return numbered if self._links is None else self._links.feed(numbered)

    def flush(self) -> str:
        """What was held back and turned out to be no marker, and no link."""
        held, self._held = self._held, ""
        return held if self._links is None else self._links.feed(held) + self._links.flush()

    def _numbered(self, text: str) -> str:
        if not self._passages:
            return text
        if not self._held and "[" not in text:
            self._last = text[-1:] or self._last
            return text
        text = self._held + text
        begun = _BEGUN_MARKER.search(text)
        self._held = begun.group() if begun else ""
        return self._rewritten(text[: begun.start()] if begun else text)

    def _rewritten(self, text: str) -> str:
        shown = _MARKER.sub(self._renumbered, text)
        self._last = text[-1:] or self._last
        return shown

    def _renumbered(self, match: re.Match[str]) -> str:
        before = match.string[match.start() - 1] if match.start() else self._last
        if before.isalnum() or before in ("_", ")"):
            # An index in a piece of code, "items[0]", is no citation.
            return match.group()
        numbers = [int(number) for number in _NUMBER.findall(match.group(1))]
        known = [number for number in numbers if 1 <= number <= len(self._passages)]
        if not known:
            # What stands around it must not close up to a marker: "[[99]1]".
            return " " if before == "[" else ""
        return "".join(f"[{self._ranks.setdefault(number, len(self._ranks) + 1)}]" for number in known)


def supporting(text: str, passages: Sequence[FoundPassage]) -> list[FoundPassage]:
    """At most three passages that hold most of the words of some sentence of an answer that cites nothing, best first."""
    if not passages:
        return []
    stated = [stems for stems in (set(content_stems(sentence)) for sentence in sentences(text)) if len(stems) >= _FEWEST_WORDS]
    held: list[tuple[int, int]] = []
    for at, passage in enumerate(passages):
        stems = set(content_stems(f"{passage.title} {passage.section or ''} {passage.text}"))
        count = sum(len(sentence & stems) >= _SUPPORT * len(sentence) for sentence in stated)
        if count:
            held.append((-count, at))
    return [passages[at] for _, at in sorted(held)[:_MOST_SUPPORTING]]
