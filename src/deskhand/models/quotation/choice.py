"""Which passages answer a question, and how sure that is. Pure; no model, no vocabulary of any subject.

What is quoted is where most of the question's words, weighed by how telling they are among these passages, stand in one place under one
heading, and where a line is near to the question by its meaning. Whether it is quoted at all is decided by how sure the search is, and
by how much of the question stands in the line (`sureness`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deskhand.models.quotation.asking import Asked, read_question, telling
from deskhand.models.quotation.blocks import Unit, cut
from deskhand.models.quotation.doubt import Candidate, open_options
from deskhand.models.quotation.extent import Weighed, extent
from deskhand.models.quotation.sureness import log_odds, sureness
from deskhand.words import StemFinder, content_stems

MOST_PASSAGES = 2
# A further passage must be nearly as good as the first, by its words and by the search, and say a good part of what is not said yet.
_NEAR_FIRST = 0.85
_WORTH_ADDING = 0.25
# How much farther from the question its nearest line may be.
_FAR_LINE = 0.15
# What makes a passage the one to quote: the log-odds of its score, its words against those of the best, the words of its title that were
# said, and how near its nearest line is; less where it lacks what alone would answer, an amount or the hours of the day.
# By the questions of `evals/quoting.py`, as conditional logit over their passages: the optimum is flat.
_BY_SCORE = 0.8
_BY_WORDS = 2.0
_BY_TITLE = 1.5
_BY_LINE = 13.5
_BY_LACK = -2.0
# How much a cosine above that of the passage's other lines counts for a line beside its words.
_LINE_WEIGHT = 1.0
_MOST_LINES = 12
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

    @property
    def name(self) -> str:
        """What to call it: its section within its document."""
        return " ".join(" › ".join(filter(None, (self.title, self.section))).split())


@dataclass(frozen=True, slots=True)
class Quotation:
    """What to quote of one passage, in its order."""

    number: int
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`confidence` in [0, 1] that the quotations answer the question; no quotations when nothing fits at all.

    `options` are what the question may be about, where it leaves that open; `nearest` the names of what was found nearest, best first.
    `line` is how well the line answers that is quoted first: the share of the question's words that it and its headings have, from 0, and
    above 1 where it is also of the kind that was asked for.
    """

    quotations: tuple[Quotation, ...]
    confidence: float
    options: tuple[Candidate, ...] = ()
    nearest: tuple[str, ...] = ()
    line: float = 0.0


@dataclass(frozen=True, slots=True)
class _Scored:
    evidence: Evidence
    weighed: Weighed
    # Those of the question's stems that stand in it.
    stems: frozenset[str]

    # The cosine of the line that is nearest to the question; 0 where none was compared.
    nearest: float

    @property
    def best(self) -> float:
        return max(self.weighed.scores, default=0.0)

    @property
    def line(self) -> str:
        scores = self.weighed.scores
        return self.weighed.units[max(range(len(scores)), key=lambda at: scores[at])].text


def lines_of(passages: Sequence[Evidence]) -> list[str]:
    """What of the passages is worth comparing with the question by its meaning, for `choose`: each line under its heading."""
    return list(dict.fromkeys(_line(passage, unit) for passage in passages for unit in cut(passage.text)[:_MOST_LINES]))


def choose(
    question: str,
    passages: Sequence[Evidence],
    *,
    earlier: Sequence[str] = (),
    language: str = "en",
    cosines: Mapping[str, float] | None = None,
) -> Choice:
    """Choose what to quote.

    `passages` best first; `earlier` are the customer's messages before, oldest first; `cosines` of `lines_of(passages)` with the
    question, where meanings can be compared.
    """
    asked = read_question(question, earlier, texts=[f"{each.title} {each.section} {each.text}" for each in passages], language=language)
    if not asked.stems or not passages:
        return Choice((), 0.0)
    cuts = [cut(passage.text) for passage in passages]
    finder = StemFinder(asked.stems, language)
    bags = [[finder.find(unit.text) for unit in units] for units in cuts]
    weights = telling(asked, [bag for each in bags for bag in each])
    scored = [
        _score(passage, units, own, weights=weights, asked=asked, finder=finder, cosines=cosines or {})
        for passage, units, own in zip(passages, cuts, bags, strict=True)
        if units
    ]
    if not scored:
        return Choice((), 0.0)
    top = max((passage.score for passage in passages if passage.score is not None), default=1.0)
    most = max(each.best for each in scored) or 1.0

    def place(each: _Scored) -> float:
        return (
            _BY_SCORE * log_odds(top if each.evidence.score is None else each.evidence.score)
            + _BY_WORDS * each.best / most
            + _BY_TITLE * _said_of(each.evidence.title, asked, language=language)
            + _BY_LINE * each.nearest
            + _BY_LACK * (asked.lacks(each.evidence.text) or asked.other_than(each.evidence.section))
        )

    ranked = sorted(scored, key=lambda each: -place(each))
    chosen = ranked[:1]
    for each in ranked[1:]:
        if len(chosen) < MOST_PASSAGES and _adds(each, chosen, weights, asked=asked):
            chosen.append(each)
    quotations = tuple(Quotation(each.evidence.number, extent(each.weighed, asked, telling=weights, finder=finder)) for each in chosen)
    nearest = tuple(dict.fromkeys(each.evidence.name for each in ranked if each.evidence.score is not None))
    return Choice(quotations, _confidence(ranked), _options(ranked, asked, language=language), nearest, ranked[0].best)


