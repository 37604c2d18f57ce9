"""What kind of thing a question asks for, and whether a text has such a thing: a time, an amount, a number, a telephone number. Pure.

Owns what is true of a language alone. The invariant: a question that names no kind asks for none, and then nothing is missing in any text.
"""

import re
from enum import StrEnum

from deskhand.words import STOP_WORDS, fold, words


class Wanted(StrEnum):
    """A kind of thing that one line can answer with."""

    TIME = "time"
    MONEY = "money"
    COUNT = "count"
    TELEPHONE = "telephone"
    ADDRESS = "address"
    HOURS = "hours"


_ASKS = {
    Wanted.TIME: re.compile(
        r"\b(?:how (?:long|soon|fast|quickly|often)|when|what time|wie lange|wann|wie oft|combien de temps|c'est long|ca prend|quand"
        r"|cuanto tiempo|cuanto tarda|cuando|quanto tempo|quando)\b"
    ),
    Wanted.MONEY: re.compile(
        r"\b(?:how much (?:is|are|does|do|will|would|for|to)\b|costs?|prices?|pricing|fees?|how expensive|paid service"
        r"|for free|free of charge|is (?:it|this|that|there) (?:\w+ ){0,3}free|kostenlos|gratuito?"
        r"|kostet|kosten|preise?|coute|c'est combien|prix|tarifs?|cuesta|cuanto vale|precios?|quanto costa|prezzo|preco)\b"
    ),
    Wanted.COUNT: re.compile(r"\b(?:how many|how much|wie viele?|wieviele?|combien de|cuantos|cuantas|quanti|quante|quantos|quantas)\b"),
    Wanted.TELEPHONE: re.compile(
        r"\b(?:(?:tele)?phone number|number to call|(?:call|ring|phone) (?:you|us)\b|telefonnummer|numero de telefono|numero de telephone"
        r"|numero di telefono)"
    ),
    Wanted.ADDRESS: re.compile(
        r"\b(?:e-?mail address (?:for|of|to|should|do)|which (?:e-?mail )?address"
        r"|who (?:do|can|should) i (?:e-?mail|write))\b"
    ),
    # Those that somebody is there, or by which something is done: no length of time answers.
    Wanted.HOURS: re.compile(
        r"\b(?:(?:opening|business|office|support|working|service|chat|phone|telephone|store) (?:hours|times)|(?:what|which|your) hours"
        r"|hours of (?:operation|service|business|opening|support|your)|what times?|at what hour|offnungszeiten|sprechzeiten"
        r"|servicezeiten|uhrzeiten|um wie viel uhr|horaires|quelle heure|horarios?|que hora|orari|che ora)\b"
    ),
}
_HAS = {
    Wanted.TIME: re.compile(
        r"\d|\b(?:minutes?|hours?|days?|weeks?|months?|years?|daily|weekly|monthly|immediately|instantly|at once|any ?time|whenever|until"
        r"|tage?|stunden|sofort|jours?|heures?|dias?|horas?|giorni|ore)\b"
    ),
    Wanted.MONEY: re.compile(
        r"[$\u20ac\u00a3\u00a5]\s?\d|\d\s?(?:[$\u20ac\u00a3]|usd|eur|gbp|euros?|dollars?|cents?)"
        r"|\b(?:free|no (?:extra )?(?:charge|fee|cost)s?|included|kostenlos|gratis|gratuit|gratuito)\b"
    ),
    Wanted.COUNT: re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twice|once|unlimited|no limit|any number)\b"),
    Wanted.TELEPHONE: re.compile(r"(?<![\w.])\+?\(?\d[\d ()/-]{6,}\d"),
    Wanted.ADDRESS: re.compile(r"\S@\S|\bhttps?://|\b\w+\.\w+\.\w+\b"),
    Wanted.HOURS: re.compile(
        r"\b\d{1,2}[:.h]\d\d\b|\b\d{1,2}\s?(?:[ap]\.?m\b|uhr\b|h\b|o'?clock\b)|\b24\s?/\s?7\b|\b24 (?:hours|stunden|heures|horas) a\b"
        r"|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|on (?:working|business) days|weekdays|montags?|werktags|lundi|lunes)\b"
    ),
}
# A word with a capital inside a sentence, or with a figure in it: what a product, a place or a code is called.
_NAME = re.compile(r"(?<=[^.?!:\n]\s)(?:[A-Z][\w-]*|[\w.-]*\d[\w.-]*)")


def wanted(folded: str) -> frozenset[Wanted]:
    """The kinds that a question (as `words.fold` gives it) asks for."""
    kinds = {kind for kind, asks in _ASKS.items() if asks.search(folded)}
    if Wanted.HOURS in kinds:
        kinds.discard(Wanted.TIME)
    return frozenset(kinds - {Wanted.COUNT} if Wanted.MONEY in kinds else kinds)


def kind_words(folded: str) -> str:
    """The words of a question that name the kind alone: "price" in "the price of delivery"."""
    return " ".join(match.group() for asks in _ASKS.values() for match in asks.finditer(folded))


def holds(folded: str, kind: Wanted) -> bool:
    """Whether a folded text has a thing of this kind in it."""
    return _HAS[kind].search(folded) is not None


def names_in(question: str) -> tuple[str, ...]:
    """The folded words with which a question names something: capitals and figures. None of a text that is all capitals."""
    if question.isupper():
        return ()
    found = (word for match in _NAME.finditer(question) for word in words(match.group()))
    return tuple(dict.fromkeys(word for word in found if fold(word) not in STOP_WORDS))
