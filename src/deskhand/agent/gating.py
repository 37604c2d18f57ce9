"""The evidence gate in the running text: gathers the evidence of a turn, cuts the answer into sentences, lets through what is proven.

The invariant: under `BLOCK` no sentence is shown before it was examined, and what was shown is never taken back. Under `MARK` the text
passes as it comes, and only what is known of it grows.
"""

import asyncio
import collections
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from prometheus_client import Counter

from deskhand.agent.findings import Findings
from deskhand.agent.options import AgentOptions
from deskhand.agent.prompts.system import render_system_prompt
from deskhand.agent.registry import ToolRegistry
from deskhand.guard.evidence.recital import BEFORE, Rules
from deskhand.guard.evidence.sentences import SentenceStream
from deskhand.guard.evidence.sources import Deed, Evidence, TextIndex
from deskhand.guard.gate import GatePolicy, Problem, SaidBefore, Verdict, deed, judge
from deskhand.telemetry import Metrics

log = structlog.get_logger(__name__)

# The customer waits while an answer is asked for again: once in a turn.
_MOST_REGENERATIONS = 1
_MOST_MARKED = 20
_LONGEST_GAP = 4
_VERDICTS = ("passed", "flagged", "dropped")
# To read as many characters takes some milliseconds, for which other customers shall not wait.
_LARGE = 3_000
_TOOLS_OF_PASSAGES = frozenset({"search_knowledge", "read_attachment"})
# What is said of white space, of which nothing is kept.
_BLANK = Verdict()


