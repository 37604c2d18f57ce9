"""A model whose answers a test writes beforehand. The invariant: it waits for nothing but the gates of the test, so no test has to sleep.

A script is a sequence of steps. Its texts and tool calls are given out as they stand; a `Gate` holds the answer until the test opens it; a
`ModelError` is raised in its place. The end is added: `TOOL_CALLS` if the script asked for a tool, else `STOP`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from deskhand.models.port import (
    EndReason,
    ModelEmpty,
    ModelEnded,
    ModelError,
    ModelEvent,
    ModelRequest,
    TextDelta,
    ToolCall,
    ToolCallRequested,
    UsageReported,
)


@dataclass(frozen=True, slots=True)
class Gate:
    """Holds an answer: `await gate.reached.wait()`, then `gate.open()`. Each is used once."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        self.opened.set()


Step = str | ToolCall | Gate | UsageReported | ModelEnded | ModelError
Script = Sequence[Step]

DEFAULT_SCRIPT: Final[Script] = ("You can reset ", "your password ", "on the sign-in page.")


class ScriptedModel:
    """A `ChatModel`. Gives out `scripts` in order, one for each request, then what `otherwise` makes of the request.

    `requests` holds all it was asked; `abandoned` counts the answers that were left or cancelled before their end.
    """

    def __init__(self, *scripts: Script, otherwise: Callable[[ModelRequest], Script] | None = None, name: str = "scripted") -> None:
        self.name = name
        self.requests: list[ModelRequest] = []
        self.abandoned = 0
        self.fault: ModelError | None = None
        self.is_closed = False
        self._scripts = deque(scripts)
        self._otherwise = otherwise or (lambda _request: DEFAULT_SCRIPT)

    def add(self, *scripts: Script) -> None:
        """Give these to the next requests, after those that are there."""
        self._scripts.extend(scripts)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        script = self._scripts.popleft() if self._scripts else self._otherwise(request)
        whole = False
        try:
            async for event in _play(script):
                whole = isinstance(event, ModelEnded)
                yield event
        except ModelError:
            whole = True
            raise
        finally:
            if not whole:
                self.abandoned += 1

    async def check(self) -> None:
        """Raise `fault` if a test has set one."""
        if self.fault is not None:
            raise self.fault

    async def close(self) -> None:
        self.is_closed = True


async def _play(script: Script) -> AsyncGenerator[ModelEvent, None]:
    has_called = False
    for step in script:
        match step:
            case str():
                yield TextDelta(step)
            case ToolCall():
                has_called = True
                yield ToolCallRequested(step)
            case Gate():
                step.reached.set()
                await step.opened.wait()
            case UsageReported():
                yield step
            case ModelEnded():
                yield step
                return
            case ModelError():
                raise step
    if not script:
        raise ModelEmpty("The model ended without an answer.")
    yield ModelEnded(EndReason.TOOL_CALLS if has_called else EndReason.STOP)
