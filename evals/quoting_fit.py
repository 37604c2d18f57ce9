"""The weights of `models/quotation/sureness.py`: when is a quotation right, by the search's chance and by the line that is quoted first?

    python -m evals.quoting_fit --data ../shared/data

Every question is answered with no floor, so that there is an answer to be judged also where none would be given. It is right when it is
of a document that answers and has the words that answer, where those are known. Of the sets in German and Chinese each question is also
asked as if the documents that answer it were not there. Every set counts the same; the rows to believe are those of "left out", where a
set and its kin were not learnt from.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge import Audience, KnowledgeOptions, KnowledgeService, Passage
from deskhand.models.quotation.choice import Evidence, choose, lines_of
from deskhand.models.quotation.parts import parts_of
from deskhand.models.quotation.sureness import BIAS, BY_CHANCE, BY_LINE, log_odds
from deskhand.questions import wanted
from deskhand.texts import language_of
from deskhand.words import fold
from evals.answers_calibrate import asked_of_cloud
from evals.base import filled
from evals.measures import auroc
from evals.quoting import Expected, expected_of, samples
from evals.sets import JudgedSet, load

_PASSAGES = 5
_EARLIER = 2
_SAMPLED = 110
_RIDGE = 1.0
_ROUNDS = 30
_SAMPLES = "samples"


@dataclass(frozen=True, slots=True)
class Judged:
    """`rows` is [answers, 2]: the log-odds of the search's chance, and how well the line answers that is quoted first.

    `by_words`: where its words alone say so, because no kind of thing was asked for that a line may have besides.
    """

    name: str
    rows: NDArray[np.float64]
    right: NDArray[np.float64]
    by_words: NDArray[np.bool_]

    @property
    def family(self) -> str:
        return self.name.split(",")[0]


async def _judged(name: str, judged: JudgedSet, asked: Sequence[Expected], *, taken_away: bool) -> Judged:
    rows: list[tuple[float, float]] = []
    right: list[bool] = []
    by_words: list[bool] = []
    async with filled(judged, KnowledgeOptions()) as knowledge:
        for each in asked:
            if len(parts_of(each.question)) > 1:
                continue
            earlier = each.earlier[-_EARLIER:]
            found = await knowledge.search(each.question, limit=_PASSAGES, audience=Audience.public(), earlier=earlier)
            without = [passage for passage in found if passage.source not in each.documents]
            for passages, is_there in ((found, bool(each.documents)), *([(without, False)] if taken_away else [])):
                answer = await _answer(knowledge, each, passages)
                if answer is not None:
                    row, is_right = answer
                    rows.append(row)
                    right.append(is_there and is_right)
                    by_words.append(not wanted(fold(each.question)))
    return Judged(name, np.array(rows), np.array(right, float), np.array(by_words))


async def _answer(knowledge: KnowledgeService, asked: Expected, passages: Sequence[Passage]) -> tuple[tuple[float, float], bool] | None:
    """What the quotation is weighed by, and whether it is the one expected; `None` where nothing can be quoted."""
    evidence = [Evidence(n, each.text, each.title, each.section or "", each.score) for n, each in enumerate(passages)]
    earlier = asked.earlier[-_EARLIER:]
    lines = lines_of(evidence)
    cosines = dict(zip(lines, await knowledge.lines.compare(asked.question, earlier, lines), strict=True))
    choice = choose(asked.question, evidence, earlier=earlier, language=language_of(asked.question), cosines=cosines)
    if not choice.quotations:
        return None
    source = passages[choice.quotations[0].number].source
    text = "\n".join(unit.text for quotation in choice.quotations for unit in quotation.units)
    is_right = any(name in source for name in asked.documents) and all(each in text for each in asked.contains)
    return (log_odds(max(each.score for each in passages)), choice.line), is_right


async def _collect(folder: Path) -> Iterator[Judged]:
    cloud = load("rag_mtragun_cloud", folder)
    sets = [
        (_SAMPLES, samples(), expected_of("samples"), False),
        (f"{_SAMPLES}, fresh", samples(), expected_of("fresh"), False),
        (f"{_SAMPLES}, customers", samples(), expected_of("customers"), False),
        ("bank", load("kb_tau_banking", folder), expected_of("banking"), False),
        (cloud.name, cloud, asked_of_cloud(cloud), False),
    ]
    for name in ("xquad_de", "xquad_zh"):
        judged = load(name, folder)
        chosen = random.Random(5).sample(judged.questions, _SAMPLED)
        sets.append((name, judged, [Expected("", each.text, (), tuple(each.relevant), ()) for each in chosen], True))
    return iter([await _judged(name, judged, asked, taken_away=taken_away) for name, judged, asked, taken_away in sets])


def learn(sets: Sequence[Judged]) -> NDArray[np.float64]:
    """Logistic regression by Newton's method on the rows `by_words`, every set weighing the same: weights, then the bias."""
    rows = np.concatenate([each.rows[each.by_words] for each in sets])
    right = np.concatenate([each.right[each.by_words] for each in sets])
    weights = np.concatenate([np.full(each.by_words.sum(), 100 / each.by_words.sum()) for each in sets])
    spread = rows.std(axis=0)
    scaled = np.hstack([rows / spread, np.ones((len(rows), 1))])
    ridge = np.diag([_RIDGE] * rows.shape[1] + [0.0])
    learnt = np.zeros(scaled.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-scaled @ learnt))
        curvature = (scaled.T * (weights * chance * (1 - chance))) @ scaled + ridge
        learnt += np.linalg.solve(curvature, scaled.T @ (weights * (right - chance)) - ridge @ learnt)
    return np.append(learnt[:-1] / spread, learnt[-1])


def _row(each: Judged, learnt: NDArray[np.float64]) -> str:
    """How well right answers are told from wrong ones by the chance alone, and with the line; how many of each are given at one half."""
    odds = each.rows @ learnt[:-1] + learnt[-1]
    is_right = each.right > 0
    parted = [auroc(list(values[is_right]), list(values[~is_right])) for values in (each.rows[:, 0], odds)]
    given = [int((values > 0)[kind].sum()) for values in (each.rows[:, 0], odds) for kind in (is_right, ~is_right)]
    return f"{each.name:<22}{len(odds):>5}{parted[0]:>8.3f}{parted[1]:>8.3f}{given[0]:>7}{given[1]:>5}{given[2]:>7}{given[3]:>5}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.quoting_fit", description="Learn when a quotation is right.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    options, _ = parser.parse_known_args(arguments)
    sets = list(asyncio.run(_collect(options.data)))
    print(f"{'left out':<22}{'n':>5}{'chance':>8}{'+ line':>8}{'right':>7}{'not':>5}{'right':>7}{'not':>5}")
    for each in sets:
        print(_row(each, learn([other for other in sets if other.family != each.family])))
    print("learnt", np.round(learn(sets), 2), "in use", [BY_CHANCE, BY_LINE, BIAS])
    return 0


if __name__ == "__main__":
    sys.exit(main())
