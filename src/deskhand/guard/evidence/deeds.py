"""Reports of deeds ("I have refunded you") and promises ("we will e-mail you"), and whether anything stands behind them.

The invariant: a report needs a tool that was called and succeeded, or a source that says the same; a promise needs a tool that could keep
it, or a source. An offer, a question, a condition and a denial are neither.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from deskhand.guard.evidence.effects import brought_by, effects_of_word
from deskhand.guard.evidence.sources import Evidence
from deskhand.guard.lazy import Expression


class Claim(StrEnum):
    REPORT = "report"
    PROMISE = "promise"


@dataclass(frozen=True, slots=True)
class Said:
    """Something that is claimed to be done or to be going to be done.

    `effects` are the effects any of which it may be; `word` says it; `is_ours`: "I have", not "it has been".
    """

    claim: Claim
    is_ours: bool
    effects: frozenset[str]
    word: str


_ADVERBS = r"(?:(?:just|now|already|successfully|also|fully|since|officially|gone ahead and|went ahead and)\s+)*"
_I_DID = Expression(rf"\b(?:i|we)(?:'ve|\s+have)\s+{_ADVERBS}([a-z-]+)|\b(?:i|we)\s+(?:just|already|successfully)\s+([a-z-]+ed|sent)\b")
_IT_WAS = Expression(rf"\b(?:has|have)\s+{_ADVERBS}been\s+{_ADVERBS}([a-z-]+)|\b(?:is|are)\s+now\s+(?:fully\s+)?([a-z-]+ed)\b")
_I_WILL = Expression(
    r"\b(?:i|we)(?:'ll|\s+will)\s+(?:(?:now|also|then|immediately|gladly|personally|be)\s+)*([a-z-]+)"
    r"|\b(?:i|we)(?:'m|'re|\s+am|\s+are)\s+(?:now\s+)?([a-z-]+ing)\s+(?:you|your|this|the)\b"
)
_YOU_GET = Expression(
    r"\byou(?:'ll|\s+will)\s+(?:(?:also|soon|shortly|then)\s+)*(?:receive|get)\s+(?:[a-z-]+\s+){0,3}?"
    r"(e-?mail|sms|text|message|call|letter|code|link)"
)
_OTHERS_DID = Expression(
    r"\bich habe\b[^.!?]*?\b([a-z]+)[.!?\s]*$|\b(?:wurden?|worden|ist nun|sind nun)\b[^.!?]*?\b([a-z]+(?:t|en))\b"
    r"|\bj'ai\s+(?:bien\s+)?([a-z]+)|\bnous avons\s+([a-z]+)|\b(?:a|ont)\s+(?:bien\s+)?ete\s+([a-z]+)"
    r"|\b(?:he|hemos)\s+([a-z]+[ai]do)\b|\bhan?\s+sido\s+([a-z]+)|\b(?:ho|abbiamo)\s+([a-z]+t[oaie])\b"
    r"|\b(?:e|sono)\s+stat[oaie]\s+([a-z]+)|\b(?:foi|foram)\s+([a-z]+d[oa]s?)\b"
    r"|\bik heb\b[^.!?]*?\b(ge[a-z]+|ver[a-z]+)\b"
)
_OTHERS_WILL = Expression(
    r"\b(?:wir|ich)\s+werden?\b[^.!?]*?\b([a-z]+n)[.!?\s]*$|\bwir\s+(schicken|senden|erstatten|stornieren)\b"
    r"|\b(?:je|nous)\s+(?:vais|allons)\s+(?:vous\s+)?([a-z]+r)\b|\bnous vous\s+([a-z]+rons)\b"
    r"|\b(?:le|les|te)\s+(enviaremos|reembolsaremos|enviare)\b|\b(?:voy|vamos)\s+a\s+([a-z]+r)\b"
    r"|\b(invieremo|rimborseremo)\b|\b(?:vou|vamos|iremos)\s+([a-z]+r)\b"
)
# One of these stands in every report and promise: looking for them costs a tenth of the patterns.
_TELLING = """
    have has ve will ll been am m re just already successfully now ich wir wurde wurden worden ai nous ete vais allons he hemos sido
    voy vamos enviaremos reembolsaremos enviare ho abbiamo stato stata stati state foi foram vou iremos invieremo rimborseremo ik
"""
_TELLING_WORDS = frozenset(_TELLING.split())
_CONDITION = Expression(
    r"\b(?:if|once|when|after|until|unless|before|whether|as soon as|upon|should you|would you|in case|not|never|cannot|unable"
    r"|wenn|falls|sobald|nachdem|ob|nichts?|kein\w*|nothing|rien|nada|niente|niets|nie|si|quand|apres|ne|pas|jamais|cuando|despues|no|nunca|se|quando|dopo|non|mai|depois"
    r"|nao|als|zodra|niet)\b|n't\b"
)
_PATTERNS = (
    (_I_DID, Claim.REPORT),
    (_IT_WAS, Claim.REPORT),
    (_OTHERS_DID, Claim.REPORT),
    (_I_WILL, Claim.PROMISE),
    (_OTHERS_WILL, Claim.PROMISE),
    (_YOU_GET, Claim.PROMISE),
)


def claims_in(folded: str, words: Sequence[str]) -> tuple[Said, ...]:
    """What a folded sentence reports and promises. `words` are its words, cut at apostrophes."""
    if _TELLING_WORDS.isdisjoint(words) or folded.endswith("?"):
        return ()
    return tuple(_said(folded))


def promises_person(claims: Sequence[Said], folded: str) -> bool:
    """Whether what a folded sentence claims is, without any condition, that a person takes over."""
    promised = any(said.claim is Claim.PROMISE and "person" in said.effects for said in claims)
    return promised and not _CONDITION.regex.search(folded)


def _said(folded: str) -> Iterator[Said]:
    for pattern, claim in _PATTERNS:
        for match in pattern.regex.finditer(folded):
            if _CONDITION.regex.search(folded, 0, match.end()):
                continue
            word = next(group for group in match.groups() if group)
            effects = frozenset({"send"}) if pattern is _YOU_GET else effects_of_word(word)
            if effects:
                yield Said(claim, pattern is not _IT_WAS, effects, word)


def is_kept(said: Said, evidence: Evidence) -> bool:
    """Whether something stands behind what was said: a deed, a tool that could do it, or a source."""
    wanted = brought_by(said.effects)
    done = frozenset(effect for deed in evidence.deeds for effect in deed.effects)
    could = done | evidence.abilities if said.claim is Claim.PROMISE else done
    if wanted & could:
        return True
    # The word itself, not its root: a field called "cancel_reason" does not say that anything was cancelled. And what documents say of
    # everybody's orders says nothing about this one.
    if said.claim is Claim.PROMISE:
        return any(said.word in text.words for text in (*evidence.found, *evidence.earlier))
    told = (*evidence.results, *evidence.earlier) if said.is_ours else (*evidence.results, *evidence.said, *evidence.earlier)
    return any(said.word in text.words for text in told)
