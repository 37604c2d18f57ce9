"""A model whose calls are counted, by how they ended. What it says passes through as it comes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from deskhand.models.port import ChatModel, ModelEnded, ModelError, ModelEvent, ModelRequest
from deskhand.telemetry import Metrics


class CountedModel:
    """`model`, with each call in `deskhand_model_calls_total`: `ended`, the code of its fault, or `left` when nobody waited for its end."""

    __slots__ = ("_calls", "_model", "name")

    def __init__(self, model: ChatModel, metrics: Metrics) -> None:
        self.name = model.name
        self._model = model
        self._calls = metrics.model_calls

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """As the port says."""
        outcome = "left"
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    if isinstance(event, ModelEnded):
                        outcome = "ended"
                    yield event
        except ModelError as error:
            outcome = error.code
            raise
        finally:
            self._calls.labels(self.name, outcome).inc()

    async def check(self) -> None:
        await self._model.check()

    async def close(self) -> None:
        await self._model.close()
