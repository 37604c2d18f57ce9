"""Are the quoted answers good? Questions of our own over the samples and over kb_tau_banking, each with what must be quoted.

    python -m evals.quoting --data ../shared/data --show

A question is right when its document is the first one cited and the answer holds all expected words; one that the documents do not answer,
when it is declined. It is led to when it is right, or declined with an offer, and right once one of the offered is chosen. The answerer was
developed on these questions, failures at hand, but for those marked `held_out`, which were only measured: `--show` does not show them. The
other figures show what a change does, not how well questions fare that nobody has seen.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median

from deskhand.agent.run import Answered
from deskhand.knowledge import KnowledgeOptions, sample_documents
from deskhand.persistence import Database, metadata
from evals.answers import Desk
from evals.base import filled
from evals.sets import JudgedSet, Question, load, read_lines

_OFFERED = re.compile(r"^(\d)\. ", re.MULTILINE)
_DATA = Path(__file__).parent / "data"
SETS = ("samples", "fresh", "customers", "newcomers", "banking")


@dataclass(frozen=True, slots=True)
class Expected:
    """`documents` are parts of the names of those that may be cited first, none if it must be declined; all of `contains` must be said."""

    kind: str
    question: str
    earlier: tuple[str, ...]
    documents: tuple[str, ...]
    contains: tuple[str, ...]
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    expected: Expected
    text: str
    cited: tuple[str, ...]
    confidence: float
    # What came of each that was offered instead of an answer, once it was chosen.
    offered: tuple["Outcome", ...] = ()

    @property
    def answered(self) -> bool:
        return bool(self.cited)

    @property
    def right_document(self) -> bool:
        return bool(self.cited) and any(name in self.cited[0] for name in self.expected.documents)

    @property
    def right(self) -> bool:
        if not self.expected.documents:
            return not self.answered
        return self.right_document and all(each in self.text for each in self.expected.contains)

    @property
    def led_to(self) -> bool:
        return self.right or any(choice.right for choice in self.offered)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.quoting", description="Measure the answers that are quoted.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    parser.add_argument("--json", type=Path, default=Path(".cache/evals/quoting.json"), help="where to write every answer")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=SETS, help="which sets")
    parser.add_argument("--show", action="store_true", help="print what went wrong")
    options, _ = parser.parse_known_args(arguments)
    written: dict[str, list[dict[str, object]]] = {}
    for name in options.sets:
        judged = load("kb_tau_banking", options.data) if name == "banking" else samples()
        outcomes = asyncio.run(measure(judged, expected_of(name)))
        for part, held_out in ((name, False), (f"{name}, held out", True)):
            chosen = [outcome for outcome in outcomes if outcome.expected.held_out is held_out]
            if not chosen:
                continue
            print(f"\n{part}\n" + "\n".join(_table(chosen)))
            if options.show and not held_out:
                print("\n".join(_shown(outcome) for outcome in chosen if not outcome.right))
        written[name] = [_record(outcome) for outcome in outcomes]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def expected_of(name: str) -> list[Expected]:
    return [
        Expected(
            kind=row["kind"],
            question=row["question"],
            earlier=tuple(row["earlier"]),
            documents=tuple(row["documents"]),
            contains=tuple(row["contains"]),
            held_out=row["held_out"],
        )
        for row in read_lines(_DATA / f"quoting_{name}.jsonl")
    ]


async def measure(judged: JudgedSet, expected: Sequence[Expected]) -> list[Outcome]:
    async with filled(judged, KnowledgeOptions()) as knowledge:
        with tempfile.TemporaryDirectory() as folder:
            database = await Database.open(f"sqlite:///{folder}/sessions.db")
            await database.write(lambda tx: metadata.create_all(tx.connection))
            desk = Desk.open(database, knowledge)
            outcomes = [await ask_desk(desk, each) for each in expected]
            await database.close()
    return outcomes


async def ask_desk(desk: Desk, expected: Expected) -> Outcome:
    question = Question(expected.question, expected.earlier, frozenset())
    outcome = _outcome(expected, await desk.answer(question))
    if outcome.answered or not expected.documents:
        return outcome
    said = (*expected.earlier, expected.question)
    offered = [
        _outcome(expected, await desk.answer(Question(number, said, frozenset()), answered_before=outcome.text))
        for number in _OFFERED.findall(outcome.text)
    ]
    return replace(outcome, offered=tuple(offered))


def _outcome(expected: Expected, answered: Answered) -> Outcome:
    sources = sorted(answered.sources, key=lambda source: source.rank)
    return Outcome(expected, answered.text, tuple(source.metadata["source"] for source in sources), answered.confidence)


def samples() -> JudgedSet:
    return JudgedSet("samples", {document.source: document for document in sample_documents()}, ())


def _table(outcomes: Sequence[Outcome]) -> Iterable[str]:
    yield f"{'kind':<20}{'n':>5}{'right':>8}{'led to':>8}{'answered':>10}{'document':>10}{'characters':>12}"
    kinds = list(dict.fromkeys(outcome.expected.kind for outcome in outcomes))
    for kind in kinds:
        yield _row(kind, [outcome for outcome in outcomes if outcome.expected.kind == kind])
    yield _row("answerable", [outcome for outcome in outcomes if outcome.expected.documents])
    yield _row("unanswerable", [outcome for outcome in outcomes if not outcome.expected.documents])


def _row(name: str, outcomes: Sequence[Outcome]) -> str:
    figures = [
        _share(outcomes, lambda outcome: outcome.right),
        _share(outcomes, lambda outcome: outcome.led_to),
        _share(outcomes, lambda outcome: outcome.answered),
        _share(outcomes, lambda outcome: outcome.right_document),
    ]
    widths = (8, 8, 10, 10)
    shown = "".join(f"{figure:>{width}.3f}" for figure, width in zip(figures, widths, strict=True))
    return f"{name:<20}{len(outcomes):>5}{shown}{median(len(outcome.text) for outcome in outcomes):>12.0f}"


def _share(outcomes: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> float:
    return fmean(map(holds, outcomes)) if outcomes else 0.0


def _shown(outcome: Outcome) -> str:
    asked = " > ".join([*outcome.expected.earlier, outcome.expected.question])
    answer = " / ".join(outcome.text.split("\n"))[:200] if outcome.answered else "-"
    way = " (led to)" if outcome.led_to else ""
    return f"  {outcome.expected.kind}: {asked}  ({outcome.confidence:.2f}; wanted {outcome.expected.contains!r})\n      {answer}{way}"


def _record(outcome: Outcome) -> dict[str, object]:
    return {
        "kind": outcome.expected.kind,
        "asked": [*outcome.expected.earlier, outcome.expected.question],
        "right": outcome.right,
        "cited": outcome.cited,
        "confidence": outcome.confidence,
        "answer": outcome.text,
    }


if __name__ == "__main__":
    sys.exit(main())