def _said_of(title: str, asked: Asked, *, language: str) -> float:
    """The share of a title's words that the question has, in [0, 1]."""
    stems = frozenset(content_stems(title, language))
    return len(stems & asked.stems.keys()) / len(stems) if stems else 0.0


def joined(choices: Sequence[Choice]) -> Choice:
    """The quotations of several choices as one: each passage once, each of its lines once, at most three passages."""
    units: dict[int, list[Unit]] = {}
    for choice in choices:
        for quotation in choice.quotations[: MOST_PASSAGES if len(choices) == 1 else 1]:
            own = units.setdefault(quotation.number, [])
            own.extend(unit for unit in quotation.units if unit not in own)
    quotations = tuple(Quotation(number, tuple(sorted(own, key=lambda unit: unit.block))) for number, own in units.items())
    return Choice(quotations, max((choice.confidence for choice in choices), default=0.0))


def _line(passage: Evidence, unit: Unit) -> str:
    return f"{unit.heading or passage.section or passage.title}: {unit.text}"


def _score(
    passage: Evidence,
    units: list[Unit],
    own: list[frozenset[str]],
    *,
    weights: dict[str, float],
    asked: Asked,
    finder: StemFinder,
    cosines: Mapping[str, float],
) -> _Scored:
    total = sum(weights.values())
    headings = {heading: finder.find(heading) for heading in {unit.heading for unit in units}}
    about = finder.find(f"{passage.title} {passage.section}")
    near = [cosines.get(_line(passage, unit), 0.0) for unit in units]
    usual = sum(near) / len(near)
    scores: list[float] = []
    for unit, bag, cosine in zip(units, own, near, strict=True):
        # A cell is named by its row and its column alike; a step or a point by what introduces it.
        inside = bag if unit.lead is None else bag | own[unit.lead]
        above = (headings[unit.heading] | about) - inside
        score = (sum(weights[stem] for stem in inside) + _HEADING_WEIGHT * sum(weights[stem] for stem in above)) / total
        if score:
            score += _KIND_BONUS if asked.fits(unit) else 0.0
            # A long unit meets words by chance.
            score *= 1 / (1 + max(0, len(unit.text) - _LONG_CHARACTERS) / (2 * _LONG_CHARACTERS))
        scores.append(max(0.0, score + _LINE_WEIGHT * (cosine - usual)))
    about = about.union(*headings.values())
    heading_share = sum(weights[stem] for stem in about) / total
    return _Scored(passage, Weighed(units, scores, own, about, heading_share), about.union(*own), max(near))


def _options(ranked: list[_Scored], asked: Asked, *, language: str) -> tuple[Candidate, ...]:
    """Only a figure is asked back for: of what is described, each description is an answer."""
    if not asked.figure:
        return ()
    first = ranked[0]
    least = _RIVAL * max(each.evidence.score or 0.0 for each in ranked)
    rivals = [each for each in ranked if each.best >= _AS_GOOD * first.best and (each.evidence.score or 0.0) >= least]
    candidates = [Candidate(each.evidence.number, each.evidence.title, each.line) for each in rivals]
    return open_options(candidates, said=frozenset(asked.stems), language=language)


def _adds(candidate: _Scored, chosen: list[_Scored], weights: dict[str, float], *, asked: Asked) -> bool:
    """Whether a further passage says something that was asked and is not said yet, and is nearly as good as the first."""
    first = chosen[0]
    if candidate.nearest < first.nearest - _FAR_LINE:
        return False
    if candidate.best < _NEAR_FIRST * first.best or (candidate.evidence.score or 0.0) < _NEAR_FIRST * (first.evidence.score or 0.0):
        return False
    said = frozenset().union(*(each.stems for each in chosen))
    if asked.only("\n".join(each.evidence.text for each in chosen)):
        said |= asked.kind_stems
    return sum(weights[stem] for stem in candidate.stems - said) >= _WORTH_ADDING * sum(weights.values())


def _confidence(ranked: Sequence[_Scored]) -> float:
    """How sure the search is, and how well the line answers that is quoted; of a customer's file, which was not searched for, its words are
    all there is."""
    if ranked[0].evidence.score is None:
        return min(1.0, ranked[0].best)
    return sureness(max(each.evidence.score for each in ranked if each.evidence.score is not None), line=ranked[0].best)
