"""What parts of the server were asked and have not answered yet.

The invariant: a part is asked one thing at a time. One that never answers holds one task, and one connection, however often it is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable

from deskhand.telemetry import Supervisor


class Questions:
    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[str, asyncio.Future[str]] = {}

    async def ask(self, name: str, question: Callable[[], Awaitable[str]], *, supervisor: Supervisor, seconds: float) -> str | None:
        """What the part `name` answers; None: nothing within `seconds`. It is not stopped then: the next who asks waits for the same."""
        answer = self._open.get(name)
        if answer is None:
            answer = self._open[name] = asyncio.get_running_loop().create_future()
            asked = answer
            _ = supervisor.start(lambda: self._put(name, question, asked), name="readiness")
        await asyncio.wait({answer}, timeout=seconds)
        return answer.result() if answer.done() and not answer.cancelled() else None

    async def _put(self, name: str, question: Callable[[], Awaitable[str]], answer: "asyncio.Future[str]") -> None:
        try:
            answer.set_result(await question())
        finally:
            del self._open[name]
            # Does nothing to one that was given; without one, nobody is left waiting.
            answer.cancel()
