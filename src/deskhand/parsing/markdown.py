"""Markdown and plain text. Owns what a heading is: `headings` is used for the title here and for the section of a chunk."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_PAIR = re.compile(r"^(title|url|permalink):[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*\Z")
_LONGEST_FIRST_LINE = 90
_MOST_WORDS = 10
_DECORATION = re.compile(r"\[([^\]]*)\]\([^)]*\)|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")


@dataclass(frozen=True, slots=True)
class Heading:
    """`start` and `end` are places in the text: where its line begins and where what it heads begins. `level` is 1 to 6."""

    start: int
    end: int
    level: int
    text: str


def headings(text: str) -> Iterator[Heading]:
    """The headings of a Markdown text in order, `#` and underlined ones; what stands in a code block is none."""
    place = 0
    fence = ""
    previous, previous_place = "", 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        opening = _FENCE.match(bare)
        if fence:
            if opening and opening.group(1).startswith(fence):
                fence = ""
        elif opening:
            fence = opening.group(1)
        elif match := _ATX.match(bare):
            yield Heading(place, place + len(line), len(match.group(1)), plain(match.group(2)))
        elif (match := _UNDERLINE.match(bare)) and _may_be_underlined(previous):
            level = 1 if match.group(1).startswith("=") else 2
            yield Heading(previous_place, place + len(line), level, plain(previous))
        previous, previous_place = bare, place
        place += len(line)


def plain(inline: str) -> str:
    """A line of Markdown without emphasis, code marks and link targets."""
    return _DECORATION.sub(lambda match: match.group(1) or "", inline).strip()


def split_front_matter(text: str) -> tuple[str, dict[str, str]]:
    """The text without its front matter, and the `title` and `url` given there."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text, {}
    given = {name.lower(): value.strip("\"'") for name, value in _PAIR.findall(match.group(1))}
    if "permalink" in given:
        given.setdefault("url", given.pop("permalink"))
    return text[match.end() :], given


def find_title(text: str) -> str | None:
    """The first heading of the highest level, if it is a level 1 or 2."""
    best: Heading | None = None
    for heading in headings(text):
        if heading.text and heading.level <= 2 and (best is None or heading.level < best.level):
            best = heading
    return best.text if best else None


def find_first_line(text: str) -> str | None:
    """What a plain text begins with, if that is short, ends like a heading, and stands apart from what follows it."""
    line, _, rest = text.lstrip().partition("\n")
    line = line.strip()
    apart = bool(rest.strip()) and not rest.split("\n", maxsplit=1)[0].strip()
    return line if apart and len(line) <= _LONGEST_FIRST_LINE and len(line.split()) <= _MOST_WORDS and line[-1:].isalnum() else None


def _may_be_underlined(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("    ", "\t", "#", ">", "-", "*", "+", "|", "="))
