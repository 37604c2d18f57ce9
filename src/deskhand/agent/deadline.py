"""The end of a turn's time, watched without a timer for each wait.

The invariant: only a wait inside `with deadline.wait()` is ever interrupted. What runs between two waits, such as the consumer of an async
generator, is not, although it runs in the same task.
"""

import asyncio
from types import TracebackType

from deskhand.agent.errors import TurnTimeout


class Deadline:
    """Starts to run when it is made. `close` it, or its timer stays until it fires."""

    __slots__ = ("_cancelled", "_cancelling", "_handle", "_loop", "_passed", "_task", "_when")

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._when = self._loop.time() + max(0.0, seconds)
        self._handle = self._loop.call_at(self._when, self._pass)
        self._task: asyncio.Task[object] | None = None
        self._passed = False
        self._cancelled = False
        self._cancelling = 0

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._when - self._loop.time())

    def wait(self) -> "Deadline":
        """A context around one await: raises TurnTimeout if the time is over or runs out in it."""
        return self

    def close(self) -> None:
        self._handle.cancel()

    def __enter__(self) -> None:
        if self._passed:
            raise TurnTimeout
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A deadline can be waited for in a task only.")
        self._task = task
        self._cancelling = task.cancelling()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        task, self._task = self._task, None
        if not self._cancelled or task is None:
            return
        self._cancelled = False
        # Somebody else may have cancelled the task as well: then it is theirs.
        if task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError):
            raise TurnTimeout from error

    def _pass(self) -> None:
        self._passed = True
        if self._task is not None:
            self._cancelled = True
            self._task.cancel()
