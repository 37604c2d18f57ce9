"""When a conversation goes to a person, and why. Pure: facts in, a decision or nothing out; no clock, no I/O, no model.

The invariant: an explicit request for a person is always granted, whatever else is known.
"""

from dataclasses import dataclass
from enum import StrEnum


class EscalationReason(StrEnum):
    ASKED_FOR_PERSON = "asked_for_person"
    ANGER = "anger"
    REPEATED_FAILURE = "repeated_failure"
    SENSITIVE_MATTER = "sensitive_matter"
    LOW_CONFIDENCE = "low_confidence"
    POLICY = "policy"
    MISSING_KNOWLEDGE = "missing_knowledge"
    UNSUPPORTED_REQUEST = "unsupported_request"
    TOOL_FAILURE = "tool_failure"
    LIMIT = "limit"
    # Nobody asked: a person behind the desk stepped in.
    TAKEOVER = "takeover"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class HandoffFacts:
    """What is known of a turn when the question is asked.

    `unanswered_in_a_row` counts the turns up to and including this one that found no answer. `confidence` is that of the answer, in
    [0, 1], or None while there is no answer. `requested` is the reason for which the model asked for a person, if it did.
    """

    asked_for_person: bool = False
    angry: bool = False
    in_danger: bool = False
    sensitive: bool = False
    unanswered_in_a_row: int = 0
    confidence: float | None = None
    requested: EscalationReason | None = None
    requested_priority: Priority | None = None


@dataclass(frozen=True, slots=True)
class HandoffRules:
    """What a company chose. `confidence_floor` of 0 means that a low confidence alone never hands over."""

    on_anger: bool = True
    on_sensitive_matter: bool = True
    failures_in_a_row: int = 3
    confidence_floor: float = 0.0


@dataclass(frozen=True, slots=True)
class EscalationDecision:
    reason: EscalationReason
    priority: Priority


def decide(facts: HandoffFacts, rules: HandoffRules) -> EscalationDecision | None:
    """Say whether the conversation goes to a person, for the gravest reason that holds.

    One unanswered question is no reason: the customer is offered a person then, and only failures in a row hand over.
    """
    if facts.in_danger:
        return EscalationDecision(EscalationReason.SENSITIVE_MATTER, Priority.URGENT)
    if facts.asked_for_person:
        return EscalationDecision(EscalationReason.ASKED_FOR_PERSON, Priority.HIGH if facts.angry or facts.sensitive else Priority.NORMAL)
    if facts.sensitive and rules.on_sensitive_matter:
        return EscalationDecision(EscalationReason.SENSITIVE_MATTER, Priority.HIGH)
    if facts.angry and rules.on_anger:
        return EscalationDecision(EscalationReason.ANGER, Priority.HIGH)
    if facts.requested is not None:
        return EscalationDecision(facts.requested, facts.requested_priority or Priority.NORMAL)
    if facts.unanswered_in_a_row >= rules.failures_in_a_row:
        return EscalationDecision(EscalationReason.REPEATED_FAILURE, Priority.NORMAL)
    if facts.confidence is not None and facts.confidence < rules.confidence_floor:
        return EscalationDecision(EscalationReason.LOW_CONFIDENCE, Priority.NORMAL)
    return None
