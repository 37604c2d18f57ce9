"""Which passages answer a question, and how sure that is. Pure; no model, no vocabulary of any subject.

What is quoted is where most of the question's words, weighed by how telling they are among these passages, stand in one place under one
heading. Whether it is quoted at all is decided by how near the search found the passage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deskhand.models.quotation.asking import Asked, read_question, telling
from deskhand.models.quotation.blocks import Unit, cut
from deskhand.models.quotation.doubt import Candidate, open_options
from deskhand.models.quotation.extent import Weighed, extent
from deskhand.words import StemFinder

MOST_PASSAGES = 2
# A further passage must be nearly as good as the first, by its words and by the search, and say a good part of what is not said yet.
_NEAR_FIRST = 0.85
_WORTH_ADDING = 0.25
# How much of a passage's place is the search's score; the rest is how many of the words stand together in it.
_SCORE_SHARE = 0.4
_HEADING_WEIGHT = 0.85
_KIND_BONUS = 0.3
_LONG_CHARACTERS = 250
# From where on a passage may be meant as well as the first, by its words and by the search.
_AS_GOOD = 0.95
_RIVAL = 0.5


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
    """`confidence` in [0, 1] that the quotations answer the question; no quotations when nothing fits at all.

    `options` are what the question may be about, where it leaves that open.
    """

    quotations: tuple[Quotation, ...]
    confidence: float
    options: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scored:
    evidence: Evidence
    weighed: Weighed
    # Those of the question's stems that stand in it.
    stems: frozenset[str]

    @property
    def best(self) -> float:
        return max(self.weighed.scores, default=0.0)

    @property
    def line(self) -> str:
        scores = self.weighed.scores
        return self.weighed.units[max(range(len(scores)), key=lambda at: scores[at])].text


def choose(question: str, passages: Sequence[Evidence], *, earlier: Sequence[str] = (), language: str = "en") -> Choice:
    """Choose what to quote. `passages` best first; `earlier` are the customer's messages before, oldest first."""
    asked = read_question(question, earlier, texts=[f"{each.title} {each.section} {each.text}" for each in passages], language=language)
    if not asked.stems or not passages:
        return Choice((), 0.0)
    cuts = [cut(passage.text) for passage in passages]
    finder = StemFinder(asked.stems, language)
    bags = [[finder.find(unit.text) for unit in units] for units in cuts]
    weights = telling(asked, [bag for each in bags for bag in each])
    scored = [
        _score(passage, units, own, weights=weights, asked=asked, finder=finder)
        for passage, units, own in zip(passages, cuts, bags, strict=True)
        if units
    ]
    if not scored:
        return Choice((), 0.0)
    top = max((passage.score for passage in passages if passage.score is not None), default=1.0)
    most = max(each.best for each in scored) or 1.0

    def place(each: _Scored) -> float:
        near = top if each.evidence.score is None else each.evidence.score
        return near * (_SCORE_SHARE + (1 - _SCORE_SHARE) * each.best / most)

    ranked = sorted(scored, key=lambda each: -place(each))
    chosen = ranked[:1]
    for each in ranked[1:]:
        if len(chosen) < MOST_PASSAGES and _adds(each, chosen, weights):
            chosen.append(each)
    quotations = tuple(Quotation(each.evidence.number, extent(each.weighed, asked, telling=weights, finder=finder)) for each in chosen)
    return Choice(quotations, _confidence(chosen), _options(ranked, asked, language=language))


def _score(
    passage: Evidence, units: list[Unit], own: list[frozenset[str]], *, weights: dict[str, float], asked: Asked, finder: StemFinder
) -> _Scored:
    total = sum(weights.values())
    headings = {heading: finder.find(heading) for heading in {unit.heading for unit in units}}
    about = finder.find(f"{passage.title} {passage.section}")
    scores: list[float] = []
    for unit, bag in zip(units, own, strict=True):
        # A cell is named by its row and its column alike; a step or a point by what introduces it.
        inside = bag if unit.lead is None else bag | own[unit.lead]
        above = (headings[unit.heading] | about) - inside
        score = (sum(weights[stem] for stem in inside) + _HEADING_WEIGHT * sum(weights[stem] for stem in above)) / total
        if score:
            score += _KIND_BONUS if asked.fits(unit) else 0.0
            # A long unit meets words by chance.
            score *= 1 / (1 + max(0, len(unit.text) - _LONG_CHARACTERS) / (2 * _LONG_CHARACTERS))
        scores.append(score)
    heading_share = sum(weights[stem] for stem in about.union(*headings.values())) / total
    stems = about.union(*own, *headings.values())
    return _Scored(passage, Weighed(units, scores, own, heading_share), stems)


def _options(ranked: list[_Scored], asked: Asked, *, language: str) -> tuple[Candidate, ...]:
    """Only a figure is asked back for: of what is described, each description is an answer."""
    if not asked.figure:
        return ()
    first = ranked[0]
    rivals = [
        each for each in ranked if each.best >= _AS_GOOD * first.best and (each.evidence.score or 0.0) >= _RIVAL * _confidence([first])
    ]
    candidates = [Candidate(each.evidence.number, each.evidence.title, each.line) for each in rivals]
    return open_options(candidates, said=frozenset(asked.stems), language=language)


def _adds(candidate: _Scored, chosen: list[_Scored], weights: dict[str, float]) -> bool:
    """Whether a further passage says something that was asked and is not said yet, and is nearly as good as the first."""
    first = chosen[0]
    if candidate.best < _NEAR_FIRST * first.best or (candidate.evidence.score or 0.0) < _NEAR_FIRST * (first.evidence.score or 0.0):
        return False
    said = frozenset().union(*(each.stems for each in chosen))
    return sum(weights[stem] for stem in candidate.stems - said) >= _WORTH_ADDING * sum(weights.values())


def _confidence(chosen: list[_Scored]) -> float:
    """How near the search found what is quoted.

    Words add nothing to the search's own calibrated score: over the answerable and unanswerable questions of `evals/`, coverage beside it
    did not part them any better (cross-validated). Where no search was made, the words are all there is.
    """
    return max((min(1.0, each.best) if each.evidence.score is None else each.evidence.score for each in chosen), default=0.0)
