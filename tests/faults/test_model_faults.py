"""C3: whatever the model does, every turn ends, says which fault it was, keeps what was said, and offers a person."""

import asyncio

import pytest

from deskhand.testing.faults import KINDS
from faults.desk import MODEL_KEY, Desk
from faults.doors import DOORS, by_rest

pytestmark = pytest.mark.asyncio(loop_scope="module")

TURNS = 10
MOST_TRIES, MOST_ROUNDS, MOST_CALLS = 3, 8, 16
SECRETS = (MODEL_KEY, "complaint-canary")

# kind: code, requests to the model, whether text is kept
FAILING = {
    "429": ("model_rate_limited", MOST_TRIES, False),
    "500": ("model_unavailable", MOST_TRIES, False),
    "502": ("model_unavailable", MOST_TRIES, False),
    "503": ("model_unavailable", MOST_TRIES, False),
    "401": ("model_rejected", 1, False),
    "400": ("model_rejected", 1, False),
    "429 retry_after=60": ("model_rate_limited", 1, False),
    "dropped": ("model_unavailable", MOST_TRIES, False),
    "html": ("provider_protocol", 1, False),
    "html_502": ("model_unavailable", MOST_TRIES, False),
    "html_as_stream": ("provider_protocol", 1, False),
    "wrong_type": ("provider_protocol", 1, False),
    "not_streamed": ("provider_protocol", 1, False),
    "slow_first": ("model_timeout", 1, False),
    "no_head": ("model_timeout", 1, False),
    "stall": ("model_timeout", 1, True),
    "truncated": ("provider_protocol", 1, True),
    "cut": ("provider_protocol", 1, True),
    "cut after=0": ("provider_protocol", MOST_TRIES, False),
    "no_end": ("provider_protocol", 1, True),
    "malformed": ("provider_protocol", 1, True),
    "wrong_shape": ("provider_protocol", 1, True),
    "bad_utf8": ("provider_protocol", 1, True),
    "unknown_end": ("provider_protocol", 1, True),
    "error_inside": ("model_unavailable", 1, True),
    "error_inside after=0": ("model_unavailable", MOST_TRIES, False),
    "error_inside after=0 code=429": ("model_rate_limited", MOST_TRIES, False),
    "empty": ("model_empty", 1, False),
    "refusal": ("model_refused", 1, False),
    "content_filter": ("model_refused", 1, True),
    "length": ("answer_truncated", 1, True),
    "runaway": ("token_limit", 1, True),
    "huge_arguments": ("provider_protocol", 1, False),
    "tool_loop": ("tool_loop", MOST_ROUNDS, False),
    "tool_loop calls=7": ("tool_loop", 3, False),
    "duplicate_calls": ("tool_loop", MOST_ROUNDS, False),
    "unknown_tool": ("tool_loop", 4, False),
    "wrong_arguments": ("tool_loop", 4, False),
    "malformed_arguments": ("tool_loop", 4, False),
}
WHOLE = {"answer": 1, "no_done": 1, "duplicate": 1, "tool": 2}


async def test_every_kind_of_fault_goes_through_the_product() -> None:
    assert {kind.split()[0] for kind in (*FAILING, *WHOLE)} == set(KINDS)
    assert len(FAILING) >= 20


@pytest.mark.parametrize("kind", FAILING)
async def test_a_fault_ends_the_turn_out_loud_and_offers_a_person(kind: str, desk: Desk) -> None:
    await asyncio.gather(*(_suffer(desk, kind, number=number) for number in range(TURNS)))
    assert not any(secret in desk.served.logs.getvalue() for secret in SECRETS)


async def _suffer(desk: Desk, kind: str, *, number: int) -> None:
    code, requests, keeps_text = FAILING[kind]
    visitor = await desk.served.visitor()
    question = f"Question {number} [model: {kind}]"
    end = await DOORS[number % len(DOORS)](desk.served, visitor, question)

    assert end.error == code
    assert "a person" in end.notice
    assert desk.server.counts[question] == requests
    assert bool(end.text) is keeps_text
    turn = await desk.turn(end.turn_id)
    assert (turn.state, turn.error_code) == ("failed", code)
    assert turn.ended_at is not None
    assert await desk.count_tool_calls(end.turn_id) <= MOST_CALLS

    said = await desk.transcript(visitor)
    kept = [("assistant", end.text, "incomplete")] if keeps_text else []
    assert [(each["role"], each["content"], each["status"]) for each in said] == [("customer", question, "complete"), *kept]
    assert not any(secret in f"{end.raw} {said}" for secret in SECRETS)

    if number % 2:
        well = await by_rest(desk.served, visitor, f"How do I reset my password, after {kind}?")
        assert (well.error, "reset" in well.text) == (None, True)
        assert [each["status"] for each in await desk.transcript(visitor)] == [each["status"] for each in said] + ["complete", "complete"]
    handed_over = (await desk.served.say(visitor, "I want to talk to a person")).json()
    assert handed_over["requires_escalation"]
    assert await desk.status(visitor) == "escalated"
    assert [ticket.reason for ticket in await desk.tickets(visitor)] == ["asked_for_person"]


@pytest.mark.parametrize("kind", WHOLE)
async def test_what_is_odd_but_whole_is_an_answer(kind: str, desk: Desk) -> None:
    for number, door in enumerate(DOORS):
        visitor = await desk.served.visitor()
        question = f"Odd {number} [model: {kind}]"
        end = await door(desk.served, visitor, question)
        assert (end.error, bool(end.text)) == (None, True)
        assert desk.server.counts[question] == WHOLE[kind]
        assert [each["status"] for each in await desk.transcript(visitor)] == ["complete", "complete"]
        assert (await desk.turn(end.turn_id)).state == "completed"


@pytest.mark.parametrize("kind", ["429", "503", "dropped", "html_502", "cut after=0", "error_inside after=0"])
async def test_a_fault_that_passes_is_not_seen_by_the_customer(kind: str, desk: Desk) -> None:
    visitor = await desk.served.visitor()
    question = f"Passing [model: {kind} times=2]"
    end = await by_rest(desk.served, visitor, question)
    assert (end.error, bool(end.text)) == (None, True)
    assert desk.server.counts[question] == MOST_TRIES
