"""Does the search find the documents that answer? nDCG@10 beside its baselines, one configuration for all sets.

    python -m evals.retrieval --data ../shared/data --json .cache/evals/retrieval.json

`words` is our search without the vectors; `slips` the whole search when each question has one or two slips of the pen.
"""

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from deskhand.knowledge import Embedder, KnowledgeOptions, KnowledgeService, Weights
from evals.base import ask, documents_of, filled
from evals.baselines import Baselines, measure_baselines
from evals.measures import ndcg
from evals.retrieval_sets import ALL, load_any, with_slips
from evals.sets import JudgedSet, Question

_SEED = 7


@dataclass(frozen=True, slots=True)
class Figures:
    """All nDCG@10."""

    set: str
    earlier_turns: bool
    questions: int
    ours: float
    words: float
    slips: float
    baselines: Baselines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.retrieval", description="Measure the search on judged sets.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    parser.add_argument("--set", choices=ALL, action="append", dest="sets", help="only this one; may be repeated")
    parser.add_argument("--json", type=Path, default=Path(".cache/evals/retrieval.json"), help="where to write the figures")
    options = parser.parse_args(arguments)
    embedder = Embedder()
    figures: list[Figures] = []
    print(f"{'set':<38}{'n':>5}{'ours':>7}{'words':>7}{'slips':>7} │{'BM25':>6}{'MiniLM':>8}{'fused':>7} │{'to best':>9}{'to fused':>9}")
    for name in options.sets or ALL:
        for found in asyncio.run(measure(load_any(name, options.data), embedder)):
            figures.append(found)
            print(_line(found), flush=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(each) for each in figures], indent=2) + "\n", encoding="utf-8")
    return 0


async def measure(judged: JudgedSet, embedder: Embedder) -> list[Figures]:
    """Without the earlier turns and, where there are any, with them."""
    questions = [question for question in judged.questions if question.relevant]
    slipped = [with_slips(question, random.Random(_SEED + place)) for place, question in enumerate(questions)]
    found: list[Figures] = []
    for with_earlier in (False, True) if any(question.earlier for question in questions) else (False,):
        async with filled(judged, KnowledgeOptions()) as knowledge:
            ours = await _ndcg(knowledge, questions, with_earlier=with_earlier)
            slips = await _ndcg(knowledge, slipped, with_earlier=with_earlier)
        async with filled(judged, KnowledgeOptions(weights=Weights(dense=0.0))) as knowledge:
            words = await _ndcg(knowledge, questions, with_earlier=with_earlier)
        baselines = measure_baselines(judged, questions, embedder, with_earlier=with_earlier)
        found.append(Figures(judged.name, with_earlier, len(questions), ours, words, slips, baselines))
    return found


async def _ndcg(knowledge: KnowledgeService, questions: Sequence[Question], *, with_earlier: bool) -> float:
    ranked = [documents_of(await ask(knowledge, question, with_earlier=with_earlier)) for question in questions]
    return fmean(ndcg(keys, question.relevant, at=10) for keys, question in zip(ranked, questions, strict=True))


def _line(found: Figures) -> str:
    name = found.set + (", with earlier turns" if found.earlier_turns else "")
    base = found.baselines
    ours = f"{found.ours:>7.3f}{found.words:>7.3f}{found.slips:>7.3f}"
    beside = f"{base.bm25:>6.3f}{base.minilm:>8.3f}{base.fused:>7.3f}"
    ahead = f"{100 * (found.ours - max(base.bm25, base.minilm)):>+9.1f}{100 * (found.ours - base.fused):>+9.1f}"
    return f"{name:<38}{found.questions:>5}{ours} │{beside} │{ahead}"


if __name__ == "__main__":
    sys.exit(main())
