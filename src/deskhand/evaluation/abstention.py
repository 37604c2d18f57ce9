"""Does the agent answer where the documents answer, and say that it does not know where they do not? Asked of the agent itself."""

from deskhand.evaluation.desk import Desk, Step
from deskhand.evaluation.figures import Figure, Measured, Subject
from deskhand.evaluation.measures import answered_at, auroc, calibration_error, interval, reliability
from deskhand.evaluation.sets import ANSWERABLE, UNANSWERABLE, JudgedSet

_UNANSWERABLE_LET_THROUGH = 0.1


async def measure_abstention(judged: JudgedSet, desk: Desk, *, step: Step) -> Measured | None:
    """None: the set has no question that cannot be answered, or none that can. What is underspecified is left out.

    An answer is right when it cites a document that answers the question. Raises ModelError, LimitReached.
    """
    questions = [question for question in judged.questions if question.answerability in {*ANSWERABLE, UNANSWERABLE}]
    answerable = [question.answerability in ANSWERABLE for question in questions]
    if all(answerable) or not any(answerable):
        return None
    confidence: list[float] = []
    answered: list[bool] = []
    right: list[bool] = []
    for at, question in enumerate(questions):
        step("answering", at, len(questions))
        answer = await desk.answer(question)
        confidence.append(answer.confidence)
        answered.append(bool(answer.sources))
        right.append(any(source.metadata["source"] in question.relevant for source in answer.sources))
    positive = [sure for sure, can in zip(confidence, answerable, strict=True) if can]
    negative = [sure for sure, can in zip(confidence, answerable, strict=True) if not can]
    bins = reliability(confidence, right)
    figures = (
        Figure("auroc", "AUROC of the confidence", auroc(positive, negative)),
        Figure(
            "answered_at_10",
            "answerable answered, at 10 % of the others",
            answered_at(positive, negative, share=_UNANSWERABLE_LET_THROUGH),
        ),
        _share("answered", "answerable: answered", [done for done, can in zip(answered, answerable, strict=True) if can]),
        _share("right_document", "answerable: the right document cited", [fit for fit, can in zip(right, answerable, strict=True) if can]),
        _share("declined", "unanswerable: declined", [not done for done, can in zip(answered, answerable, strict=True) if not can]),
        Figure("calibration_error", "calibration error", calibration_error(bins), higher_is_better=False),
    )
    counted = f"{len(positive)} answerable, {len(negative)} unanswerable"
    return Measured(Subject.ABSTENTION, judged.name, counted, figures, reliability=bins)


def _share(name: str, title: str, held: list[bool]) -> Figure:
    low, high = interval([float(one) for one in held])
    return Figure(name, title, sum(held) / len(held), low, high)
