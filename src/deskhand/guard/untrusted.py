"""Texts that others wrote, made fit to be shown to a model as data: nothing in them is invisible, and nothing ends the frame they stand in.

The invariant: what a person sees of a cleaned text is all there is of it. Characters that show nothing, turn the direction of writing or
spell hidden letters are taken out; letters that were hidden are shown, marked as such.
"""

import re
from dataclasses import dataclass
from typing import Final

# Unicode's tag characters repeat ASCII without being seen; models read them.
_TAGS: Final = re.compile("[\U000e0001-\U000e007f]+")
_FLAG: Final = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0100-\U000e01ef]"
)
# Joiners belong into Persian, Indic scripts and emoji, and have no business between Latin letters.
_STRAY_JOINERS: Final = re.compile("(?<![\u0600-\u0fff\u2190-\u2bff\ufe0e\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]+")
_UNSAFE_IN_NAME: Final = re.compile(r"[\[\]<>`\x00-\x1f\x7f\u2028\u2029]")
_LONGEST_NAME: Final = 200
_LINE_ENDS: Final = re.compile("\r\n?|[\u2028\u2029\x85]")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`hidden` is what was spelled in tag characters; `removed` counts characters that were taken out."""

    text: str
    hidden: str = ""
    removed: int = 0


def clean(text: str) -> Cleaned:
    """The text as it is seen. Hidden letters stand where they were, in brackets that say so."""
    if text.isascii() and text.isprintable():
        return Cleaned(text)
    text = _LINE_ENDS.sub("\n", _FLAG.sub("\U0001f3f4", text))
    hidden: list[str] = []

    def show(match: re.Match[str]) -> str:
        spelled = "".join(chr(ord(letter) - 0xE0000) for letter in match.group())
        readable = "".join(letter for letter in spelled if letter.isprintable())
        hidden.append(readable)
        return f"[hidden text: {readable}]" if readable.strip() else ""

    shown = _TAGS.sub(show, text)
    seen, taken = _INVISIBLE.subn("", shown)
    seen, strays = _STRAY_JOINERS.subn("", seen)
    return Cleaned(seen, " ".join(hidden).strip(), taken + strays)


def clean_name(name: str) -> str:
    """A name that came from outside (of a file, a visitor, a document), on one line, that cannot end or begin a marker. 200 characters."""
    return _UNSAFE_IN_NAME.sub("_", clean(name).text)[:_LONGEST_NAME]
