"""A chain of models: the next is asked when one cannot answer.

The invariant: what the customer saw stays. A model is replaced only before its first text or tool call; after that its fault is the
turn's fault.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import structlog

from deskhand.clock import Clock, SystemClock
from deskhand.models.port import (
    ChatModel,
    ModelError,
    ModelEvent,
    ModelProtocolError,
    ModelRateLimited,
    ModelRequest,
    ModelTimeout,
    ModelUnavailable,
    TextDelta,
    ToolCallRequested,
)

log = structlog.get_logger(__name__)

# Long enough that the next step of the same turn does not wait for the same model again.
_PASSED_OVER_SECONDS: Final = 5.0
# What says something about the model, not about the conversation that it was sent.
_DOWN: Final = (ModelUnavailable, ModelRateLimited, ModelTimeout, ModelProtocolError)


class FallbackModel:
    """The first of `models` that begins to answer, answers. There is at least one."""

    def __init__(self, models: Sequence[ChatModel], *, begin_seconds: float = 20.0, clock: Clock | None = None) -> None:
        """A model that has not begun after `begin_seconds`, tries and waits included, or after half of the turn's time, is replaced."""
        self._models = tuple(models)
        self._begin_seconds = begin_seconds
        self._clock = clock or SystemClock()
        self._passed_over_until = dict.fromkeys(range(len(self._models)), 0.0)
        self.name = models[0].name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """As the port says; the error is that of the last model when none of them begins to answer."""
        started_at = self._clock.monotonic()
        *others, last = self._models
        for place, model in enumerate(others):
            now = self._clock.monotonic()
            if now < self._passed_over_until[place]:
                continue
            rest = _rest_of(request, spent=now - started_at)
            seconds = self._begin_seconds if rest.seconds_left is None else min(self._begin_seconds, rest.seconds_left / 2)
            begun = False
            try:
                async with aclosing(_beginning_within(model, rest, seconds=seconds)) as events:
                    async for event in events:
                        begun = begun or _is_seen(event)
                        yield event
            except ModelError as error:
                if begun:
                    raise
                if isinstance(error, _DOWN):
                    self._passed_over_until[place] = self._clock.monotonic() + _PASSED_OVER_SECONDS
                log.warning("model_replaced", model=model.name, code=error.code)
            else:
                return
        async with aclosing(last.stream(_rest_of(request, spent=self._clock.monotonic() - started_at))) as events:
            async for event in events:
                yield event

    async def check(self) -> None:
        """Raises the first model's error when no model is there."""
        first: ModelError | None = None
        for model in self._models:
            try:
                await model.check()
            except ModelError as error:
                first = first or error
            else:
                return
        if first is not None:
            raise first

    async def close(self) -> None:
        for model in self._models:
            await model.close()


async def _beginning_within(model: ChatModel, request: ModelRequest, *, seconds: float) -> AsyncGenerator[ModelEvent, None]:
    """The model's events.

    Raises:
        ModelTimeout: none that anybody sees came in time.
    """
    limit: float | None = asyncio.get_running_loop().time() + seconds
    async with aclosing(model.stream(request)) as events:
        while True:
            try:
                async with asyncio.timeout_at(limit):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise ModelTimeout("The model did not begin to answer in time.") from error
            if limit is not None and _is_seen(event):
                limit = None
            yield event


def _is_seen(event: ModelEvent) -> bool:
    return isinstance(event, TextDelta | ToolCallRequested)


def _rest_of(request: ModelRequest, *, spent: float) -> ModelRequest:
    return request if request.seconds_left is None else replace(request, seconds_left=max(0.0, request.seconds_left - spent))
