"""Does the confidence mean what it says? How far it is off, and the two parameters that would put right what is left.

    python -m evals.answers_calibrate --data ../shared/data

Every question is answered by the agent with no floor, so that an answer is there to be judged also where none would be given. An answer is
right when it cites a document that answers first and, where that is known, has the words that answer. Each set's error is also printed for
parameters that were learnt from the other sets: that is what a company's own documents may expect.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge import KnowledgeOptions
from deskhand.persistence import Database, metadata
from evals.answers import ANSWERABLE, Desk
from evals.base import filled
from evals.quoting import Expected, ask_desk, expected_of, samples
from evals.sets import JudgedSet, load

_BINS = 10
_ROUNDS = 50
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The confidence of each answer, in (0, 1), and whether it was right."""

    name: str
    confidence: NDArray[np.float64]
    right: NDArray[np.float64]


async def _outcomes(name: str, judged: JudgedSet, expected: Sequence[Expected]) -> Outcomes:
    confidence: list[float] = []
    right: list[bool] = []
    async with filled(judged, KnowledgeOptions()) as knowledge:
        with tempfile.TemporaryDirectory() as folder:
            database = await Database.open(f"sqlite:///{folder}/sessions.db")
            await database.write(lambda tx: metadata.create_all(tx.connection))
            desk = Desk.open(database, knowledge, confidence_floor=0.0)
            for each in expected:
                outcome = await ask_desk(desk, each)
                confidence.append(outcome.confidence)
                right.append(bool(each.documents) and outcome.right)
            await database.close()
    return Outcomes(name, np.clip(np.array(confidence), _LEAST, 1 - _LEAST), np.array(right, float))


def asked_of_cloud(judged: JudgedSet) -> list[Expected]:
    chosen = [each for each in judged.questions if each.answerability in {*ANSWERABLE, "UNANSWERABLE"}]
    return [Expected("", each.text, each.earlier, tuple(each.relevant) if each.answerability in ANSWERABLE else (), ()) for each in chosen]


def learn(sets: Sequence[Outcomes]) -> tuple[float, float]:
    """Platt's slope and bias over the log-odds of the confidence, every set weighing the same."""
    odds = np.concatenate([np.log(each.confidence / (1 - each.confidence)) for each in sets])
    right = np.concatenate([each.right for each in sets])
    weights = np.concatenate([np.full(len(each.right), 1 / len(each.right)) for each in sets])
    rows = np.stack([odds, np.ones_like(odds)], axis=1)
    learnt = np.array([1.0, 0.0])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-rows @ learnt))
        curvature = (rows.T * (weights * chance * (1 - chance))) @ rows + 1e-9 * np.eye(2)
        learnt += np.linalg.solve(curvature, rows.T @ (weights * (right - chance)))
    return float(learnt[0]), float(learnt[1])


def put_right(confidence: NDArray[np.float64], slope: float, bias: float) -> NDArray[np.float64]:
    odds = np.log(confidence / (1 - confidence))
    return np.asarray(1 / (1 + np.exp(-(slope * odds + bias))))


def error(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Expected calibration error over ten bins of equal width."""
    places = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    bins = [places == place for place in range(_BINS) if (places == place).any()]
    return float(sum(one.mean() * abs(confidence[one].mean() - right[one].mean()) for one in bins))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.answers_calibrate", description="Measure what the confidence means.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    options, _ = parser.parse_known_args(arguments)
    cloud = load("rag_mtragun_cloud", options.data)
    given = [
        ("rag_mtragun_cloud", cloud, asked_of_cloud(cloud)),
        ("samples", samples(), expected_of("samples")),
        ("fresh", samples(), expected_of("fresh")),
        ("banking", load("kb_tau_banking", options.data), expected_of("banking")),
    ]
    sets = [asyncio.run(_outcomes(*each)) for each in given]
    print(f"{'calibration error':<22}{'answers':>8}{'right':>7}{'in use':>8}{'left out':>10}")
    for each in sets:
        others = learn([other for other in sets if other.name != each.name])
        left_out = error(put_right(each.confidence, *others), each.right)
        now = error(each.confidence, each.right)
        print(f"{each.name:<22}{len(each.right):>8}{each.right.mean():>7.2f}{now:>8.3f}{left_out:>10.3f}")
    confidence, right = np.concatenate([each.confidence for each in sets]), np.concatenate([each.right for each in sets])
    print(f"{'all':<22}{len(right):>8}{right.mean():>7.2f}{error(confidence, right):>8.3f}")
    print("\nconfidence   answers   said   right")
    places = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    for place in range(_BINS):
        one = places == place
        if one.any():
            print(f"{place / _BINS:.1f}–{(place + 1) / _BINS:.1f}{one.sum():>12}{confidence[one].mean():>8.2f}{right[one].mean():>8.2f}")
    slope, bias = learn(sets)
    print(f"\nlog-odds to put right: {slope:.3f} x {bias:+.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
