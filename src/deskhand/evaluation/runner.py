"""Every set of a folder, measured for whatever it can tell."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from deskhand.clock import Clock
from deskhand.evaluation.abstention import measure_abstention
from deskhand.evaluation.desk import Step, open_desk
from deskhand.evaluation.figures import Measured, Subject
from deskhand.evaluation.gate import measure_gate
from deskhand.evaluation.injection import measure_customers, measure_prompts, said_by_customers
from deskhand.evaluation.intents import documents_of, measure_intents
from deskhand.evaluation.person import measure_person
from deskhand.evaluation.retrieval import measure_retrieval
from deskhand.evaluation.sets import AnySet, ConversationSet, IntentSet, JudgedSet, PromptSet, UtteranceSet
from deskhand.settings import Settings

_T = TypeVar("_T")
SetStep = Callable[[str, str, int, int], None]
"""Told which set, what is being done with it, how much of it is, and how much there is."""


class Evaluation:
    """`limit` is how many questions of each set are asked at most, spread over all of it; None asks all."""

    def __init__(self, settings: Settings, *, subjects: frozenset[Subject], limit: int | None, clock: Clock, step: SetStep) -> None:
        self._settings = settings
        self._subjects = subjects
        self._limit = limit
        self._clock = clock
        self._step = step

    async def measure(self, found: AnySet) -> list[Measured]:
        """What this set tells of the subjects that are wanted; nothing when it tells nothing of them.

        Raises:
            SetUnreadable: a document of the set cannot be indexed.
            ModelError, LimitReached: the model failed.
        """
        started = self._clock.monotonic()
        measured: list[Measured] = []
        match found:
            case JudgedSet():
                measured = await self._judged(found)
            case IntentSet():
                measured = await self._intents(found)
            case UtteranceSet():
                measured = self._utterances(found)
            case ConversationSet():
                measured = self._conversations(found)
            case PromptSet() if Subject.INJECTION in self._subjects and found.prompts:
                measured = [measure_prompts(found)]
            case PromptSet():
                pass
        seconds = self._clock.monotonic() - started
        return [replace(each, seconds=seconds) for each in measured]

    def _of(self, name: str) -> Step:
        return lambda what, done, total: self._step(name, what, done, total)

    async def _judged(self, judged: JudgedSet) -> list[Measured]:
        if not self._subjects & {Subject.RETRIEVAL, Subject.ABSTENTION}:
            return []
        step = self._of(judged.name)
        judged = replace(judged, questions=spread(judged.questions, self._limit))
        measured: list[Measured] = []
        async with open_desk(self._settings, judged.documents.values(), step=step) as desk:
            if Subject.RETRIEVAL in self._subjects:
                measured += await measure_retrieval(judged, desk, step=step)
            if Subject.ABSTENTION in self._subjects and (abstention := await measure_abstention(judged, desk, step=step)) is not None:
                measured.append(abstention)
        return measured

    async def _intents(self, intents: IntentSet) -> list[Measured]:
        intents = replace(intents, test=spread(intents.test, self._limit))
        measured: list[Measured] = []
        if Subject.INTENTS in self._subjects:
            step = self._of(intents.name)
            async with open_desk(self._settings, documents_of(intents), step=step) as desk:
                measured.append(await measure_intents(intents, desk, step=step))
        measured += self._customers(intents.name, [sentence.text for sentence in (*intents.train, *intents.test)])
        if Subject.PERSON in self._subjects and (person := measure_person(intents.name, intents.test)) is not None:
            measured.append(person)
        return measured

    def _utterances(self, utterances: UtteranceSet) -> list[Measured]:
        measured = self._customers(utterances.name, [utterance.text for utterance in utterances.utterances])
        if Subject.PERSON in self._subjects and (person := measure_person(utterances.name, utterances.utterances)) is not None:
            measured.append(person)
        return measured

    def _conversations(self, conversations: ConversationSet) -> list[Measured]:
        measured = [measure_gate(conversations)] if Subject.GATE in self._subjects else []
        return measured + self._customers(conversations.name, said_by_customers(conversations))

    def _customers(self, name: str, sentences: Sequence[str]) -> list[Measured]:
        return [measure_customers(name, sentences)] if Subject.INJECTION in self._subjects and sentences else []


def spread(values: Sequence[_T], limit: int | None) -> tuple[_T, ...]:
    """At most `limit` of the values, at equal distances."""
    if limit is None or len(values) <= limit:
        return tuple(values)
    return tuple(values[at * len(values) // limit] for at in range(limit))
