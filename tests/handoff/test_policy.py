"""When a conversation goes to a person, by the facts alone."""

import pytest

from deskhand.handoff.policy import EscalationReason, HandoffFacts, HandoffRules, Priority, decide

RULES = HandoffRules()


def test_without_a_reason_nothing_is_decided() -> None:
    assert decide(HandoffFacts(), RULES) is None


def test_one_unanswered_question_does_not_hand_over() -> None:
    assert decide(HandoffFacts(unanswered_in_a_row=1, confidence=0.05), RULES) is None


def test_failures_in_a_row_hand_over_at_the_number_that_was_chosen() -> None:
    assert decide(HandoffFacts(unanswered_in_a_row=2), RULES) is None
    decision = decide(HandoffFacts(unanswered_in_a_row=3), RULES)
    assert decision is not None
    assert decision.reason is EscalationReason.REPEATED_FAILURE
    assert decide(HandoffFacts(unanswered_in_a_row=1), HandoffRules(failures_in_a_row=1)) is not None


def test_a_request_for_a_person_is_granted_whatever_the_rules() -> None:
    rules = HandoffRules(on_anger=False, on_sensitive_matter=False, failures_in_a_row=99)
    decision = decide(HandoffFacts(asked_for_person=True), rules)
    assert decision is not None
    assert (decision.reason, decision.priority) == (EscalationReason.ASKED_FOR_PERSON, Priority.NORMAL)


def test_an_angry_request_goes_before_others() -> None:
    decision = decide(HandoffFacts(asked_for_person=True, angry=True), RULES)
    assert decision is not None
    assert decision.priority is Priority.HIGH


def test_danger_is_urgent_and_goes_before_all_else() -> None:
    decision = decide(HandoffFacts(in_danger=True, asked_for_person=True), HandoffRules(on_sensitive_matter=False))
    assert decision is not None
    assert (decision.reason, decision.priority) == (EscalationReason.SENSITIVE_MATTER, Priority.URGENT)


@pytest.mark.parametrize(
    ("facts", "rules"),
    [
        (HandoffFacts(angry=True), HandoffRules(on_anger=False)),
        (HandoffFacts(sensitive=True), HandoffRules(on_sensitive_matter=False)),
    ],
)
def test_a_reason_can_be_switched_off(facts: HandoffFacts, rules: HandoffRules) -> None:
    assert decide(facts, rules) is None
    assert decide(facts, RULES) is not None


def test_the_model_may_ask_with_its_own_reason_and_priority() -> None:
    facts = HandoffFacts(requested=EscalationReason.UNSUPPORTED_REQUEST, requested_priority=Priority.LOW)
    decision = decide(facts, RULES)
    assert decision is not None
    assert (decision.reason, decision.priority) == (EscalationReason.UNSUPPORTED_REQUEST, Priority.LOW)


def test_a_low_confidence_hands_over_only_below_a_floor_that_was_chosen() -> None:
    assert decide(HandoffFacts(confidence=0.0), RULES) is None
    decision = decide(HandoffFacts(confidence=0.2), HandoffRules(confidence_floor=0.3))
    assert decision is not None
    assert decision.reason is EscalationReason.LOW_CONFIDENCE
