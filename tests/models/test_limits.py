"""Time and tries: waits are obeyed within the turn's time, silence ends, and an endpoint that is down is left alone."""

import asyncio
import time
from dataclasses import replace

import pytest

from deskhand.breaker import Breaker, BreakerOpen
from deskhand.models.openai_chat import OpenAIChatModel
from deskhand.models.retry import RetryPolicy, find_retry_after
from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import Ending, chunk, refuse_status, say, stream
from models.asking import QUICK, HandClock, ask, connect, request


async def test_retry_after_is_obeyed(server: ModelServer, model: OpenAIChatModel) -> None:
    server.reply_with(refuse_status(429, retry_after="0.4"))
    started = time.monotonic()
    heard = await ask(model)
    assert heard.end is not None
    assert time.monotonic() - started >= 0.4


async def test_a_wait_that_the_turn_has_no_time_for_is_not_begun(server: ModelServer, model: OpenAIChatModel) -> None:
    started = time.monotonic()
    server.reply_with(refuse_status(429, retry_after="30"))
    heard = await ask(model, request(seconds_left=20))
    assert heard.error is not None
    assert heard.error.code == "model_rate_limited"
    assert heard.error.retry_after_seconds == 30
    assert server.counts.total() == 1
    assert time.monotonic() - started < 15


async def test_an_answer_that_drips_is_ended_when_its_time_is_over(server: ModelServer) -> None:
    model = connect(server.base_url, limits=replace(QUICK, idle_seconds=20, budget_seconds=60))
    server.reply_with(say(*["drip "] * 1_000, between_seconds=0.05))
    started = time.monotonic()
    heard = await ask(model, request(seconds_left=2))
    await model.close()
    assert heard.error is not None
    assert heard.error.code == "model_timeout"
    assert heard.text
    assert 1.9 < time.monotonic() - started < 20


async def test_slow_tokens_are_waited_for_as_long_as_none_is_too_slow(server: ModelServer) -> None:
    limits = replace(QUICK, idle_seconds=1.5, budget_seconds=60)
    model = connect(server.base_url, limits=limits)
    server.reply_with(say(*["slow "] * 8, first_seconds=0.2, between_seconds=0.25))
    started = time.monotonic()
    heard = await ask(model)
    await model.close()
    assert heard.text == "slow " * 8
    assert time.monotonic() - started > limits.idle_seconds


async def test_a_server_that_stays_silent_after_the_end_is_not_waited_for(server: ModelServer) -> None:
    model = connect(server.base_url, limits=replace(QUICK, idle_seconds=20))
    server.reply_with(stream([chunk({"content": "whole"}), chunk({}, finish_reason="stop")], ending=Ending.HANG))
    started = time.monotonic()
    heard = await ask(model)
    await model.close()
    assert heard.error is None
    assert heard.text == "whole"
    assert time.monotonic() - started < 15


async def test_an_endpoint_that_keeps_failing_is_left_alone_then_tried_once(server: ModelServer) -> None:
    clock = HandClock()
    model = connect(server.base_url, limits=replace(QUICK, breaker_failures=5, retry=RetryPolicy(tries=1)), clock=clock)
    for _ in range(5):
        assert (await ask(model, request("[model: 500]"))).error is not None
    refused = await ask(model)
    assert refused.error is not None
    assert refused.error.code == "model_unavailable"
    assert refused.error.retry_after_seconds == 30
    assert server.counts.total() == 5

    clock.seconds += 31
    assert (await ask(model, request("[model: 500]"))).error is not None
    assert (await ask(model)).error is not None
    assert server.counts.total() == 6

    clock.seconds += 31
    assert (await ask(model)).end is not None
    assert (await ask(model)).end is not None
    assert server.counts.total() == 8
    await model.close()


async def test_refusals_and_bad_requests_do_not_open_the_breaker(server: ModelServer) -> None:
    model = connect(server.base_url, limits=replace(QUICK, breaker_failures=2))
    for kind in ("refusal", "empty", "400", "401", "refusal", "400"):
        assert (await ask(model, request(f"[model: {kind}]"))).error is not None
    assert (await ask(model)).end is not None
    await model.close()


async def test_one_good_answer_forgets_the_failures_before_it(server: ModelServer) -> None:
    model = connect(server.base_url, limits=replace(QUICK, breaker_failures=2, retry=RetryPolicy(tries=1)))
    for _ in range(4):
        assert (await ask(model, request("[model: 500]"))).error is not None
        assert (await ask(model)).end is not None
    await model.close()


async def test_a_trial_that_is_cancelled_leaves_room_for_the_next(server: ModelServer) -> None:
    clock = HandClock()
    model = connect(server.base_url, limits=replace(QUICK, idle_seconds=20, breaker_failures=1, retry=RetryPolicy(tries=1)), clock=clock)
    assert (await ask(model, request("[model: 500]"))).error is not None
    clock.seconds += 31
    trial = asyncio.create_task(ask(model, request("[model: stall]")))
    await server.wait_until_asked(2)
    trial.cancel()
    await asyncio.wait([trial])
    assert (await ask(model)).end is not None
    await model.close()


def test_a_late_answer_of_a_call_from_before_does_not_prolong_the_pause() -> None:
    clock = HandClock()
    breaker = Breaker(monotonic=clock.monotonic, failures=1, open_seconds=30)
    first, late = breaker.admit(), breaker.admit()
    breaker.record(trial=first, healthy=False)
    clock.seconds += 29
    breaker.record(trial=late, healthy=False)
    with pytest.raises(BreakerOpen):
        breaker.admit()
    clock.seconds += 1
    assert breaker.admit()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_what_a_server_asks_to_wait_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert find_retry_after(headers, now=10.0) == seconds


def test_waits_grow_and_differ_from_call_to_call() -> None:
    policy = RetryPolicy(tries=10)
    waits = [policy.find_wait(tries=tries, asked_seconds=None, seconds_left=100, chance=0.0) for tries in range(1, 10)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0]
    assert policy.find_wait(tries=1, asked_seconds=None, seconds_left=100, chance=0.999) == pytest.approx(0.25, abs=0.01)
    assert policy.find_wait(tries=10, asked_seconds=None, seconds_left=100, chance=0.0) is None
    assert policy.find_wait(tries=1, asked_seconds=None, seconds_left=0.4, chance=0.0) is None
