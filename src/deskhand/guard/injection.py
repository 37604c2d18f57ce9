"""Does a text that others wrote give orders to the agent? Known attacks, as patterns and by a small linear model.

The invariant: this flags and never changes or drops a text. What an order could do is refused elsewhere, whether it is noticed or not.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from deskhand.guard.injection_model import score, threshold
from deskhand.guard.injection_patterns import DECISIVE
from deskhand.guard.untrusted import clean

_WINDOW_CHARACTERS: Final = 400
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_SPACES: Final = re.compile(r"[ \t\n]+")
_UNIT: Final = re.compile(r"[^.!?\n\u3002\uff01\uff1f]*(?:[.!?\u3002\uff01\uff1f]+|\n|$)")
HIDDEN: Final = "hidden"
LIKELY: Final = "likely"


@dataclass(frozen=True, slots=True)
class Screening:
    """What was found in a text. `families`: the kinds of known attacks, `hidden` for letters nobody sees, `likely` by the model.

    `score` is the highest of the model, in [0, 1). `where` is the stretch of the text that it stands in, at most 400 characters.
    """

    families: tuple[str, ...]
    score: float
    where: str

    @property
    def is_flagged(self) -> bool:
        return bool(self.families)


@lru_cache(maxsize=4096)
def screen(text: str) -> Screening:
    """About 40 µs for each sentence; texts seen lately cost nothing."""
    cleaned = clean(text)
    families = [HIDDEN] if cleaned.hidden else []
    best, where = 0.0, ""
    for window in windows(cleaned.text):
        found = families_of(window)
        judged = score(window)
        if judged >= threshold():
            found.append(LIKELY)
        families += [family for family in found if family not in families]
        if judged + len(found) > best:
            best, where = judged + len(found), window
    return Screening(tuple(families), best % 1, where if families else "")


def orders_in(text: str) -> tuple[str, ...]:
    """The kinds of orders to the agent that a text seems to hold; none for most. For a text that is read once: nothing is remembered."""
    return screen.__wrapped__(text).families


def families_of(text: str) -> list[str]:
    """The kinds of known attacks that stand in the text, by the patterns alone."""
    return DECISIVE.found_in(_folded(text))


def windows(text: str) -> list[str]:
    """The text in stretches of up to 400 characters, cut where sentences or lines end."""
    found: list[str] = []
    current = ""
    for unit in _units(text):
        if current and len(current) + len(unit) > _WINDOW_CHARACTERS:
            found.append(current)
            current = ""
        current += unit
    return [window for window in [*found, current] if window.strip()]


def _folded(text: str) -> str:
    """In lower case, without accents, on one line of single spaces. What is written in other scripts keeps its letters."""
    if text.isascii():
        return _SPACES.sub(" ", text).lower()
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).replace("\u2019", "'")
    return unicodedata.normalize("NFC", _SPACES.sub(" ", plain)).lower()


def _units(text: str) -> list[str]:
    units: list[str] = []
    for match in _UNIT.finditer(text):
        unit = match.group()
        units += [unit[at : at + _WINDOW_CHARACTERS] for at in range(0, len(unit), _WINDOW_CHARACTERS)]
    return units
