"""What a customer's message is, as far as it can be told without a model: small talk, a wish about memory, or a question."""

import re
from dataclasses import dataclass
from enum import StrEnum

from deskhand.words import words

_ATTACHED = re.compile(r"\[Attached file (file_[0-9a-f]+): [^\]]*\]")
_MOST_SMALL_TALK_WORDS = 7

_GREETING = """
    hi hello hey hiya greetings howdy morning afternoon evening hallo moin servus guten tag morgen abend gruss gott bonjour bonsoir salut
    coucou hola buenas buenos dias tardes noches ciao buongiorno buonasera salve ola oi bom boa dia tarde noite hoi goedemorgen
    goedemiddag goedenavond goedendag dag hej czesc witam merhaba selam privet namaste
"""
_THANKS = """
    thanks thank thx ty cheers danke vielen dank dankeschon merci gracias grazie obrigado obrigada bedankt dank tack dzieki dziekuje
    tesekkurler spasibo helpful appreciated appreciate
"""
_GOODBYE = """
    bye goodbye bye-bye cya tschuss tschuess wiedersehen ciao revoir adios hasta luego arrivederci addio tchau adeus ate logo doei ziens
"""
# Words that may stand beside them without making it a question.
_FILLER = """
    there you very much so a lot for your the help it that this was is all good great perfect ok okay yes no nice wonderful awesome cool
    have day to everyone team bot agent sir madam again then now und sehr schon alles klar super gut auf mir ihnen dir fur die hilfe
    beaucoup pour votre aide bien au tout muchas mil por la ayuda todo molte mille tante per l' aiuto muito pela ajuda heel erg hartelijk
    voor de hulp really i we and my got worked works
"""

_GREETING_WORDS = frozenset(_GREETING.split())
_THANKS_WORDS = frozenset(_THANKS.split())
_GOODBYE_WORDS = frozenset(_GOODBYE.split())
_FILLER_WORDS = frozenset(_FILLER.split())

_REST = r"[^.!?\n]+"
# Matched against lower case alone, which keeps every letter in its place. Each alternative holds one group: what is to be remembered.
_REMEMBER = re.compile(
    r"\b(?:remember|note|keep in mind|don't forget|do not forget) that ([^\n]+)"
    r"|\b(?:merk dir|merken sie sich|notiere|notieren sie),? dass ([^\n]+)"
    r"|\b(?:souviens-toi|souvenez-vous|notez|retenez) que ([^\n]+)"
    r"|\b(?:recuerda|recuerde|anota|anote) que ([^\n]+)"
    rf"|\b((?:my name is|i am called|ich hei(?:\u00df|ss)e|mein name ist|je m'appelle|me llamo|mi nombre es) {_REST})"
)
_RECALL = re.compile(
    r"\bwhat (?:do|did) you (?:know|remember|have stored) (?:about|of) me\b|\bwhat(?:'s| is) my name\b|\bwhat have i told you\b"
    r"|\bdo you remember (?:me|my name)\b|\bwas (?:wei(?:\u00df|ss)t du|wissen sie) \u00fcber mich\b|\bwie hei(?:\u00df|ss)e ich\b"
    r"|\bque sa(?:vez|is)-(?:vous|tu) (?:de|sur) moi\b|\bqu[e\u00e9] sabes? (?:de|sobre) m[i\u00ed]\b"
)
_FORGET = re.compile(
    r"\b(?:forget|delete|erase|remove) (?:everything |all )?(?:that |what )?(?:you|u) "
    r"(?:have )?(?:know|remember|stored|noted) (?:about|of) me\b"
    r"|\bforget (?:about )?me\b|\bforget everything\b|\bforget what i (?:told|said)\b"
    r"|\bvergiss (?:alles|mich|was du \u00fcber mich)\b|\bvergessen sie (?:alles|mich|was sie \u00fcber mich)\b"
    r"|\boublie(?:z)? (?:tout|moi|ce que vous savez)\b|\bolvid[ae] (?:todo|lo que sabes?)\b"
)


class SmallTalk(StrEnum):
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"


@dataclass(frozen=True, slots=True)
class Understood:
    """`question` is the text to search for, empty when there is none; `fact` what to remember."""

    question: str = ""
    small_talk: SmallTalk | None = None
    fact: str | None = None
    recall: bool = False
    forget: bool = False
    attachments: tuple[str, ...] = ()


def understand(message: str) -> Understood:
    attachments = find_attachments(message)
    text = without_attachments(message)
    lower = text.lower().replace("\u2019", "'")
    if _FORGET.search(lower):
        return Understood(forget=True, attachments=attachments)
    if _RECALL.search(lower):
        return Understood(recall=True, attachments=attachments)
    small_talk = find_small_talk(text)
    if small_talk is not None and not attachments:
        return Understood(small_talk=small_talk)
    told = _REMEMBER.search(lower)
    if told is not None:
        # A few letters grow in lower case; then the customer's own spelling cannot be told by its place.
        own = text if len(text) == len(lower) else lower
        start, end = told.span(told.lastindex or 0)
        rest = f"{own[: told.start()]} {own[end:]}".strip(" .!,;:\n")
        asks = "?" in rest or len(words(rest)) > _MOST_SMALL_TALK_WORDS
        return Understood(question=rest if asks else "", fact=own[start:end].strip(), attachments=attachments)
    return Understood(question=text, attachments=attachments)


def find_attachments(message: str) -> tuple[str, ...]:
    """The ids of the files that came with a message."""
    return tuple(_ATTACHED.findall(message))


def without_attachments(message: str) -> str:
    """The customer's own words."""
    return _ATTACHED.sub(" ", message).strip()


def find_small_talk(text: str) -> SmallTalk | None:
    """The kind of a message that is small talk and nothing else."""
    found = words(text)
    if not 0 < len(found) <= _MOST_SMALL_TALK_WORDS or "?" in text:
        return None
    kinds = ((SmallTalk.THANKS, _THANKS_WORDS), (SmallTalk.GOODBYE, _GOODBYE_WORDS), (SmallTalk.GREETING, _GREETING_WORDS))
    known = _FILLER_WORDS.union(*(kind_words for _, kind_words in kinds))
    if not all(word in known for word in found):
        return None
    return next((kind for kind, kind_words in kinds if kind_words.intersection(found)), None)
