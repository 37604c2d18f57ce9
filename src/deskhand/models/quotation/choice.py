"""Which parts of the passages answer a question, and how sure that is. Pure; no model, no vocabulary of any subject.

What is quoted is where most of the question's words, weighed by how telling they are among these passages, stand in one place under one
heading. Whether it is quoted at all is decided by how near the search found the passage.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from deskhand.models.quotation.blocks import Kind, Unit, cut
from deskhand.words import StemFinder, content_stems, fold, stem

MOST_PASSAGES = 3
_MOST_SENTENCES = 3
_MOST_ROWS = 5
_MOST_ITEMS = 12
_NEAR_BEST = 0.6
_SECOND_PASSAGE = 0.85
_NEAR_ENOUGH = 0.5
_HEADING_WEIGHT = 0.75
_EARLIER_WEIGHT = 0.4
_KIND_BONUS = 0.15
_LONG_CHARACTERS = 250
_FEW_WORDS = 3
# Words that frame a question without saying what it is about.
_FRAME_WEIGHT = 0.25
_FRAME = """
    long take takes much many often soon fast possible able way thing things someone people something anything work works happen happens
    help question tell show explain give find see look make let difference mean means exactly currently different types kind kinds
    best good dauert lange viel viele moglich gibt geht temps possible puede hacer tiempo posible fare tempo fazer
"""
_FRAME_STEMS = frozenset(stem(word, language) for word in _FRAME.split() for language in ("en", "de", "fr", "es", "it", "pt"))

_FOLLOW_UP = re.compile(
    r"^(?:and|but|so|what about|how about|or|also|und|aber|et|y|e|en)\b|\b(?:it|its|that|this|these|those|they|them|one|there|the same)\b"
)
_ASKS_TIME = re.compile(
    r"\b(?:how (?:long|soon|fast|often)|when|wie lange|wann|combien de temps|quand|cuanto tiempo|cuando|quanto tempo|quando)\b"
)
_ASKS_MONEY = re.compile(
    r"\b(?:how much|costs?|prices?|fees?|charge|wie viel|kostet|preis|combien|prix|cuanto cuesta|precio|quanto costa)\b"
)
_ASKS_COUNT = re.compile(r"\b(?:how many|wie viele|combien de|cuantos|cuantas|quanti|quantos)\b")
_ASKS_STEPS = re.compile(r"\b(?:how (?:do|can|to|should|would)|steps?|wie|comment|como|come|hoe)\b")
_HAS_TIME = re.compile(
    r"\d|\b(?:minutes?|hours?|days?|weeks?|months?|years?|daily|weekly|monthly|immediately|instantly|tage?|stunden|jours?|dias?|giorni)\b"
)
_HAS_MONEY = re.compile(
    r"[$\u20ac\u00a3\u00a5]\s?\d|\d\s?(?:[$\u20ac\u00a3]|%|usd|eur|gbp|euros?|dollars?|cents?)"
    r"|\b(?:free|no (?:charge|fee)|kostenlos|gratis|gratuit)\b"
)
_HAS_NUMBER = re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|unlimited)\b")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage. `number` is how it is cited; `score` in [0, 1] is how near the search found it, None for what was not searched for."""

    number: int
    text: str
    title: str
    section: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Quotation:
    """What to quote of one passage, in its order."""

    number: int
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`confidence` in [0, 1] that the quotations answer the question; no quotations when nothing fits at all."""

    quotations: tuple[Quotation, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class _Scored:
    evidence: Evidence
    units: list[Unit]
    scores: list[float]
    # Which units hold a word of the question themselves, not only under their heading.
    own: list[bool]
    # Those of the question's stems that stand in it.
    stems: frozenset[str]

    @property
    def best(self) -> float:
        return max(self.scores, default=0.0)


def choose(question: str, passages: Sequence[Evidence], *, earlier: Sequence[str] = (), language: str = "en") -> Choice:
    """Choose what to quote. `passages` best first; `earlier` are the customer's messages before, oldest first."""
    asked = _weights(question, earlier, language)
    if not asked or not passages:
        return Choice((), 0.0)
    cuts = [cut(passage.text) for passage in passages]
    finder = StemFinder(asked, language)
    bags = [[finder.find(unit.text) for unit in units] for units in cuts]
    telling = _telling(asked, [bag for each in bags for bag in each])
    folded = fold(question)
    scored = [
        _score(passage, units, stems, telling=telling, question=folded, finder=finder)
        for passage, units, stems in zip(passages, cuts, bags, strict=True)
    ]
    top = max((passage.score for passage in passages if passage.score is not None), default=1.0)
    ranked = sorted(scored, key=lambda each: -each.best * (top if each.evidence.score is None else each.evidence.score))
    chosen = [each for each in ranked[:1] if each.units]
    for each in ranked[1:]:
        if len(chosen) < MOST_PASSAGES and chosen and _adds(each, chosen, telling):
            chosen.append(each)
    quotations = tuple(Quotation(each.evidence.number, _quoted(each, folded)) for each in chosen)
    return Choice(quotations, _confidence(chosen))


def _weights(question: str, earlier: Sequence[str], language: str) -> dict[str, float]:
    """The question's stems; those of earlier messages weigh less, and count only where the question leans on them."""
    asked = {word: _FRAME_WEIGHT if word in _FRAME_STEMS else 1.0 for word in content_stems(question, language)}
    if earlier and (len(asked) < _FEW_WORDS or _FOLLOW_UP.search(fold(question))):
        for word in content_stems(earlier[-1], language):
            asked.setdefault(word, _EARLIER_WEIGHT)
    return asked


