"""A passage cut into what can be quoted: sentences, list items, table rows. Nothing is rewritten, so every quotation is in its source."""

import re
from dataclasses import dataclass
from enum import StrEnum

from deskhand.words import fold, sentences

_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"^(\s*)([-*+\u2022]|\d{1,3}[.)])\s+(.*)$")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_ANNOUNCES = re.compile(
    r"\b(?:steps|following|as follows|in this order|listed below|schritte|folgende[nrs]?|wie folgt|etapes|suivante?s?|voici|pasos"
    r"|siguientes?)\b"
)
_LONGEST_SENTENCE = 400
_BREAK = re.compile(r"(?:<br>)+|[;,:]\s|\s{2,}")
_LONGEST_HEADING = 90
_MOST_HEADING_WORDS = 10


class Kind(StrEnum):
    SENTENCE = "sentence"
    STEP = "step"
    ITEM = "item"
    ROW = "row"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that is quoted. Units of one list, table or paragraph share `block`; `heading` is what they stand under.

    `lead` is the unit (by its place among all) that introduces a list, or the head of a table: a list is not quoted without it.
    """

    text: str
    kind: Kind
    block: int
    heading: str
    lead: int | None = None

    @property
    def introduces(self) -> bool:
        """Whether it announces what follows it under the same heading."""
        if self.kind is not Kind.SENTENCE:
            return False
        return self.text.rstrip().endswith((":", "\uff1a")) or _ANNOUNCES.search(fold(self.text)) is not None


def cut(text: str) -> list[Unit]:
    """The units of a passage in order. Headings are no units: they give `heading` to what follows."""
    return _Cutter(text).run()


class _Cutter:
    def __init__(self, text: str) -> None:
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._units: list[Unit] = []
        self._block = 0
        self._heading = ""
        self._paragraph: list[str] = []

    def run(self) -> list[Unit]:
        at = 0
        while at < len(self._lines):
            line = self._lines[at]
            if _FENCE.match(line):
                at = self._code(at)
            elif heading := _HEADING.match(line):
                self._end_paragraph()
                self._heading = heading.group(2)
                at += 1
            elif self._begins_table(at):
                at = self._table(at)
            elif _ITEM.match(line):
                at = self._list(at)
            else:
                if line.strip():
                    self._paragraph.append(line.strip())
                else:
                    self._end_paragraph()
                at += 1
        self._end_paragraph(more=False)
        return self._units

    def _begins_table(self, at: int) -> bool:
        return "|" in self._lines[at] and at + 1 < len(self._lines) and _TABLE_RULE.match(self._lines[at + 1]) is not None

    def _end_paragraph(self, *, more: bool = True) -> None:
        if not self._paragraph:
            return
        if _begins_with_heading(self._paragraph):
            self._heading = self._paragraph.pop(0)
        joined = " ".join(self._paragraph)
        self._paragraph = []
        if more and _is_heading_in_effect(joined):
            self._heading = joined
            return
        self._block += 1
        for sentence in sentences(joined):
            self._units.extend(Unit(piece, Kind.SENTENCE, self._block, self._heading) for piece in _pieces(sentence))

    def _code(self, at: int) -> int:
        self._end_paragraph()
        end = at + 1
        while end < len(self._lines) and not _FENCE.match(self._lines[end]):
            end += 1
        self._block += 1
        self._units.append(Unit("\n".join(self._lines[at : end + 1]), Kind.CODE, self._block, self._heading, self._lead()))
        return end + 1

    def _table(self, at: int) -> int:
        self._end_paragraph()
        self._block += 1
        head = len(self._units)
        self._units.append(Unit("\n".join(self._lines[at : at + 2]), Kind.ROW, self._block, self._heading))
        at += 2
        while at < len(self._lines) and "|" in self._lines[at]:
            self._units.append(Unit(self._lines[at].strip(), Kind.ROW, self._block, self._heading, head))
            at += 1
        return at

    def _list(self, at: int) -> int:
        self._end_paragraph()
        lead = self._lead()
        self._block += 1
        while at < len(self._lines):
            line = self._lines[at]
            item = _ITEM.match(line)
            if item is not None:
                kind = Kind.STEP if item.group(2)[0].isdigit() else Kind.ITEM
                self._units.append(Unit(line.rstrip(), kind, self._block, self._heading, lead))
            elif line.strip() and line[0].isspace():
                last = self._units[-1]
                self._units[-1] = Unit(f"{last.text}\n{line.rstrip()}", last.kind, last.block, last.heading, last.lead)
            elif line.strip() or not self._goes_on(at):
                break
            at += 1
        return at

    def _goes_on(self, at: int) -> bool:
        """Whether a list goes on behind an empty line."""
        following = next((line for line in self._lines[at:] if line.strip()), "")
        item = _ITEM.match(following)
        return (item is not None or following[:2].isspace()) and bool(following)

    def _lead(self) -> int | None:
        """The sentence just before, if it introduces what follows."""
        if not self._units:
            return None
        last = self._units[-1]
        return len(self._units) - 1 if last.introduces and last.heading == self._heading else None


def _is_heading_in_effect(paragraph: str) -> bool:
    """A short line without an end, on its own: what is left of a heading when a page is made into text."""
    return len(paragraph) <= _LONGEST_HEADING and len(paragraph.split()) <= _MOST_HEADING_WORDS and paragraph[-1].isalnum()


def _begins_with_heading(lines: list[str]) -> bool:
    """Whether the first line is a heading: it ends although the first word of the next would have fitted, and that begins a sentence."""
    if len(lines) < 2 or not _is_heading_in_effect(lines[0]) or not lines[1][0].isupper():
        return False
    width = max(map(len, lines))
    return max(len(lines[0]) + 1 + len(lines[1].split(maxsplit=1)[0]), 2 * len(lines[0])) <= width


def _pieces(sentence: str) -> list[str]:
    """A "sentence" without any end, such as the text of a web page, in pieces that can be read."""
    pieces: list[str] = []
    while len(sentence) > _LONGEST_SENTENCE:
        breaks = [match.end() for match in _BREAK.finditer(sentence, _LONGEST_SENTENCE // 3, _LONGEST_SENTENCE)]
        end = breaks[-1] if breaks else _LONGEST_SENTENCE
        pieces.append(sentence[:end].strip())
        sentence = sentence[end:]
    return [piece for piece in (*pieces, sentence.strip()) if piece]
