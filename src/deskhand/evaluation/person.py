"""Is it heard when a customer wants a person: asks for one, or is so angry at the machine that they get one?"""

from collections.abc import Sequence

from deskhand.evaluation.figures import Figure, Measured, Subject
from deskhand.evaluation.measures import f1
from deskhand.evaluation.sets import LabelledText
from deskhand.handoff.signals import read_signals

_LABELS = frozenset({"handoff", "chat_with_an_agent", "wants_person", "human", "agent", "talk_to_human", "speak_to_human"})


def measure_person(name: str, utterances: Sequence[LabelledText]) -> Measured | None:
    """None: no sentence is labelled as such a wish."""
    wanted = [any(label.lower() in _LABELS for label in utterance.labels) for utterance in utterances]
    if not any(wanted):
        return None
    heard = [_is_heard(utterance.text) for utterance in utterances]
    hits = sum(one and other for one, other in zip(wanted, heard, strict=True))
    false_alarms, misses = sum(heard) - hits, sum(wanted) - hits
    figures = (
        Figure("f1", "F1", f1(hits=hits, false_alarms=false_alarms, misses=misses)),
        Figure("precision", "precision", hits / (hits + false_alarms) if hits else 0.0),
        Figure("recall", "recall", hits / (hits + misses)),
    )
    return Measured(Subject.PERSON, name, f"{len(utterances)} sentences, {sum(wanted)} want a person", figures)


def _is_heard(text: str) -> bool:
    signals = read_signals([text])
    return signals.asked_for_person or signals.angry
