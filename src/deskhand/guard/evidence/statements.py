"""Whether a statement is about what the evidence is about. The weakest of the checks: it finds answers out of nowhere, not errors.

The invariant: only a whole statement is asked for support. Greetings, questions, offers, requests, hedges and what is said about the
conversation itself need none, nor does a sentence in another language than the evidence.
"""

import re

from deskhand.guard.evidence.sources import Evidence, roots
from deskhand.texts import language_of
from deskhand.words import fold

_FEWEST_WORDS = 3
_LEAST_SHARE = 0.34
_LANGUAGE_CHARACTERS = 400

# How a sentence begins that states nothing about the company: greeting, thanks, regret, request, offer, hedge.
_NO_STATEMENT = re.compile(
    r"^\W*(?:hi|hello|hey|thank|thanks|sorry|let me|let's|please|feel free|would|could|can you|do you|may i|welcome|you're welcome"
    r"|you are welcome|no problem|sure|of course|certainly|absolutely|great|good|got it|goodbye|have a|take care|if you|if it"
    r"|to (?:proceed|get started|help|assist|confirm|clarify|better)|for example|here|once|just|yes|no\b|hallo|guten|danke|vielen|gern"
    r"|bitte|leider|es tut|wenn sie|mochten|bonjour|merci|desole|s'il|n'hesitez|si vous|hola|gracias|lo siento|por favor"
    r"|si (?:necesita|tiene)"
    r"|ciao|buongiorno|grazie|mi dispiace|per favore|se (?:ha|hai|vuole|precisar|tiver)|ola|obrigad|desculpe|bedankt|graag|als u)",
)
# What is said of oneself is about the conversation; what one claims to have done is another check's.
_ABOUT_US = re.compile(r"\b(?:i|i'[a-z]+|ich|je|j'[a-z]+|yo|io|eu|ik|let me know|wishing you|safe travels|safe journey)\b")
# Roots of words that every conversation of a desk uses.
_COMMON = roots(
    "help assist assistance information detail question provide proceed confirm answer request option step check following available able "
    "currently issue problem support team customer service contact let know try work make use using find look see give take set next first "
    "then thing way time possible different other another same current already still right happy glad welcome hesitate reach feel free "
    "further moment patience understand sorry apologize inconvenience"
)


def lacks_support(sentence: str, evidence: Evidence) -> bool:
    """Whether most of what the sentence speaks of is nowhere in the evidence."""
    folded = fold(sentence)
    if folded.rstrip().endswith(("?", ":")) or _NO_STATEMENT.match(folded) or _ABOUT_US.search(folded):
        return False
    wanted = roots(folded) - _COMMON
    if len(wanted) < _FEWEST_WORDS:
        return False
    missing = set(wanted)
    most = (1 - _LEAST_SHARE) * len(wanted)
    for text in evidence:
        missing -= text.roots
        if len(missing) <= most:
            return False
    return language_of(sentence) == _language_of(evidence)


def _language_of(evidence: Evidence) -> str:
    texts = evidence.documents or evidence.said
    return language_of(" ".join(text.text[:_LANGUAGE_CHARACTERS] for text in texts[:2]))
