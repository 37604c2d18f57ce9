"""How rightly questions are treated: answered where the documents answer, declined where they do not, handed over where one asks.

    python -m evals.answers --data ../shared/data

Every question goes through the agent itself, with the quoting model, on a real knowledge base: one configuration for all sets. Prints a
table and writes the same figures as JSON.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.options import AgentOptions
from deskhand.agent.run import Answered, CustomerMessage, Run, Unrecorded
from deskhand.handoff.signals import read_signals
from deskhand.ids import new_message_id, new_turn_id
from deskhand.knowledge import KnowledgeOptions, KnowledgeService
from deskhand.memory import MemoryService
from deskhand.models.quoting import CONFIDENCE_FLOOR, QuotingModel
from deskhand.persistence import Database, metadata
from deskhand.session_store import AgentContext, ContextMessage, InMemorySessionStore
from deskhand.sessions import SessionService
from evals.base import filled
from evals.measures import auroc
from evals.sets import JudgedSet, Question, load, read_lines

ANSWERABLE = frozenset({"ANSWERABLE", "PARTIAL"})
_SHARE_ANSWERED = 0.8
_CONTEXT_MESSAGES = 20
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class AbstentionFigures:
    """Shares in [0, 1]. `unanswerable_at_80`: of the unanswerable, answered when the floor lets 80 % of the answerable through."""

    answerable: int
    unanswerable: int
    answerable_answered: float
    answerable_right_document: float
    unanswerable_declined: float
    treated_rightly: float
    auroc: float
    unanswerable_at_80: float
    milliseconds_a_question: float


@dataclass(frozen=True, slots=True)
class HandoffFigures:
    utterances: int
    asking: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class _Judged:
    answerable: bool
    answered: bool
    right_document: bool
    confidence: float


async def measure_abstention(judged: JudgedSet) -> AbstentionFigures:
    """Every question that is answerable or is not; what is underspecified is left out."""
    questions = [question for question in judged.questions if question.answerability in {*ANSWERABLE, "UNANSWERABLE"}]
    async with filled(judged, KnowledgeOptions()) as knowledge:
        with tempfile.TemporaryDirectory() as folder:
            database = await Database.open(f"sqlite:///{folder}/sessions.db")
            await database.write(lambda tx: metadata.create_all(tx.connection))
            desk = Desk.open(database, knowledge)
            started = time.perf_counter()
            found = [await desk.ask(question) for question in questions]
            seconds = time.perf_counter() - started
            await database.close()
    return _figures(found, seconds)


@dataclass(frozen=True, slots=True)
class Desk:
    """The agent as the server has it, with what was said before laid into its session store."""

    agent: CustomerSupportAgent
    sessions: SessionService
    store: InMemorySessionStore

    @classmethod
    def open(cls, database: Database, knowledge: KnowledgeService, *, confidence_floor: float = CONFIDENCE_FLOOR) -> Self:
        store, sessions = InMemorySessionStore(), SessionService(database)
        agent = CustomerSupportAgent(
            model=QuotingModel(confidence_floor=confidence_floor, compare=knowledge.lines.compare),
            session_store=store,
            sessions=sessions,
            knowledge=knowledge,
            memory=MemoryService(database),
            options=AgentOptions(),
        )
        return cls(agent, sessions, store)

    async def answer(self, question: Question, *, answered_before: str = "") -> Answered:
        """`answered_before` is what Deskhand said last, right before the question."""
        session_id = (await self.sessions.open_session(user_id=None, metadata={})).session.id
        before = tuple(ContextMessage(role="customer", text=text) for text in question.earlier[-_CONTEXT_MESSAGES:])
        if answered_before:
            before += (ContextMessage(role="assistant", text=answered_before),)
        await self.store.set(session_id, AgentContext(session_id=session_id, messages=before))
        message = CustomerMessage(new_message_id(), question.text)
        run = Run(session_id, None, new_turn_id(), attempt=1, messages=[message], journal=Unrecorded(), seconds_left=_SECONDS)
        answered = [event async for event in self.agent.answer(run)][-1]
        if not isinstance(answered, Answered):
            raise TypeError("a run ends with its answer")
        return answered

    async def ask(self, question: Question) -> _Judged:
        answered = await self.answer(question)
        return _Judged(
            answerable=question.answerability in ANSWERABLE,
            answered=bool(answered.sources),
            right_document=any(source.metadata["source"] in question.relevant for source in answered.sources),
            confidence=answered.confidence,
        )


def _figures(judged: Sequence[_Judged], seconds: float) -> AbstentionFigures:
    answerable = [each for each in judged if each.answerable]
    unanswerable = [each for each in judged if not each.answerable]
    positive = sorted(each.confidence for each in answerable)
    negative = [each.confidence for each in unanswerable]
    floor = positive[int(len(positive) * (1 - _SHARE_ANSWERED))]
    right = sum(each.answered for each in answerable) + sum(not each.answered for each in unanswerable)
    return AbstentionFigures(
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        answerable_answered=_share(each.answered for each in answerable),
        answerable_right_document=_share(each.right_document for each in answerable),
        unanswerable_declined=_share(not each.answered for each in unanswerable),
        treated_rightly=right / len(judged),
        auroc=auroc(positive, negative),
        unanswerable_at_80=_share(confidence >= floor for confidence in negative),
        milliseconds_a_question=1_000 * seconds / len(judged),
    )


def measure_handoff(path: Path) -> HandoffFigures:
    """Whether a customer wants a person: asks for one, or is so angry at the machine that they get one."""
    hits = misses = false_alarms = total = 0
    for row in read_lines(path):
        total += 1
        signals = read_signals([row["text"]])
        heard = signals.asked_for_person or signals.angry
        wanted = "handoff" in (row.get("intents") or ())
        hits += heard and wanted
        misses += wanted and not heard
        false_alarms += heard and not wanted
    precision, recall = hits / (hits + false_alarms), hits / (hits + misses)
    return HandoffFigures(total, hits + misses, precision, recall, 2 * precision * recall / (precision + recall))


def _share(values: Iterable[bool]) -> float:
    counted = list(values)
    return sum(counted) / len(counted)


def _print(title: str, figures: dict[str, float]) -> None:
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name.replace('_', ' '):32} {value if isinstance(value, int) else format(value, '.3f')}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.answers", description="Measure whether questions are treated rightly.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    parser.add_argument("--json", type=Path, default=Path(".cache/evals/answers.json"), help="where to write the figures")
    # `python -m evals` hands the same arguments to every evaluation.
    options, _ = parser.parse_known_args(arguments)
    abstention = asdict(asyncio.run(measure_abstention(load("rag_mtragun_cloud", options.data))))
    handoff = asdict(measure_handoff(options.data / "intents_nlupp" / "banking.jsonl"))
    _print("rag_mtragun_cloud: answered where the documents answer, declined where they do not", abstention)
    _print("intents_nlupp: wants a person", handoff)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"rag_mtragun_cloud": abstention, "intents_nlupp": handoff}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
