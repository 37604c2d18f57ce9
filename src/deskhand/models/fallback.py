"""A chain of models: the next is asked when one cannot answer.

The invariant: what the customer saw stays. A model is replaced only before its first text or tool call; after that its fault is the
turn's fault.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog

from deskhand.models.port import ChatModel, ModelError, ModelEvent, ModelRequest, TextDelta, ToolCallRequested

log = structlog.get_logger(__name__)


class FallbackModel:
    """The first of `models` that begins to answer, answers. There is at least one."""

    def __init__(self, models: Sequence[ChatModel]) -> None:
        self._models = tuple(models)
        self.name = models[0].name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """As the port says; the error is that of the last model when none of them begins to answer."""
        *others, last = self._models
        for model in others:
            begun = False
            try:
                async with aclosing(model.stream(request)) as events:
                    async for event in events:
                        begun = begun or isinstance(event, TextDelta | ToolCallRequested)
                        yield event
            except ModelError as error:
                if begun:
                    raise
                log.warning("model_replaced", model=model.name, code=error.code)
            else:
                return
        async with aclosing(last.stream(request)) as events:
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
