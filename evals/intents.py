"""Example questions with one answer each, as a desk writes them down: is the right answer found, and none for what no example is like?

    python -m evals.intents --data ../shared/data

Every intent is a document whose `variants` are its training sentences. A set without sentences out of scope has no AUROC.
"""

import argparse
import asyncio
import csv
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from deskhand.knowledge import KnowledgeOptions, SourceDocument
from evals.base import ask, filled
from evals.measures import auroc
from evals.sets import JudgedSet, Question, read_lines

_EXAMPLES_OF_AN_INTENT = 10
_ASKED = 700
_HELD_BACK = 0.2

Labelled = list[tuple[str, str]]


def load(name: str, folder: Path) -> tuple[Labelled, Labelled]:
    """What is learnt and what is asked. Of a bot whose test is not there, a fifth of what could be learnt is asked."""
    if name == "banking77":
        return _banking(folder / "intents_banking77")
    learnt = _lines(folder / "intents_hint3" / f"{name}_train.jsonl")
    test = folder / "intents_hint3" / f"{name}_test.jsonl"
    if test.exists():
        return learnt, _lines(test)
    random.Random(3).shuffle(learnt)
    held_back = int(len(learnt) * _HELD_BACK)
    return learnt[held_back:], learnt[:held_back]


def documents_of(name: str, learnt: Labelled) -> JudgedSet:
    examples: dict[str, list[str]] = {}
    for text, label in learnt:
        examples.setdefault(label, []).append(text)
    documents = {
        label: SourceDocument(
            origin=f"evals:intents:{name}:{label}",
            source=label,
            filename="answer.md",
            data=f"The answer to {label}.".encode(),
            title=label,
            metadata={"variants": texts},
        )
        for label, texts in examples.items()
    }
    return JudgedSet(f"intents_{name}", documents, ())


async def measure(name: str, folder: Path) -> tuple[int, float, float | None]:
    """How many were asked, the share of those in scope that found their intent, and the AUROC of the score for being in scope."""
    learnt, asked = load(name, folder)
    judged = documents_of(name, learnt)
    right: list[bool] = []
    inside: list[float] = []
    outside: list[float] = []
    async with filled(judged, KnowledgeOptions()) as knowledge:
        for text, label in asked:
            found = await ask(knowledge, Question(text, (), frozenset()), with_earlier=False)
            score = found[0].score if found else 0.0
            if label in judged.documents:
                inside.append(score)
                right.append(bool(found) and found[0].source == label)
            else:
                outside.append(score)
    return len(asked), fmean(right), auroc(inside, outside) if outside else None


def _lines(path: Path) -> Labelled:
    return [(row["text"], row["label"]) for row in read_lines(path) if row["text"].strip()]


def _banking(folder: Path) -> tuple[Labelled, Labelled]:
    outside = set(json.loads((folder / "id_oos_split.json").read_text(encoding="utf-8"))["out_of_scope"])
    chance = random.Random(3)
    learnt = [pair for pair in _table(folder / "train.csv") if pair[1] not in outside]
    asked = _table(folder / "test.csv")
    chance.shuffle(learnt)
    chance.shuffle(asked)
    kept: dict[str, Labelled] = {}
    for pair in learnt:
        kept.setdefault(pair[1], []).append(pair)
    return [pair for pairs in kept.values() for pair in pairs[:_EXAMPLES_OF_AN_INTENT]], asked[:_ASKED]


def _table(path: Path) -> Labelled:
    with path.open(encoding="utf-8", newline="") as lines:
        return [(row["text"], row["category"]) for row in csv.DictReader(lines)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.intents", description="Measure answers that are found by example questions.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    options, _ = parser.parse_known_args(arguments)
    print(f"{'set':<16}{'asked':>7}{'accuracy':>10}{'AUROC':>8}")
    for name in ("curekart", "powerplay11", "sofmattress", "banking77"):
        asked, accuracy, parted = asyncio.run(measure(name, options.data))
        print(f"{name:<16}{asked:>7}{accuracy:>10.3f}{'–' if parted is None else format(parted, '.3f'):>8}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