@dataclass(frozen=True, slots=True)
class GateRules:
    """What holds in every turn of an agent: the policy, what the company wrote itself, what its tools do, and what is not for customers."""

    policy: GatePolicy
    base: tuple[TextIndex, ...]
    deeds: Mapping[str, Deed]
    abilities: frozenset[str]
    counters: Mapping[str, Counter]
    secret: Rules = field(default_factory=Rules)

    @classmethod
    def create(cls, options: AgentOptions, registry: ToolRegistry, *, metrics: Metrics | None) -> "GateRules | None":
        """None where the gate is off."""
        if options.gate is GatePolicy.OFF:
            return None
        deeds = {name: deed(name, purpose) for name, purpose in registry.purposes.items()}
        abilities = frozenset(effect for each in deeds.values() for effect in each.effects)
        base = TextIndex(f"{options.company_name}\n{options.instructions}")
        counters = {} if metrics is None else {verdict: metrics.gate_sentences.labels(verdict) for verdict in _VERDICTS}
        # The company's own instructions are told to customers where they fit; ours never.
        secret = Rules.of(render_system_prompt(company=options.company_name, instructions=""))
        return cls(options.gate, (base,), deeds, abilities, counters, secret)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A sentence that was not let through, and why."""

    sentence: str
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class GateCounts:
    """What the gate did in a turn. `reasons` counts the problems by kind; `marked` are shown sentences that have some."""

    checked: int = 0
    flagged: int = 0
    regenerated: int = 0
    dropped: int = 0
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)
    marked: list[dict[str, Any]] = field(default_factory=list)


class GatedText:
    """The text of one turn: `feed` it what the model writes. `withheld` is set when the model is to be asked again."""

    def __init__(self, rules: GateRules, *, said: Sequence[str], earlier: Sequence[str], language: str) -> None:
        self.counts = GateCounts()
        self.withheld: Withheld | None = None
        self.blocks = rules.policy is GatePolicy.BLOCK
        self._rules = rules
        self._findings = Findings()
        self._language = language
        self._evidence = Evidence(rules.base, abilities=rules.abilities)
        for text in said:
            self._evidence.add_said(text)
        for text in reversed(earlier):
            self._evidence.add_answered(text)
        # So many passages and calls of the findings are evidence, and so many results of tools were read ahead.
        self._passages_taken = 0
        self._calls_taken = 0
        self._results_read = 0
        self._stream = SentenceStream()
        self._answer: list[TextIndex] = []
        self._last_words: tuple[str, ...] = ()
        # White space that is missing between what was shown and what may follow.
        self._gap = ""
        self._may_ask_again = True
        self.promised_person = False

    def watch(self, findings: Findings) -> None:
        """What tools find in this turn is evidence as it comes."""
        self._findings = findings

    @property
    def withheld_all(self) -> bool:
        """Whether the model wrote something and the customer was shown nothing of it."""
        return self.counts.dropped > 0 and not self._answer

    def begin_step(self, *, may_ask_again: bool) -> None:
        """A request to the model begins. It can be made again only where another one is left."""
        self._may_ask_again = may_ask_again

    async def take_up(self) -> None:
        """Take up what tools have found. What is large is read now, in a thread, rather than when the first sentence asks for it."""
        self._gather()
        unread = self._evidence.results[self._results_read :]
        if sum(len(result.text) for result in unread) > _LARGE:
            self._results_read += len(unread)
            await asyncio.to_thread(_read, unread)

    def begin_paragraph(self) -> None:
        """What comes next is set apart from what was shown."""
        self._gap = ""

    def feed(self, text: str) -> str:
        """What may be shown now."""
        sentences = self._stream.feed(text)
        if not sentences:
            return "" if self.blocks else text
        return self._pass(sentences) if self.blocks else self._mark(sentences, text)

    def flush(self) -> str:
        """What is left to be shown when a step of the model has ended."""
        return self._pass(self._stream.flush()) if self.blocks else self._mark(self._stream.flush(), "")

    def begin_again(self) -> Withheld:
        """Take up the sentence that was withheld; what follows is the model's second try."""
        withheld, self.withheld = self.withheld, None
        if withheld is None:
            raise RuntimeError("nothing was withheld")
        self.counts.regenerated += 1
        self._stream = SentenceStream()
        # The second try goes on in the same paragraph unless it says otherwise.
        self._gap = "" if not self._answer or self._answer[-1].text[-1:].isspace() else " "
        return withheld

    def drop_withheld(self) -> None:
        """Leave out the sentence that was withheld, and go on without asking again."""
        self.withheld = None
        self._drop("")

    def metadata(self) -> dict[str, Any]:
        """What the gate did, for the answer's metadata: counts and reasons, never the words that were withheld."""
        counts = self.counts
        told: dict[str, Any] = {"policy": self._rules.policy.value, "checked": counts.checked, "flagged": counts.flagged}
        if counts.flagged:
            told["reasons"] = dict(sorted(counts.reasons.items()))
            told |= {"regenerated": counts.regenerated, "dropped": counts.dropped} if self.blocks else {"marked": counts.marked}
        return told

    def _mark(self, sentences: Sequence[str], text: str) -> str:
        for sentence in sentences:
            verdict = self._judge(sentence)
            self._let_through(sentence, verdict)
            if verdict.problems and len(self.counts.marked) < _MOST_MARKED:
                self.counts.marked.append({"text": sentence.strip(), "reasons": _reasons(verdict)})
        return text

    def _pass(self, sentences: Sequence[str]) -> str:
        shown = ""
        for sentence in sentences:
            verdict = self._judge(sentence)
            if not verdict.problems:
                shown += f"{self._gap}{sentence}"
                self._gap = ""
                self._let_through(sentence, verdict)
            elif self._may_ask_again and self.counts.regenerated < _MOST_REGENERATIONS:
                self.withheld = Withheld(sentence, verdict.problems)
                break
            else:
                self._drop(sentence)
        return shown

    def _let_through(self, sentence: str, verdict: Verdict) -> None:
        if verdict is not _BLANK:
            self._answer.append(TextIndex(sentence))
            self._last_words = (*self._last_words, *verdict.words)[-BEFORE:]
            self.promised_person = self.promised_person or verdict.promises_person

    def _drop(self, sentence: str) -> None:
        self.counts.dropped += 1
        self._count("dropped")
        # The line or paragraph that ended with it ends without it.
        behind = sentence[len(sentence.rstrip()) :]
        if self._answer and behind.count("\n") > self._answer[-1].text[-_LONGEST_GAP:].count("\n"):
            self._gap = behind

    def _judge(self, sentence: str) -> Verdict:
        if not sentence.strip():
            return _BLANK
        self._gather()
        before = SaidBefore(self._answer, self._last_words)
        verdict = judge(sentence, self._evidence, before=before, language=self._language, rules=self._rules.secret)
        self.counts.checked += 1
        if verdict.problems:
            self.counts.flagged += 1
            self.counts.reasons.update(problem.reason.value for problem in verdict.problems)
            log.info("sentence_without_evidence", policy=self._rules.policy.value, reasons=_reasons(verdict))
        self._count("flagged" if verdict.problems else "passed")
        return verdict

    def _gather(self) -> None:
        """Take up what tools have found since."""
        findings, evidence = self._findings, self._evidence
        for passage in findings.passages[self._passages_taken :]:
            evidence.add_passage(f"{passage.title}\n{passage.section or ''}\n{passage.text}\n{passage.url or ''}")
        self._passages_taken = len(findings.passages)
        for name, result in findings.succeeded[self._calls_taken :]:
            if name not in _TOOLS_OF_PASSAGES:
                evidence.add_result(msgspec.json.encode(result).decode())
            if name in self._rules.deeds:
                evidence.add_deed(self._rules.deeds[name])
        self._calls_taken = len(findings.succeeded)

    def _count(self, verdict: str) -> None:
        if (counter := self._rules.counters.get(verdict)) is not None:
            counter.inc()


def _read(texts: Sequence[TextIndex]) -> None:
    for text in texts:
        text.read()


def _reasons(verdict: Verdict) -> list[str]:
    return sorted({problem.reason.value for problem in verdict.problems})
