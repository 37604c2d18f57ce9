"""Whether the model's endpoint is there, asked at most every 30 s however often health is asked for."""

import asyncio

from deskhand.clock import Clock
from deskhand.models.port import ChatModel, ModelError

_FRESH_SECONDS = 30.0


class ModelCheck:
    def __init__(self, model: ChatModel, *, clock: Clock) -> None:
        self._model = model
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked: float | None = None
        self._error: ModelError | None = None

    async def ask(self) -> None:
        """Raises ModelError: the endpoint was not there when it was last asked."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._asked is None or now - self._asked >= _FRESH_SECONDS:
                try:
                    await self._model.check()
                except ModelError as error:
                    self._error = error
                else:
                    self._error = None
                self._asked = self._clock.monotonic()
        if self._error is not None:
            raise self._error
