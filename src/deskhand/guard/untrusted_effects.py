"""Whether the customer's own words call for what a tool would do. Pure.

The invariant: only what the customer wrote counts here. No passage, attachment, tool result or model output can authorise an effect.
"""

import re
from collections.abc import Sequence
from typing import Final

from deskhand.words import STOP_WORDS, fold, stem, words

# Words that a model adds when it writes down what a customer said of themselves.
_FRAME: Final = frozenset(
    words(
        """
        customer user client person he she they his her their him name named called likes like prefers prefer wants want
        wishes wish has have had is are was lives live living works work uses use using owns own said says told tells
        mentioned stated asked asks requested requests needs need would always usually currently about fact remember
        noted note contact reached reach
        """
    )
)
_NUMBER: Final = re.compile(r"\d+")
_FORGET: Final = re.compile(
    r"\b(?:forget|delete|erase|remove|wipe|clear|unlearn|vergiss|vergessen|losch\w*|loesch\w*|entfern\w*|oubli\w*|supprim\w*|effac\w*|"
    r"olvid\w*|borr\w*|elimin\w*|dimentic\w*|cancell\w*|esquec\w*|apag\w*|vergeet\w*|verwijder\w*|wis|unut\w*|sil|zapomn\w*|usun\w*)\b"
    r"|забуд|удали|сотри|忘|删除|刪除|清除|忘れ|消し|削除|잊|삭제|انس|احذف|भूल|हटा"
)
_YES: Final = re.compile(
    r"^\W*(?:yes|yep|yeah|sure|ok|okay|please|please do|do it|go ahead|that would be|right|exactly|correct|ja|gerne|bitte|oui|d'accord|si|"
    r"claro|sim|da|evet|tak|jo|vale|certo|да|是|好|はい|네|نعم|हाँ)\b",
    re.IGNORECASE,
)
_LONGEST_YES: Final = 60
_ENOUGH: Final = 0.75


def stems_from(fact: str, said: Sequence[str]) -> bool:
    """Whether a fact is made of what the customer said: all its figures, and three quarters of its other words."""
    heard = " ".join(said)
    if not set(_NUMBER.findall(fact)) <= set(_NUMBER.findall(heard)):
        return False
    own = {stem(word) for word in words(heard)}
    named = (word.removesuffix("'s") for word in words(fact))
    told = {stem(word) for word in named if word not in STOP_WORDS and word not in _FRAME and not word.isdigit()}
    if not told:
        return bool(own)
    return len(told & own) >= _ENOUGH * len(told)


def asks_to_forget(said: Sequence[str], earlier: Sequence[str]) -> bool:
    """Whether the customer asks now that something be forgotten, or says yes to what they asked for just before."""
    if any(_FORGET.search(fold(text)) or _FORGET.search(text.lower()) for text in said):
        return True
    return says_yes(said) and bool(earlier) and bool(_FORGET.search(fold(earlier[-1])))


def says_yes(said: Sequence[str]) -> bool:
    """Whether all that the customer says now is a short yes."""
    text = " ".join(said).strip()
    return len(text) <= _LONGEST_YES and bool(_YES.match(text) or _YES.match(fold(text)))


def may_hand_over(*, wanted: bool, agreed: bool, has_read: bool) -> bool:
    """Whether a person may be called without asking the customer first.

    `wanted`: the customer's words ask for a person, or are angry, of danger or of a sensitive matter. `agreed`: they are a short yes.
    `has_read`: texts of others were read in this turn before; one of them may have caused the wish.
    """
    return wanted or agreed or not has_read
