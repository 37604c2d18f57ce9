"""What a question asks for: its words, by how much they tell, and the kind of thing that would answer it. Pure.

Owns only what is true of a language; no vocabulary of any subject.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from deskhand.glossary import meanings
from deskhand.models.quotation.blocks import Kind, Unit
from deskhand.questions import Wanted, holds, kind_words, wanted
from deskhand.words import ASIDES, STOP_WORDS, content_stems, fold, stem, words

_EARLIER_WEIGHT = 0.5
_FEW_WORDS = 3
_SHORTEST_SLIP = 4
# Words that frame a question without saying what it is about.
_FRAME_WEIGHT = 0.25
_FRAME = """
    long take takes much many often soon fast possible able way thing things someone people something anything work works happen happens
    help question tell show explain give find see look make let difference mean means exactly currently different types kind kinds
    best good dauert lange viel viele moglich gibt geht temps possible puede hacer tiempo posible fare tempo fazer
"""
_FRAME_LANGUAGES = ("en", "de", "fr", "es", "it", "pt")

_FOLLOW_UP = re.compile(
    r"^(?:and|but|so|what about|how about|or|also|und|aber|et|y|e|en)\b|\b(?:it|its|that|this|these|those|they|them|one|there|the same)\b"
)
# What is to be done in a case: then what stands behind an "if" answers, not what is done otherwise.
_ASKS_CASE = re.compile(
    r"\b(?:what (?:happens )?if|and if|but if|even if|what happens when|if (?:i|we|my|the|it|they|nothing|no)|was (?:passiert )?wenn"
    r"|und wenn|aber wenn|et si|que se passe-t-il si|y si|que pasa si|e se|cosa succede se)\b"
)
_HAS_CASE = re.compile(
    r"\b(?:if|unless|otherwise|in case|should (?:you|it|the)|without|wenn|falls|sonst|ohne|si|sinon|sans|sin|se|senza|caso)\b"
)
_ASKS_STEPS = re.compile(r"\b(?:how (?:do|can|to|should|would)|steps?|wie|comment|como|come|hoe)\b")
_ASKS_LENGTH = re.compile(r"\b(?:how (?:long|soon|fast)|wie lange|combien de temps|cuanto tiempo|quanto tempo)\b")
_HYPHEN = re.compile("[-\u2010\u2011]")
_COMPOUND = re.compile(r"[^\W\d_]+(?:[-\u2010\u2011][^\W\d_]+)+")
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010\u2011][^\W\d_]+)*")
_UNMISTAKABLE = frozenset({Wanted.MONEY, Wanted.TELEPHONE, Wanted.ADDRESS, Wanted.HOURS})


@dataclass(frozen=True, slots=True)
class Asked:
    """`stems` with the weight of each; `folded` is what says the kind: the question itself, or the one before that it goes on from."""

    stems: dict[str, float]
    folded: str
    # Those that only name the kind of thing: what is of that kind says them.
    kind_stems: frozenset[str] = frozenset()

    @property
    def case(self) -> bool:
        return _ASKS_CASE.search(self.folded) is not None

    @property
    def steps(self) -> bool:
        return _ASKS_STEPS.search(self.folded) is not None and not self.case

    @property
    def figure(self) -> bool:
        """Whether a time, an amount or a number is asked for: then one line answers, not a section."""
        return bool(wanted(self.folded))

    def fits(self, unit: Unit) -> bool:
        """Whether a unit is the kind of thing that was asked for."""
        text = fold(unit.text)
        if self.case and _HAS_CASE.search(text):
            return True
        return any(holds(text, kind) for kind in wanted(self.folded)) or (self.steps and unit.kind is Kind.STEP)

    def only(self, text: str) -> bool:
        """Whether a text has what nothing else can stand for: an amount, a telephone number, an address to write to, hours of the day."""
        return any(holds(fold(text), kind) for kind in self._unmistakable)

    def lacks(self, text: str) -> bool:
        """Whether such a thing is asked for, and a text has none."""
        return bool(self._unmistakable) and not self.only(text)

    def other_than(self, heading: str) -> bool:
        """Whether a heading asks how long something takes, where it is asked how it is done."""
        return self.steps and not wanted(self.folded) and _ASKS_LENGTH.search(fold(heading)) is not None

    @property
    def _unmistakable(self) -> frozenset[Wanted]:
        return wanted(self.folded) & _UNMISTAKABLE


@cache
def _frame_stems() -> frozenset[str]:
    return frozenset(stem(word, language) for word in _FRAME.split() for language in _FRAME_LANGUAGES)


def read_question(question: str, earlier: Sequence[str], *, texts: Iterable[str], language: str) -> Asked:
    """The question as these texts must answer it; stems of earlier messages weigh less, and count only where it leans on them.

    A word that stands in none of the texts, but is one slip away from one that does, is taken for that one.
    """
    joined = fold("\n".join(texts))
    question = _as_they_write(question, joined)
    folded = fold(question)
    frame = _frame_stems()
    stems = {word: _FRAME_WEIGHT if word in frame else 1.0 for word in content_stems(question, language, without=ASIDES)}
    if earlier and (len(stems) < _FEW_WORDS or _FOLLOW_UP.search(folded)):
        for word in content_stems(earlier[-1], language, without=ASIDES):
            stems.setdefault(word, _EARLIER_WEIGHT)
        if not wanted(folded) and not _ASKS_STEPS.search(folded) and not _ASKS_CASE.search(folded):
            folded = fold(earlier[-1])
    lost = [word for word in stems if len(word) >= _SHORTEST_SLIP and word.isalpha() and word not in joined]
    if lost:
        # Only what begins alike can be meant, and stemming is what costs.
        initials = {candidate[0] for word in lost for candidate in (word, *meanings(word, language))}
        vocabulary = {stem(word, language) for word in set(words(joined)) if word[0] in initials and word not in STOP_WORDS}
        for word in lost:
            if word not in vocabulary and (meant := _meant(word, vocabulary, language)):
                stems[meant] = max(stems.pop(word), stems.get(meant, 0.0))
    return Asked(stems, folded, frozenset(content_stems(kind_words(folded), language)))


def _as_they_write(question: str, texts: str) -> str:
    """The question with its compounds as the folded texts have them: "wifi" is "Wi-Fi", and the other way round."""
    theirs: dict[str, str] = {_HYPHEN.sub("", compound): compound for compound in _COMPOUND.findall(texts)}

    def written(match: re.Match[str]) -> str:
        word: str = match.group()
        solid: str = _HYPHEN.sub("", fold(word))
        if solid in theirs:
            return theirs[solid]
        return solid if _HYPHEN.search(word) and re.search(rf"\b{solid}\b", texts) else word

    return _WORD.sub(written, question)


def _meant(word: str, vocabulary: set[str], language: str) -> str | None:
    """The stem of the vocabulary that means the same, or is one slip away."""
    same = next((each for other in meanings(word, language) if (each := stem(other, language)) in vocabulary), None)
    return same or next((known for known in sorted(vocabulary) if _is_slip(word, known)), None)


def telling(asked: Asked, bags: Sequence[frozenset[str]]) -> dict[str, float]:
    """How much each asked stem tells: the rarer among what was found, the more."""
    counts = Counter(word for bag in bags for word in bag if word in asked.stems)
    return {word: weight * math.sqrt(math.log(1.5 + len(bags) / (1 + counts[word]))) for word, weight in asked.stems.items()}


def _is_slip(word: str, known: str) -> bool:
    """Whether one letter too many, too few or wrong, or two that changed places, part them. Their first letter is the same."""
    if word[0] != known[0] or abs(len(word) - len(known)) > 1 or len(known) < _SHORTEST_SLIP:
        return False
    start = next((at for at, (one, other) in enumerate(zip(word, known, strict=False)) if one != other), min(len(word), len(known)))
    rest, other_rest = word[start:], known[start:]
    return (
        rest[1:] == other_rest[1:]
        or rest[1:] == other_rest
        or rest == other_rest[1:]
        or (rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:])
    )
