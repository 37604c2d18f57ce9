"""From what a run found to its `Answered`: sources, confidence, whether a person takes over. Pure."""

from collections.abc import Sequence
from typing import Any

from deskhand.agent import history
from deskhand.agent.citations import supporting
from deskhand.agent.findings import Findings, FoundPassage
from deskhand.agent.loop import AnswerLoop
from deskhand.agent.run import Answered, EscalationRequest, UsedSource
from deskhand.guard.gate import WithheldPolicy
from deskhand.handoff.policy import EscalationDecision, EscalationReason, HandoffFacts, HandoffRules, Priority, decide
from deskhand.handoff.signals import Signals
from deskhand.texts import Texts

# Under this key an answer's metadata say what the evidence gate did.
EVIDENCE = "evidence"
_SUMMARY_CHARACTERS = 500
# Confidence of an answer whose model states none: with sources the chance that they answer, else by what is missing.
_CONFIDENCE_SMALL_TALK = 0.5
_CONFIDENCE_UNSUPPORTED = 0.2


def hand_over_at_once(signals: Signals, rules: HandoffRules, *, texts: Texts, words: Sequence[str]) -> Answered | None:
    """The answer that hands over without asking the model, where the customer's own words are reason enough."""
    decision = decide(
        HandoffFacts(
            asked_for_person=signals.asked_for_person, angry=signals.angry, sensitive=signals.sensitive, in_danger=signals.in_danger
        ),
        rules,
    )
    if decision is None:
        return None
    text = texts.handed_over_urgently if decision.priority is Priority.URGENT else texts.handed_over
    return Answered(text=text, sources=(), confidence=1.0, tools_used=(), escalation=_request(decision, Findings(), words))


def conclude(
    loop: AnswerLoop, *, unanswered_before: int, rules: HandoffRules, withheld: WithheldPolicy, texts: Texts, words: Sequence[str]
) -> tuple[str, Answered]:
    """What is still to be said, so that no hand-off and no withheld answer is silent, and the answer with it."""
    findings = loop.findings
    asked_by_model = findings.escalation is not None
    if findings.escalation is None:
        findings.escalation = _escalation_of_gate(loop, withheld, words)
    cited: Sequence[FoundPassage] = loop.citations.cited
    if not cited and loop.confidence is None:
        # A model that can tell how sure it is cites what it answers from.
        cited = supporting("".join(loop.text), findings.passages)
    sources = _sources(cited)
    answered = False if _withheld_all(loop) else _answered(findings, sources)
    confidence = loop.confidence if loop.confidence is not None else _confidence(answered, sources)
    decision = decide(
        HandoffFacts(
            unanswered_in_a_row=history.unanswered_after(unanswered_before, answered),
            confidence=confidence if answered is not None else None,
            requested=findings.escalation.reason if findings.escalation else None,
            requested_priority=findings.escalation.priority if findings.escalation else None,
        ),
        rules,
    )
    is_announced = asked_by_model or (loop.gate is not None and loop.gate.promised_person)
    addition = _announcement(decision, texts, said_something=bool(loop.text), is_announced=is_announced)
    if not addition and _withheld_all(loop):
        addition = texts.withheld
    return addition, Answered(
        text="".join(loop.text) + addition,
        sources=sources,
        confidence=confidence,
        tools_used=tuple(findings.tools_used),
        escalation=_request(decision, findings, words),
        metadata=_metadata(loop, answered),
    )


def _answered(findings: Findings, sources: tuple[UsedSource, ...]) -> bool | None:
    """Whether the customer's question was answered from evidence; None when nothing was looked for."""
    if sources:
        return True
    return False if findings.searches or findings.failed_parts else None


def _confidence(answered: bool | None, sources: tuple[UsedSource, ...]) -> float:
    if answered is None:
        return _CONFIDENCE_SMALL_TALK
    if not answered:
        return _CONFIDENCE_UNSUPPORTED
    return round(max(source.relevance for source in sources), 4)


def _withheld_all(loop: AnswerLoop) -> bool:
    return loop.gate is not None and loop.gate.withheld_all


def _escalation_of_gate(loop: AnswerLoop, withheld: WithheldPolicy, words: Sequence[str]) -> EscalationRequest | None:
    """A hand-off that was promised without asking for it, or that the company wants where sentences had to be left out."""
    gate = loop.gate
    if gate is None or not (gate.promised_person or (gate.counts.dropped and withheld is WithheldPolicy.HAND_OVER)):
        return None
    return EscalationRequest(reason=EscalationReason.POLICY, priority=Priority.NORMAL, summary=_summary(words))


def _announcement(decision: EscalationDecision | None, texts: Texts, *, said_something: bool, is_announced: bool) -> str:
    """What is added to the model's answer so that no hand-off is silent."""
    if decision is None or (is_announced and said_something):
        return ""
    after_failures = decision.reason is EscalationReason.REPEATED_FAILURE
    phrase = texts.handed_over_after_failures if after_failures else texts.handed_over
    return f"\n\n{phrase}" if said_something else phrase


def _request(decision: EscalationDecision | None, findings: Findings, words: Sequence[str]) -> EscalationRequest | None:
    if decision is None:
        return None
    summary = findings.escalation.summary if findings.escalation else _summary(words)
    return EscalationRequest(reason=decision.reason, priority=decision.priority, summary=summary)


def _summary(words: Sequence[str]) -> str:
    return " ".join(" ".join(words).split())[:_SUMMARY_CHARACTERS]


def _sources(passages: Sequence[FoundPassage]) -> tuple[UsedSource, ...]:
    return tuple(
        UsedSource(content=passage.text, metadata=_source_metadata(passage), relevance=passage.score, rank=rank)
        for rank, passage in enumerate(passages, start=1)
    )


def _source_metadata(passage: FoundPassage) -> dict[str, Any]:
    optional = {
        "url": passage.url,
        "page": passage.page,
        "section": passage.section,
        "document_id": passage.document_id,
        "chunk_id": passage.chunk_id,
    }
    return {"source": passage.source, "title": passage.title, **{name: value for name, value in optional.items() if value is not None}}


def _untrusted(loop: AnswerLoop) -> dict[str, Any]:
    """What was kept from the customer or from taking effect, and what reads like orders; empty when there was nothing."""
    told: dict[str, Any] = {
        "orders_in": sorted({origin for origin, _ in loop.findings.suspicious}),
        "kinds": sorted({family for _, families in loop.findings.suspicious for family in families}),
        "refused_tools": sorted(set(loop.findings.refused)),
        "withheld_hosts": sorted(set(filter(None, loop.links.withheld))),
    }
    return {name: value for name, value in told.items() if value}


def _metadata(loop: AnswerLoop, answered: bool | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {history.ANSWERED: answered, "rounds": loop.rounds, "tokens": loop.tokens}
    if loop.gate is not None:
        metadata[EVIDENCE] = loop.gate.metadata()
    if untrusted := _untrusted(loop):
        metadata["untrusted"] = untrusted
    if loop.findings.failed_parts:
        metadata["degraded"] = sorted(set(loop.findings.failed_parts))
    if loop.findings.forgot_notes:
        metadata[history.FORGOT_NOTES] = True
    if loop.findings.notes:
        metadata[history.REMEMBERED] = loop.findings.notes
    return metadata
