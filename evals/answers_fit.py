"""The weights of `knowledge/answering.py`, and how well they do on a set that they were not learnt from.

    python -m evals.answers_fit --data ../shared/data

A set is questions whose documents are there, against questions that nothing answers: real ones, or the same questions with the documents
that answer them taken away, which is the harder half. Every set counts the same. The rows to believe are those of "left out": sets that
nobody here has seen will do about as well.
"""

import argparse
import asyncio
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge import Audience, KnowledgeOptions, KnowledgeService, SourceDocument, documents_in
from deskhand.knowledge.answering import READ, WEIGHTS, Features, features, passage_text, read_asked
from deskhand.knowledge.passage_repository import find_passages
from deskhand.knowledge.ranking import dense_share, rank, reconsidered
from evals.answers import ANSWERABLE
from evals.base import filled
from evals.measures import auroc
from evals.quoting import expected_of, samples
from evals.sets import JudgedSet, Question, load, read_lines

_CANDIDATES = 60
_SAMPLED = 160
# Strong, because most of the features say much the same; it also makes all weights small, which the calibration puts right.
_RIDGE = 100.0
_ROUNDS = 40
_ASKS = r"(?:How|What|When|Why|Can|Does|Do|Is|Are|Which|Where|Who)\b"
_UNNAMED = "Help"
# Sets that share documents are left out together.
_REMOVED = ", answers removed"


@dataclass(frozen=True, slots=True)
class Parted:
    """The features of questions that are answered, and of those that are not: [questions, features]."""

    name: str
    answered: NDArray[np.float64]
    unanswered: NDArray[np.float64]

    @property
    def family(self) -> str:
        return self.name.split(",")[0]


async def _features(knowledge: KnowledgeService, question: Question, *, removed: frozenset[str] = frozenset()) -> list[float]:
    """Of the best passage for a question, as if the documents of `removed` were not there."""
    index, audience = knowledge._index, Audience.public()
    query = knowledge._searcher._reader.read(question.text, question.earlier[-3:], frequencies=await index.frequencies(audience))
    share = dense_share(query, knowledge._options.weights)
    found = await index.candidates(query, audience=audience, share=share, limit=_CANDIDATES)
    hits = rank(found, share=share, limit=_CANDIDATES)
    read = partial(find_passages, chunk_ids=[hit.chunk_id for hit in hits], audience=audience)
    rows = await knowledge._database.read(read)
    left = [hit for hit in hits if rows[hit.chunk_id].source not in removed]
    vectors = found.vectors(np.array([hit.place for hit in left], np.intp))
    left = reconsidered(left, vectors, share=share, weights=knowledge._options.weights)
    if not left:
        return [0.0] * len(fields(Features))
    texts = [passage_text(row.title, row.section, row.text) for row in (rows[hit.chunk_id] for hit in left[:READ])]
    return list(astuple(features(left[0], read_asked(question.text, left, texts, familiarity=query.familiarity))))


async def _parted(
    judged: JudgedSet, *, answered: Sequence[Question], unanswered: Sequence[Question], removed: Sequence[Question]
) -> Iterator[Parted]:
    async with filled(judged, KnowledgeOptions()) as knowledge:
        found = np.array([await _features(knowledge, question) for question in answered])
        pairs = [
            ("", [await _features(knowledge, question) for question in unanswered]),
            (_REMOVED, [await _features(knowledge, question, removed=question.relevant) for question in removed]),
        ]
    return iter([Parted(f"{judged.name}{kind}", found, np.array(rows)) for kind, rows in pairs if rows])


async def _collect(folder: Path) -> list[Parted]:
    cloud = load("rag_mtragun_cloud", folder)
    answerable = [question for question in cloud.questions if question.answerability in ANSWERABLE]
    unanswerable = [question for question in cloud.questions if question.answerability == "UNANSWERABLE"]
    parted = [*await _parted(cloud, answered=answerable, unanswered=unanswerable, removed=answerable)]
    for name, judged, own in (
        ("samples", samples(), "samples"),
        ("samples, fresh", samples(), "fresh"),
        ("samples, customers", samples(), "customers"),
        ("bank, ours", load("kb_tau_banking", folder), "banking"),
    ):
        asked = [(question, bool(question.relevant)) for question in _own(judged, own)]
        answered, unanswered = [one for one, can in asked if can], [one for one, can in asked if not can]
        found = await _parted(judged, answered=answered, unanswered=unanswered, removed=answered)
        parted += [Parted(f"{name}{each.name.removeprefix(judged.name)}", each.answered, each.unanswered) for each in found]
    bank = _bank(folder)
    for name, judged in (
        ("bank, near twins", bank),
        ("xquad_de", load("xquad_de", folder)),
        ("xquad_zh", load("xquad_zh", folder)),
    ):
        chosen = random.Random(7).sample(judged.questions, min(2 * _SAMPLED, len(judged.questions)))
        half = len(chosen) // 2
        found = await _parted(judged, answered=chosen[:half], unanswered=(), removed=chosen[half:])
        parted += [Parted(name, each.answered, each.unanswered) for each in found]
    return parted


