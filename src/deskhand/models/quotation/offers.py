"""What is offered where no quotation is sure enough: the names of what was found nearest, to choose from by a number. Pure.

The invariant: what is offered states nothing. It cites nothing, and the question counts as one that was not answered.
"""

import re
from collections.abc import Sequence

from deskhand.texts import LANGUAGES, Texts, texts_for

MOST_OFFERED = 3
# Below this even what was found nearest has nothing to do with the question.
OFFER_FLOOR = 0.1
_OFFERED = re.compile(r"^(\d)\. (.+)$", re.MULTILINE)
_CHOSEN = re.compile(r"\W*(\d)\W*")


def offer(names: Sequence[str], texts: Texts) -> str:
    """The names, numbered, and what the customer may do."""
    listed = "\n".join(f"{number}. {name}" for number, name in enumerate(names, start=1))
    return f"{texts.nearest}\n\n{listed}\n\n{texts.nearest_more}"


def chosen(message: str, *, before: str) -> str:
    """The name that a message chooses by its number alone from the answer just before it; else the message as it is."""
    number = _CHOSEN.fullmatch(message)
    if number is None or not any(texts_for(language).nearest in before for language in LANGUAGES):
        return message
    offered: dict[str, str] = dict(_OFFERED.findall(before))
    return offered.get(number.group(1), message)
