"""A model behind any OpenAI-compatible endpoint: tries, time limits, the breaker, and what a fault is called.

The invariant: after the first text of an answer was given out nothing is tried again, and nobody gets `ModelEnded` unless the provider
ended the answer itself.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Final

import structlog
from pydantic import SecretStr

from deskhand.breaker import Breaker, BreakerOpen
from deskhand.clock import Clock, SystemClock
from deskhand.models.openai_faults import ModelCutOff, StatusFailure, remedy_for
from deskhand.models.openai_http import Answer, HttpConnection
from deskhand.models.openai_request import Dialect, find_other_dialect, to_body
from deskhand.models.openai_stream import StreamDecoder
from deskhand.models.port import (
    ModelError,
    ModelEvent,
    ModelProtocolError,
    ModelRateLimited,
    ModelRequest,
    ModelTimeout,
    ModelUnavailable,
)
from deskhand.models.retry import RetryPolicy
from deskhand.telemetry import redactor

log = structlog.get_logger(__name__)

_RETRIED: Final = (ModelUnavailable, ModelRateLimited, ModelCutOff)
_UNHEALTHY: Final = (ModelUnavailable, ModelRateLimited, ModelTimeout, ModelProtocolError)
# After the end marker only the token counts and the end of the connection may come; a server that keeps it open is not waited for.
_AFTER_END_SECONDS: Final = 1.0
# What callers are told to wait while another finds out whether the server is back.
_TRIAL_WAIT_SECONDS: Final = 1.0
# Tokens that come closer together than a person can see are read together: each by itself costs ten times as much. The first is not kept
# waiting, nor is the end.
_GATHER_SECONDS: Final = 0.05
_AFTER_DONE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """`idle_seconds`: to the first piece and from each to the next (a server's keep-alive comment counts as one). `budget_seconds`: the
    whole call, tries and waits included. `breaker_failures`: failed calls in a row after which the endpoint is left alone for
    `breaker_seconds`."""

    idle_seconds: float = 20.0
    budget_seconds: float = 120.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    breaker_failures: int = 5
    breaker_seconds: float = 30.0


class OpenAIChatModel:
    """`model` as served at `base_url`. Connects when it is first used."""

    __slots__ = ("_breaker", "_clock", "_connection", "_dialect", "_limits", "name")

    def __init__(
        self, model: str, *, base_url: str, api_key: SecretStr | None, limits: Limits | None = None, clock: Clock | None = None
    ) -> None:
        self.name = f"openai:{model}"
        key = api_key.get_secret_value() if api_key is not None else None
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._breaker = Breaker(
            monotonic=self._clock.monotonic, failures=self._limits.breaker_failures, open_seconds=self._limits.breaker_seconds
        )
        self._dialect = Dialect()
        self._connection = HttpConnection(
            model=model, base_url=base_url, api_key=key, idle_seconds=self._limits.idle_seconds, now=self._clock.now
        )
        if key:
            redactor.learn([key])

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream one step of the model, as `ChatModel.stream` says.

        An error's `details` has `tries`, and `provider_status` if there was one.
        """
        limits = self._limits
        seconds = limits.budget_seconds if request.seconds_left is None else min(limits.budget_seconds, request.seconds_left)
        deadline = self._clock.monotonic() + seconds
        tries = 0
        trial = self._admit()
        healthy: bool | None = None
        try:
            while True:
                tries += 1
                reading = _Reading(request, limits=limits, clock=self._clock, deadline=deadline)
                try:
                    async with self._connection.open(to_body(request, dialect=self._dialect), seconds_left=reading.seconds_left) as answer:
                        while True:
                            events = await reading.read(answer)
                            if reading.is_over:
                                healthy = True
                            for event in events:
                                yield event
                            if reading.is_over:
                                return
                except (ModelError, StatusFailure) as failure:
                    await asyncio.sleep(self._wait_after(failure, tries=tries, reading=reading))
        except ModelError as error:
            healthy = not isinstance(error, _UNHEALTHY)
            raise
        finally:
            self._breaker.record(trial=trial, healthy=healthy)

    async def check(self) -> None:
        """Ask the endpoint whether it is there, without a retry. The error's `remedy` is for whoever runs the installation."""
        try:
            await self._connection.check()
        except StatusFailure as failure:
            error = failure.to_error()
            error.remedy = remedy_for(failure.status)
            raise error from None
        except ModelUnavailable as error:
            error.remedy = "Check DESKHAND_MODEL_BASE_URL, and that the model's server is running."
            raise

    async def close(self) -> None:
        await self._connection.close()

    def _admit(self) -> bool:
        try:
            return self._breaker.admit()
        except BreakerOpen as error:
            seconds = ceil(max(error.seconds_left, _TRIAL_WAIT_SECONDS))
            raise ModelUnavailable(
                f"The model's server failed {error.failures} times in a row and is left alone for {seconds} s.", retry_after_seconds=seconds
            ) from error

    def _wait_after(self, failure: ModelError | StatusFailure, *, tries: int, reading: "_Reading") -> float:
        """Seconds to wait before the next try; raises what went wrong when there is to be none."""
        retry = self._limits.retry
        if isinstance(failure, StatusFailure):
            other = find_other_dialect(self._dialect, complaint=failure.complaint) if failure.status in {400, 422} else None
            if other is not None and tries < retry.tries:
                log.info("model_dialect_learnt", model=self.name, reports_usage=other.reports_usage, limit_field=other.limit_field)
                self._dialect = other
                return 0.0
            log.debug("model_provider_says", model=self.name, status=failure.status, text=failure.complaint[:300])
        error = failure.to_error() if isinstance(failure, StatusFailure) else failure
        wait: float | None = None
        if isinstance(error, _RETRIED) and not reading.has_shown:
            wait = retry.find_wait(
                tries=tries,
                asked_seconds=error.retry_after_seconds,
                seconds_left=reading.seconds_left,
                chance=random.random(),  # noqa: S311 - spreads the load, guards nothing
            )
        status = failure.status if isinstance(failure, StatusFailure) else None
        if wait is not None:
            log.info("model_retried", model=self.name, code=error.code, status=status, tries=tries, wait_seconds=round(wait, 2))
            return wait
        remedy = remedy_for(status) if status is not None else None
        log.warning("model_failed", model=self.name, code=error.code, status=status, tries=tries, reason=error.message, remedy=remedy)
        error.details = {**(error.details or {}), "tries": tries}
        raise error from error.__cause__


class _Reading:
    """One try at one answer: what was read of it, and whether any of it was shown."""

    __slots__ = ("_clock", "_deadline", "_decoder", "_idle_seconds", "has_shown", "is_over")

    def __init__(self, request: ModelRequest, *, limits: Limits, clock: Clock, deadline: float) -> None:
        self._decoder = StreamDecoder(max_output_tokens=request.max_output_tokens)
        self._idle_seconds = limits.idle_seconds
        self._clock = clock
        self._deadline = deadline
        self.has_shown = False
        self.is_over = False

    @property
    def seconds_left(self) -> float:
        return max(self._deadline - self._clock.monotonic(), 0.0)

    async def read(self, answer: Answer) -> list[ModelEvent]:
        """The next events, perhaps none; the last ones when this sets `is_over`."""
        decoder = self._decoder
        if not decoder.is_done:
            if self.has_shown and not decoder.has_end_marker:
                await answer.gather(_GATHER_SECONDS)
            piece = await self._read_last(answer) if decoder.has_end_marker else await self._read_piece(answer)
            if piece:
                events = decoder.feed(piece)
                if events:
                    self.has_shown = True
                return events
        events = decoder.finish()
        self.is_over = True
        if decoder.is_done:
            await self._drain(answer)
        return events

    async def _read_piece(self, answer: Answer) -> bytes:
        left = self._deadline - self._clock.monotonic()
        if left > self._idle_seconds:
            # The transport keeps the idle limit by itself; a timer for each piece would cost as much as decoding it.
            return await answer.read()
        # What is there already is read without a wait, which no timer would end.
        if left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    return await answer.read()
        raise ModelTimeout("The model did not finish in time.")

    async def _read_last(self, answer: Answer) -> bytes:
        """What comes after the end marker. The answer is whole, so a connection that breaks or stays silent now is an end too."""
        try:
            async with asyncio.timeout(min(_AFTER_END_SECONDS, self._idle_seconds)):
                return await answer.read()
        except (TimeoutError, ModelTimeout, ModelCutOff):
            return b""

    async def _drain(self, answer: Answer) -> None:
        """Read to the end of the body, which is almost always there already: only then can the connection be used again."""
        try:
            async with asyncio.timeout(_AFTER_DONE_SECONDS):
                while await answer.read():
                    pass
        except (TimeoutError, ModelTimeout, ModelCutOff):
            return
