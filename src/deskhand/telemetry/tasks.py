"""Background tasks with an owner. The one place where any exception is caught: it is logged, counted, and where told the task restarts.
A part that is down, such as the database, is no fault of the task: it is logged without a traceback and not counted.

The invariant: a task that dies is never silent, and closing the supervisor leaves none behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from deskhand.errors import PartDown
from deskhand.telemetry.metrics import Metrics

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
# Short, however long a part is away: what waits for it shall not wait much longer than that.
_AWAY_SECONDS = 0.5

log = structlog.get_logger(__name__)


class Supervisor:
    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = metrics
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str, restart: bool = False) -> asyncio.Task[None]:
        """Run `work` in the background. With `restart`, a fault makes it start again after a pause that doubles from 0.2 s to 10 s, and
        begins at 0.2 s anew when it ran for longer than that; a part that is down, after 0.5 s."""
        task = asyncio.create_task(self._run(work, name=name, restart=restart), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, work: Callable[[], Awaitable[None]], *, name: str, restart: bool) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began_at = loop.time()
            try:
                await work()
            except PartDown as error:
                log.warning("task_put_off", task=name, code=error.code, restart=restart)
                if not restart:
                    return
                await asyncio.sleep(_AWAY_SECONDS)
            except Exception:  # The supervisor: whatever goes wrong in a background task is told, and ends there.
                log.exception("task_failed", task=name, restart=restart)
                if self._metrics is not None:
                    self._metrics.task_faults.labels(name).inc()
                if not restart:
                    return
                if loop.time() - began_at > _LONGEST_PAUSE_SECONDS:
                    pause = _FIRST_PAUSE_SECONDS
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                return
