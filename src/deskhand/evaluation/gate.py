"""Does the evidence gate let right sentences through and stop wrong ones? Measured on recorded conversations that ended well.

The invariant: a sentence is examined with what was known before it was said: the policy, the results of the agent's tools so far, the
customer's words, what was answered before. What a customer's own device showed is known only from the customer's words.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from deskhand.evaluation.figures import Figure, Measured, Subject
from deskhand.evaluation.sets import ConversationSet
from deskhand.evaluation.spoiled import KINDS, spoil
from deskhand.guard.evidence.sentences import SentenceStream
from deskhand.guard.evidence.sources import Evidence, TextIndex
from deskhand.guard.gate import deed, examine

_SEED = 7
_FEWEST = 10


@dataclass(slots=True)
class Tally:
    """`spoiled` and `caught` count by kind of change; `seconds` is processor time of the right sentences, `slowest` that of one."""

    sentences: int = 0
    blocked: list[tuple[str, str]] = field(default_factory=list)
    spoiled: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    slowest: float = 0.0


@dataclass(frozen=True, slots=True)
class _Moment:
    """A sentence that an agent said, and what was known by then."""

    sentence: str
    evidence: Evidence
    answer: tuple[str, ...]


def measure_gate(conversations: ConversationSet) -> Measured:
    """Shares of right sentences that were blocked and of spoiled ones that were caught, overall and by kind of change."""
    tally = tally_gate(conversations)
    total = sum(tally.spoiled.values())
    figures = (
        Figure("wrongly_blocked", "right sentences blocked", len(tally.blocked) / max(1, tally.sentences), higher_is_better=False),
        Figure("caught", "wrong sentences caught", sum(tally.caught.values()) / max(1, total)),
        *(
            Figure(f"caught_{kind}", f"caught with a wrong {kind}", tally.caught[kind] / tally.spoiled[kind])
            for kind in KINDS
            if tally.spoiled[kind] >= _FEWEST
        ),
    )
    return Measured(Subject.GATE, conversations.name, f"{tally.sentences} sentences, {total} made wrong", figures)


def tally_gate(conversations: ConversationSet, *, seed: int = _SEED) -> Tally:
    """Every sentence examined as it is, and once for each kind of change that it allows, which `seed` chooses."""
    tally, chance = Tally(), Random(seed)  # noqa: S311 - it has to be the same in every run
    for moment in _moments(conversations):
        tally.sentences += 1
        started = time.process_time()
        problems = examine(moment.sentence, moment.evidence, answer=moment.answer)
        took = time.process_time() - started
        tally.seconds += took
        tally.slowest = max(tally.slowest, took)
        if problems:
            tally.blocked.append((", ".join(f"{problem.reason} {problem.text!r}" for problem in problems), moment.sentence.strip()))
            continue
        for kind in KINDS:
            spoiled = spoil(moment.sentence, kind, chance)
            if spoiled is None:
                continue
            tally.spoiled[kind] += 1
            if examine(spoiled, moment.evidence, answer=moment.answer):
                tally.caught[kind] += 1
            else:
                tally.missed.append((kind, spoiled.strip()))
    return tally


def _moments(conversations: ConversationSet) -> Iterator[_Moment]:
    base = (TextIndex(conversations.policy),) if conversations.policy else ()
    names = {name for conversation in conversations.conversations for message in conversation for name in _calls(message).values()}
    deeds = {name: deed(name, "") for name in names}
    abilities = frozenset(effect for each in deeds.values() for effect in each.effects)
    for conversation in conversations.conversations:
        evidence = Evidence(base, abilities=abilities)
        calls: dict[str, str] = {}
        for message in conversation:
            calls |= _calls(message)
            content = message.get("content") or ""
            match message["role"]:
                case "user":
                    evidence.add_said(content)
                case "tool" if message.get("requestor", "assistant") == "assistant":
                    evidence.add_result(content)
                    if not message.get("error") and (name := calls.get(_call_id(message))) is not None:
                        evidence.add_deed(deeds[name])
                case "assistant" if content:
                    yield from _said(content, evidence)
                    evidence.add_answered(content)
                case _:
                    continue


def _said(content: str, evidence: Evidence) -> Iterator[_Moment]:
    stream = SentenceStream()
    answer: list[str] = []
    for sentence in (*stream.feed(content), *stream.flush()):
        yield _Moment(sentence, evidence, tuple(answer))
        answer.append(sentence)


def _calls(message: Mapping[str, Any]) -> dict[str, str]:
    """The agent's tool calls in a message: their names by their ids, in the recording's layout or OpenAI's."""
    calls: Sequence[Mapping[str, Any]] = message.get("tool_calls") or ()
    if message["role"] != "assistant":
        return {}
    return {str(call["id"]): str(call.get("name") or call.get("function", {}).get("name", "")) for call in calls}


def _call_id(message: Mapping[str, Any]) -> str:
    return str(message.get("tool_call_id") or message.get("id"))
