"""How likely it is that what was found answers the question, as one number between 0 and 1. Pure.

A passage may be the nearest and still not answer. What tells the two apart is the same in every knowledge base: how near the passage is,
and how much of the question it has; how far it stands out from what else was found; whether it has the kind of thing that is asked for
(a time, an amount); whether it names what the question names, and the question what it is about. The invariant: the number says the same
of every question, whatever the knowledge base, so that one floor holds everywhere.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import accumulate

from deskhand.knowledge.ranking import Hit
from deskhand.questions import holds, names_in, wanted
from deskhand.words import content_stems, fold, stem, words

# Where the background begins and ends among the candidates; what it has where little else was found, and how many candidates that counts.
_BACKGROUND = slice(10, 40)
_NEAR = slice(3, 10)
_USUAL_COSINE = 0.2
_USUAL_COVERAGE = 0.15
_USUAL_COUNTS = 5
# Of how many passages one has to have what is asked for.
READ = 2
_SHORTEST_SLIP = 5


@dataclass(frozen=True, slots=True)
class Features:
    """Of a passage, for its question. Shares and cosines in [0, 1]; differences in [-1, 1]. What is missing is 0 where nothing is.

    `cosine` and those after it that end alike count as far as the model knows the language (`familiar`), the others as far as it does not.
    """

    cosine: float
    coverage: float
    coverage_unfamiliar: float
    familiar: float
    cosine_above_background: float
    coverage_above_next: float
    kind_missing: float
    names_missing: float
    title_said: float


# Logistic regression of "the documents answer this question" on the best passage of each, by `python -m evals.answers_fit`, which prints
# how well it does on each set when it is learnt without it: AUROC .921 on rag_mtragun_cloud, .933 on questions that nobody had seen.
WEIGHTS = Features(
    cosine=0.90,
    coverage=0.74,
    coverage_unfamiliar=2.74,
    familiar=-0.58,
    cosine_above_background=3.54,
    coverage_above_next=2.32,
    kind_missing=-0.79,
    names_missing=-0.64,
    title_said=0.48,
)
# From that to a chance: Platt's two parameters, learnt on answers that were as sure as this alone.
SLOPE = 1.53
BIAS = -2.06


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question and all that was found for it have in common, which every passage is compared with."""

    familiarity: float
    background: float
    next_coverage: float
    kind_missing: float
    names_missing: float
    title_said: float


def read_asked(question: str, found: Sequence[Hit], texts: Sequence[str], *, familiarity: float) -> Asked:
    """`found` are all candidates, best first; `texts` those of the best passages, their titles with them."""
    return Asked(
        familiarity=familiarity,
        background=_usual([hit.cosine for hit in found[_BACKGROUND]], otherwise=_USUAL_COSINE),
        next_coverage=_usual([hit.coverage for hit in found[_NEAR]], otherwise=_USUAL_COVERAGE),
        kind_missing=_kind_missing(question, texts[:READ]),
        names_missing=_names_missing(question, texts[:1]),
        title_said=_title_said(question, texts[:1]),
    )


def passage_text(title: str, section: str | None, text: str) -> str:
    return f"{title}\n{section or ''}\n{text}"


def features(hit: Hit, asked: Asked) -> Features:
    known = asked.familiarity
    return Features(
        cosine=known * hit.cosine,
        coverage=known * hit.coverage,
        coverage_unfamiliar=(1 - known) * hit.coverage,
        familiar=known,
        cosine_above_background=known * (hit.cosine - asked.background),
        coverage_above_next=hit.coverage - asked.next_coverage,
        kind_missing=asked.kind_missing,
        names_missing=asked.names_missing,
        title_said=asked.title_said,
    )


def answer_chances(hits: Sequence[Hit], asked: Asked) -> list[float]:
    """For each hit, in (0, 1)."""
    return [_chance(features(hit, asked)) for hit in hits]


def descending(chances: Sequence[float]) -> list[float]:
    """Chances that never rise with the rank: none counts more than one above it."""
    return list(accumulate(chances, min))


def _chance(given: Features) -> float:
    evidence = sum(weight * value for weight, value in zip(astuple(WEIGHTS), astuple(given), strict=True))
    return 1 / (1 + math.exp(-(BIAS + SLOPE * evidence)))


def _usual(values: Sequence[float], *, otherwise: float) -> float:
    """The mean, drawn towards what is usual where it is of few."""
    return (sum(values) + _USUAL_COUNTS * otherwise) / (len(values) + _USUAL_COUNTS)


def _kind_missing(question: str, texts: Sequence[str]) -> float:
    text = fold("\n".join(texts))
    return float(any(not holds(text, kind) for kind in wanted(fold(question))))


def _names_missing(question: str, texts: Sequence[str]) -> float:
    """The share of the names in the question that stand nowhere in the texts, one slip of the pen apart."""
    names = names_in(question)
    if not names:
        return 0.0
    there = {stem(word) for text in texts for word in words(text)}
    return sum(not _stands(stem(name), there) for name in names) / len(names)


def _title_said(question: str, texts: Sequence[str]) -> float:
    """The share of the words of the best passage's title that the question has: a page about another product is a near miss."""
    title = frozenset(content_stems(texts[0].split("\n", maxsplit=1)[0])) if texts else frozenset()
    return len(title.intersection(content_stems(question))) / len(title) if title else 0.0


def _stands(name: str, there: set[str]) -> bool:
    if name in there:
        return True
    return len(name) >= _SHORTEST_SLIP and any(_is_near(name, word) for word in there if word[0] == name[0])


def _is_near(name: str, word: str) -> bool:
    """Whether all but a letter of the longer one is the beginning and the end of the other."""
    if abs(len(name) - len(word)) > 1:
        return False
    start = next((at for at, (one, other) in enumerate(zip(name, word, strict=False)) if one != other), min(len(name), len(word)))
    end = 0
    while end < min(len(name), len(word)) - start and name[-1 - end] == word[-1 - end]:
        end += 1
    return start + end >= max(len(name), len(word)) - 1