def _telling(asked: dict[str, float], bags: list[frozenset[str]]) -> dict[str, float]:
    """How much each asked stem tells: the rarer among what was found, the more."""
    counts = Counter(stem for bag in bags for stem in bag if stem in asked)
    return {stem: weight * math.sqrt(math.log(1.5 + len(bags) / (1 + counts[stem]))) for stem, weight in asked.items()}


def _score(
    passage: Evidence, units: list[Unit], bags: list[frozenset[str]], *, telling: dict[str, float], question: str, finder: StemFinder
) -> _Scored:
    total = sum(telling.values())
    headings = {heading: finder.find(heading) for heading in {unit.heading for unit in units}}
    about = finder.find(f"{passage.title} {passage.section}")
    scores: list[float] = []
    for unit, bag in zip(units, bags, strict=True):
        above = headings[unit.heading] | (bags[unit.lead] if unit.kind is Kind.ROW and unit.lead is not None else frozenset())
        own = sum(telling[stem] for stem in telling if stem in bag)
        under = sum(telling[stem] for stem in telling if stem not in bag and (stem in above or stem in about))
        score = (own + _HEADING_WEIGHT * under) / total
        if score:
            score += _kind_bonus(unit, question)
            # A long unit meets words by chance.
            score *= 1 / (1 + max(0, len(unit.text) - _LONG_CHARACTERS) / (2 * _LONG_CHARACTERS))
        scores.append(score)
    own_words = [bool(bag) for bag in bags]
    return _Scored(passage, units, scores, own_words, frozenset().union(about, *bags, *headings.values()))


def _kind_bonus(unit: Unit, question: str) -> float:
    text = fold(unit.text)
    fits = (
        (_ASKS_TIME.search(question) is not None and _HAS_TIME.search(text) is not None)
        or (_ASKS_MONEY.search(question) is not None and _HAS_MONEY.search(text) is not None)
        or (_ASKS_COUNT.search(question) is not None and _HAS_NUMBER.search(text) is not None)
        or (_ASKS_STEPS.search(question) is not None and unit.kind is Kind.STEP)
    )
    return _KIND_BONUS if fits else 0.0


def _adds(candidate: _Scored, chosen: list[_Scored], telling: dict[str, float]) -> bool:
    """Whether a further passage says as much as the best, or something that was asked and is not said yet."""
    best = chosen[0]
    if candidate.best < _NEAR_BEST * best.best or (candidate.evidence.score or 0.0) < _NEAR_ENOUGH * (best.evidence.score or 0.0):
        return False
    said = frozenset().union(*(each.stems for each in chosen))
    missing = {stem for stem in telling if stem not in said}
    return bool(missing & candidate.stems) or (len(chosen) < MOST_PASSAGES - 1 and candidate.best >= _SECOND_PASSAGE * best.best)


def _quoted(scored: _Scored, question: str) -> tuple[Unit, ...]:
    """The units to quote: the best ones, and with an item its list and what introduces it."""
    units, scores = scored.units, scored.scores
    order = sorted(range(len(units)), key=lambda at: (-scores[at], at))
    if not scores[order[0]]:
        # Found by meaning alone: its beginning says what it is about.
        return tuple(units[: min(2, len(units))])
    enough = _NEAR_BEST * scores[order[0]]
    taken: set[int] = set()
    sentences = rows = 0
    for at in order:
        unit = units[at]
        if scores[at] < enough:
            break
        if taken and not scored.own[at]:
            continue
        if unit.kind is Kind.SENTENCE:
            if sentences >= _MOST_SENTENCES:
                continue
            sentences += 1
            taken.add(at)
            taken.update(_list_behind(units, at))
        elif unit.kind is Kind.ROW:
            if rows >= _MOST_ROWS or _is_table_head(units, at):
                continue
            rows += 1
            taken.update({at, unit.lead if unit.lead is not None else at})
        elif not taken or any(units[other].block == unit.block for other in taken) or scores[at] >= scores[order[0]]:
            taken.update(_whole_list(units, at))
    if _ASKS_STEPS.search(question):
        taken.update(_steps_under(units, units[order[0]].heading))
    return tuple(units[at] for at in sorted(taken))


def _is_table_head(units: list[Unit], at: int) -> bool:
    return units[at].lead is None and at + 1 < len(units) and units[at + 1].lead == at


def _list_behind(units: list[Unit], at: int) -> list[int]:
    """The list that a sentence introduces."""
    return [other for other in range(at + 1, len(units)) if units[other].lead == at][:_MOST_ITEMS]


def _whole_list(units: list[Unit], at: int) -> list[int]:
    block = [other for other in range(len(units)) if units[other].block == units[at].block]
    lead = units[at].lead
    kept = block if len(block) <= _MOST_ITEMS else [at]
    return kept if lead is None else [lead, *kept]


def _steps_under(units: list[Unit], heading: str) -> list[int]:
    """The first numbered list under a heading, which is what "how do I" asks for."""
    steps = [at for at, unit in enumerate(units) if unit.kind is Kind.STEP and unit.heading == heading]
    return _whole_list(units, steps[0]) if steps else []


def _confidence(chosen: list[_Scored]) -> float:
    """How near the search found what is quoted.

    Words add nothing to the search's own calibrated score: over the answerable and unanswerable questions of `evals/`, coverage beside it
    did not part them any better (cross-validated). Where no search was made, the words are all there is.
    """
    return max((min(1.0, each.best) if each.evidence.score is None else each.evidence.score for each in chosen), default=0.0)
