"""A message that asks several things, cut into its questions: each is searched for and answered by itself. Pure.

The invariant: what is cut stands alone. A question that leans on the one before ("and what does that cost?") stays with it.
"""

import re

from deskhand.words import content_stems, fold, words

MOST_PARTS = 3
_FEWEST_WORDS = 3
_ASKS = (
    r"(?:how|what|when|where|who|which|why|can|could|do|does|did|is|are|will|would|should|may|must"
    r"|wie|was|wann|wo|wer|welche[rsn]?|warum|kann|ist|sind|habt|haben|gibt"
    r"|comment|combien|quand|quel(?:le)?s?|pourquoi|peut|puis|est|como|cuanto|cuando|donde|cual(?:es)?|puedo|hay)\b"
)
_CUT = re.compile(rf"(?<=\?)\s+(?:(?:and|und|et|y)\s+)?|(?:,\s*|\s+)(?:and|und|et|y)\s+(?={_ASKS})", re.IGNORECASE)
_LEANS = re.compile(
    r"\b(?:(?:how|what) about|it|its|that|this|these|those|they|them|one|ones|there|then|so|es|das|sie|ihn|davon|dafur|cela|ca|le|eso|lo)\b"
)
_ASKS_FIRST = re.compile(rf"^\W*{_ASKS}")


def parts_of(question: str) -> tuple[str, ...]:
    """The questions in a message, in order; the message itself where it asks one thing, or more than can be told apart."""
    cuts = [match.span() for match in _CUT.finditer(question)]
    parts: list[str] = []
    start = 0
    for place, (end, following) in enumerate(cuts):
        rest = question[following : cuts[place + 1][0] if place + 1 < len(cuts) else None]
        piece = question[start:end].strip()
        if len(words(piece)) >= _FEWEST_WORDS and _asks(piece) and _stands_alone(rest):
            parts.append(piece)
            start = following
    parts.append(question[start:].strip())
    return tuple(parts) if 1 < len(parts) <= MOST_PARTS else (question,)


def _asks(piece: str) -> bool:
    """Whether it is a question: "I paid with my card and was charged twice" is none, though "was" asks in German."""
    return piece.endswith("?") or _ASKS_FIRST.search(fold(piece)) is not None


def _stands_alone(piece: str) -> bool:
    folded = fold(piece)
    asks = _ASKS_FIRST.search(folded) is not None and len(words(piece)) >= _FEWEST_WORDS
    return asks and bool(content_stems(piece)) and _LEANS.search(folded) is None
