"""Which intent a sentence has, told by the search alone: each intent is an answer, the sentences that are learnt its variants."""

from statistics import fmean

from deskhand.evaluation.desk import Desk, Step
from deskhand.evaluation.figures import Figure, Measured, Subject
from deskhand.evaluation.measures import auroc, interval
from deskhand.evaluation.sets import IntentSet, Question
from deskhand.knowledge import SourceDocument


def documents_of(intents: IntentSet) -> list[SourceDocument]:
    """A document for each intent, asked for in the ways that are learnt (`variants`). Its source is the intent."""
    ways: dict[str, list[str]] = {}
    for sentence in intents.train:
        for label in sentence.labels:
            if sentence.text.strip():
                ways.setdefault(label, []).append(sentence.text)
    return [
        SourceDocument(
            origin=f"eval:{label}",
            source=label,
            filename="answer.md",
            data=f"The answer to {label}.".encode(),
            title=label,
            metadata={"variants": texts},
        )
        for label, texts in ways.items()
    ]


async def measure_intents(intents: IntentSet, desk: Desk, *, step: Step) -> Measured:
    """What is out of scope has a label that is not learnt."""
    known = {label for sentence in intents.train for label in sentence.labels}
    right: list[float] = []
    inside: list[float] = []
    outside: list[float] = []
    for at, sentence in enumerate(intents.test):
        step("telling intents apart", at, len(intents.test))
        passages = await desk.search(Question(sentence.text, (), frozenset()), with_earlier=False)
        score = passages[0].score if passages else 0.0
        if sentence.labels & known:
            inside.append(score)
            right.append(float(bool(passages) and passages[0].source in sentence.labels))
        else:
            outside.append(score)
    low, high = interval(right)
    figures = [Figure("accuracy", "in scope: the right intent", fmean(right), low, high)]
    if outside:
        figures.append(Figure("out_of_scope_auroc", "AUROC of in scope against out of scope", auroc(inside, outside)))
    return Measured(Subject.INTENTS, intents.name, f"{len(inside)} in scope, {len(outside)} out of scope", tuple(figures))
