"""Whether a statement is about what the evidence is about. The weakest of the checks: it finds answers out of nowhere, not errors.

The invariant: only a whole statement is asked for support. Greetings, questions, offers, requests, hedges and what is said about the
conversation itself need none, nor does a sentence in another language than the evidence.
"""

from collections.abc import Sequence

from deskhand.guard.evidence.roots import root, roots
from deskhand.guard.evidence.sources import Evidence
from deskhand.guard.lazy import Expression
from deskhand.texts import language_of
from deskhand.words import STOP_WORDS

_FEWEST_WORDS = 3
_LEAST_SHARE = 0.34
_LANGUAGE_CHARACTERS = 400

# How a sentence begins that states nothing about the company: greeting, thanks, regret, request, offer, hedge.
_NO_STATEMENT = Expression(
    r"^\W*(?:hi|hello|hey|thank|thanks|sorry|let me|let's|please|feel free|would|could|can you|do you|may i|welcome|you're welcome"
    r"|you are welcome|no problem|sure|of course|certainly|absolutely|great|good|got it|goodbye|have a|take care|if you|if it"
    r"|reply|wishing you|safe travels|safe journey|if (?:yes|so|not)\b|to (?:proceed|get started|help|assist|confirm|clarify|better)"
    r"|for example|here|once|just|yes|no\b|hallo|guten|danke|vielen|gern"
    r"|bitte|leider|es tut|wenn sie|mochten|bonjour|merci|desole|s'il|n'hesitez|si vous|hola|gracias|lo siento|por favor"
    r"|si (?:necesita|tiene)"
    r"|ciao|buongiorno|grazie|mi dispiace|per favore|se (?:ha|hai|vuole|precisar|tiver)|ola|obrigad|desculpe|bedankt|graag|als u)",
)
# What is said of oneself is about the conversation; what one claims to have done is another check's.
_ABOUT_US = frozenset({"i", "ich", "je", "j", "yo", "io", "eu", "ik"})
# Roots of words that every conversation of a desk uses.
_COMMON = roots(
    "help assist assistance information detail question provide proceed confirm answer request option step check following available able "
    "currently issue problem support team customer service contact let know try work make use using find look see give take set next first "
    "then thing way time possible different other another same current already still right happy glad welcome hesitate reach feel free "
    "further moment patience understand sorry apologize inconvenience"
)


def lacks_support(folded: str, words: Sequence[str], evidence: Evidence) -> bool:
    """Whether most of what a folded sentence speaks of is nowhere in the evidence. `words` are its words."""
    if folded.endswith(("?", ":")) or not _ABOUT_US.isdisjoint(words) or _NO_STATEMENT.regex.match(folded):
        return False
    missing = {root(word) for word in words if word not in STOP_WORDS and len(word) > 1} - _COMMON
    if len(missing) < _FEWEST_WORDS:
        return False
    most = (1 - _LEAST_SHARE) * len(missing)
    for text in evidence:
        missing -= text.roots
        if len(missing) <= most:
            return False
    return language_of(folded) == _language_of(evidence)


def _language_of(evidence: Evidence) -> str:
    texts = [*(evidence.documents or evidence.said)][:2]
    return language_of(" ".join(text.text[:_LANGUAGE_CHARACTERS] for text in texts))
