"""Does the search find the documents that answer? nDCG@10 and recall@5, beside plain BM25 on the same questions."""

from collections.abc import Sequence
from statistics import fmean

from deskhand.evaluation.bm25 import Bm25
from deskhand.evaluation.desk import Desk, Step
from deskhand.evaluation.figures import Figure, Measured, Subject
from deskhand.evaluation.measures import interval, ndcg, recall
from deskhand.evaluation.sets import JudgedSet, Question
from deskhand.texts import language_of

_SAMPLE_CHARACTERS = 2_000


async def measure_retrieval(judged: JudgedSet, desk: Desk, *, step: Step) -> list[Measured]:
    """With the customer's earlier turns where there are any, and the last turn alone."""
    questions = [question for question in judged.questions if question.relevant]
    if not questions:
        return []
    texts = {key: f"{document.title or ''}\n{document.data.decode()}" for key, document in judged.documents.items()}
    baseline = Bm25(texts, language=language_of("\n".join(texts.values())[:_SAMPLE_CHARACTERS]))
    measured = [await _measure(judged.name, questions, desk=desk, baseline=baseline, with_earlier=False, step=step)]
    if any(question.earlier for question in questions):
        measured.append(await _measure(f"{judged.name}+earlier", questions, desk=desk, baseline=baseline, with_earlier=True, step=step))
    return measured


async def _measure(name: str, questions: Sequence[Question], *, desk: Desk, baseline: Bm25, with_earlier: bool, step: Step) -> Measured:
    gains: list[float] = []
    recalls: list[float] = []
    baseline_gains: list[float] = []
    baseline_recalls: list[float] = []
    for at, question in enumerate(questions):
        step("searching", at, len(questions))
        found = list(dict.fromkeys(passage.source for passage in await desk.search(question, with_earlier=with_earlier)))
        said = [*question.earlier, question.text] if with_earlier else [question.text]
        plain = baseline.ranked(" ".join(said))
        gains.append(ndcg(found, question.relevant, at=10))
        recalls.append(recall(found, question.relevant, at=5))
        baseline_gains.append(ndcg(plain, question.relevant, at=10))
        baseline_recalls.append(recall(plain, question.relevant, at=5))
    return Measured(
        Subject.RETRIEVAL,
        name,
        f"{len(questions)} questions",
        (
            _figure("ndcg_10", "nDCG@10", values=gains, baseline=baseline_gains),
            _figure("recall_5", "recall@5", values=recalls, baseline=baseline_recalls),
        ),
    )


def _figure(name: str, title: str, *, values: Sequence[float], baseline: Sequence[float]) -> Figure:
    low, high = interval(values)
    return Figure(name, title, fmean(values), low, high, baseline=fmean(baseline))