def _own(judged: JudgedSet, name: str) -> Iterator[Question]:
    for expected in expected_of(name):
        # Those of `fresh` were learnt from before they were told apart.
        if expected.held_out and name != "fresh":
            continue
        relevant = frozenset(key for key in judged.documents if any(part in key for part in expected.documents))
        yield Question(expected.question, expected.earlier, relevant)


def _bank(folder: Path) -> JudgedSet:
    """The questions that the bank's documents have for titles or write out, taken out of them, with the product's name in them.

    Relevant is every document of that product: most of what one of them says, another says too. What is left are its near twins.
    """
    rows: dict[str, dict[str, str]] = {}
    titles: dict[str, str] = {}
    asked: list[tuple[str, str, str]] = []
    for row in read_lines(folder / "kb_tau_banking" / "corpus.jsonl"):
        title = titles[row["_id"]] = row["title"]
        named = re.match(rf"^(?!\(?Internal|FAQ)(.*?):\s*({_ASKS}.*)$", title)
        if named:
            asked.append((f"{named.group(2).rstrip('?')} with {named.group(1)}?", row["_id"], named.group(1)))
            title = named.group(1)
        elif re.match(rf"^{_ASKS}.*\?$", title):
            title = _UNNAMED
        inside = re.search(rf"^[-*]\s*(?:Q:\s*)?({_ASKS}[^?\n]{{10,120}}\?)", row["text"], re.MULTILINE)
        text = row["text"]
        if inside:
            product = re.sub(r"^FAQ:\s*|[:(-].*$", "", title).strip()
            if product != _UNNAMED:
                asked.append((f"{inside.group(1).rstrip('?')} with {product}?", row["_id"], product))
            text = text.replace(inside.group(1), "")
        rows[row["_id"]] = {"_id": row["_id"], "title": title, "text": text}
    lines = "\n".join(json.dumps(row) for row in rows.values()).encode()
    documents = {
        document.source.removeprefix("bank#"): document
        for document in documents_in("corpus.jsonl", lines, origin="evals:bank_asked", source="bank")
        if isinstance(document, SourceDocument)
    }
    questions = tuple(
        Question(text, (), frozenset(documents[kin].source for kin in documents if kin == key or _is_of(product, titles[kin])))
        for text, key, product in asked
    )
    return JudgedSet("bank_asked", documents, questions)


def _is_of(product: str, title: str) -> bool:
    return product.split(" (", maxsplit=1)[0].lower() in title.lower()


def learn(sets: Sequence[Parted]) -> NDArray[np.float64]:
    """Logistic regression, each half of each set weighing the same, by Newton's method on standardised features with a ridge."""
    rows = np.vstack([half for each in sets for half in (each.answered, each.unanswered)])
    labels = np.concatenate([np.concatenate([np.ones(len(each.answered)), np.zeros(len(each.unanswered))]) for each in sets])
    weights = np.concatenate([np.full(len(half), 50 / len(half)) for each in sets for half in (each.answered, each.unanswered)])
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scaled = np.hstack([(rows - mean) / spread, np.ones((len(rows), 1))])
    ridge = np.eye(scaled.shape[1]) * _RIDGE
    ridge[-1, -1] = 0.0
    learnt = np.zeros(scaled.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-scaled @ learnt))
        slope = scaled.T @ (weights * (labels - chance)) - ridge @ learnt
        learnt += np.linalg.solve((scaled.T * (weights * chance * (1 - chance))) @ scaled + ridge, slope)
    return learnt[:-1] / spread


def parts(each: Parted, weights: NDArray[np.float64]) -> float:
    return auroc(list(each.answered @ weights), list(each.unanswered @ weights))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.answers_fit", description="Learn when to answer.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    options, _ = parser.parse_known_args(arguments)
    sets = asyncio.run(_collect(options.data))
    everything = learn(sets)
    now = np.array(astuple(WEIGHTS))
    print(f"{'AUROC':<38}{'answered':>9}{'not':>6}{'left out':>10}{'learnt':>8}{'in use':>8}")
    left_out: list[float] = []
    for each in sets:
        others = learn([other for other in sets if other.family != each.family])
        left_out.append(parts(each, others))
        shown = f"{left_out[-1]:>10.3f}{parts(each, everything):>8.3f}{parts(each, now):>8.3f}"
        print(f"{each.name:<38}{len(each.answered):>9}{len(each.unanswered):>6}{shown}")
    print(f"{'mean':<53}{np.mean(left_out):>10.3f}")
    for field, weight, used in zip(fields(Features), everything, astuple(WEIGHTS), strict=True):
        print(f"{field.name:<38}{weight:>9.2f}{used:>9.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
