"""Does the search find the documents that answer? nDCG@10 and recall@5, one configuration for all sets.

python -m evals.retrieval --data ../shared/data --json .cache/evals/retrieval.json
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from deskhand.knowledge import KnowledgeOptions, Weights
from evals.base import ask, documents_of, filled
from evals.measures import ndcg, recall
from evals.sets import SETS, JudgedSet, load

# nDCG@10 from the README of the data: (BM25, MiniLM, tuned fusion). That of kb_tau_banking is of all its tasks, half of which are held
# back; the same baselines on the half that is here, computed apart: .250, .297, .335.
BASELINES: dict[tuple[str, bool], tuple[float | None, float | None, float | None]] = {
    ("rag_mtragun_cloud", False): (0.826, 0.784, 0.862),
    ("rag_mtragun_cloud", True): (0.846, 0.874, 0.910),
    ("kb_tau_banking", False): (0.332, 0.307, 0.361),
    ("xquad_de", False): (0.931, 0.716, None),
    ("xquad_zh", False): (0.905, 0.233, None),
}


@dataclass(frozen=True, slots=True)
class Figures:
    set: str
    earlier_turns: bool
    questions: int
    ndcg_10: float
    recall_5: float
    words_only_ndcg_10: float
    baseline_bm25: float | None
    baseline_minilm: float | None
    baseline_fused: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.retrieval", description="Measure the search on judged sets.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    parser.add_argument("--set", choices=SETS, action="append", dest="sets", help="only this one; may be repeated")
    parser.add_argument("--json", type=Path, default=Path(".cache/evals/retrieval.json"), help="where to write the figures")
    options = parser.parse_args(arguments)
    figures: list[Figures] = []
    print(f"{'set':<34}{'questions':>9}{'nDCG@10':>9}{'recall@5':>9}{'words':>8} │{'BM25':>7}{'MiniLM':>8}{'fused':>7}")
    for name in options.sets or SETS:
        for found in asyncio.run(measure(load(name, options.data))):
            figures.append(found)
            print(_line(found))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(each) for each in figures], indent=2) + "\n", encoding="utf-8")
    return 0


async def measure(judged: JudgedSet) -> list[Figures]:
    found: list[Figures] = []
    for with_earlier in (False, True):
        baseline = BASELINES.get((judged.name, with_earlier))
        if baseline is None:
            continue
        ranked = await _ranked(judged, KnowledgeOptions(), with_earlier=with_earlier)
        words = await _ranked(judged, KnowledgeOptions(weights=Weights(dense=0.0)), with_earlier=with_earlier)
        relevant = [question.relevant for question in judged.questions if question.relevant]
        found.append(
            Figures(
                set=judged.name,
                earlier_turns=with_earlier,
                questions=len(relevant),
                ndcg_10=fmean(ndcg(keys, right, at=10) for keys, right in zip(ranked, relevant, strict=True)),
                recall_5=fmean(recall(keys, right, at=5) for keys, right in zip(ranked, relevant, strict=True)),
                words_only_ndcg_10=fmean(ndcg(keys, right, at=10) for keys, right in zip(words, relevant, strict=True)),
                baseline_bm25=baseline[0],
                baseline_minilm=baseline[1],
                baseline_fused=baseline[2],
            )
        )
    return found


async def _ranked(judged: JudgedSet, options: KnowledgeOptions, *, with_earlier: bool) -> list[list[str]]:
    """The documents found for each question that has an answer, best first."""
    async with filled(judged, options) as knowledge:
        return [
            documents_of(await ask(knowledge, question, with_earlier=with_earlier)) for question in judged.questions if question.relevant
        ]


def _line(found: Figures) -> str:
    name = found.set + (", with earlier turns" if found.earlier_turns else "")
    baselines = (found.baseline_bm25, found.baseline_minilm, found.baseline_fused)
    shown = [f"{value:.3f}" if value is not None else "–" for value in baselines]
    ours = f"{found.ndcg_10:>9.3f}{found.recall_5:>9.3f}{found.words_only_ndcg_10:>8.3f}"
    return f"{name:<34}{found.questions:>9}{ours} │{shown[0]:>7}{shown[1]:>8}{shown[2]:>7}"


if __name__ == "__main__":
    sys.exit(main())
