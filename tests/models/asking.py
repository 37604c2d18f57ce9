"""How tests of the models ask, and what they keep of the answer."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from pydantic import SecretStr

from deskhand.clock import Clock
from deskhand.models.openai_chat import Limits, OpenAIChatModel
from deskhand.models.port import (
    ChatModel,
    ModelEnded,
    ModelError,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    Role,
    TextDelta,
    ToolCall,
    ToolCallRequested,
)
from deskhand.models.retry import RetryPolicy

KEY = "sk-canary-0123456789abcdef"
QUICK = Limits(idle_seconds=1.0, budget_seconds=10.0, retry=RetryPolicy(first_wait_seconds=0.01), breaker_failures=1_000)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a request: the events, and the error that ended them, if one did."""

    events: tuple[ModelEvent, ...]
    error: ModelError | None

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def calls(self) -> list[ToolCall]:
        return [event.call for event in self.events if isinstance(event, ToolCallRequested)]

    @property
    def end(self) -> ModelEnded | None:
        ends = [event for event in self.events if isinstance(event, ModelEnded)]
        assert len(ends) <= 1, "an answer ends once"
        assert not ends or self.events[-1] is ends[0], "nothing comes after the end"
        return ends[0] if ends else None


@dataclass(slots=True)
class HandClock:
    """A clock that a test moves by hand."""

    seconds: float = 1_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


def request(text: str = "How do I reset my password?", *, seconds_left: float | None = None, max_output_tokens: int = 200) -> ModelRequest:
    return ModelRequest((ModelMessage(Role.USER, text),), seconds_left=seconds_left, max_output_tokens=max_output_tokens)


async def ask(model: ChatModel, asked: ModelRequest | None = None) -> Heard:
    events: list[ModelEvent] = []
    try:
        async with aclosing(model.stream(asked or request())) as stream:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - what came before an error counts
    except ModelError as error:
        return Heard(tuple(events), error)
    return Heard(tuple(events), None)


def connect(base_url: str, *, limits: Limits = QUICK, clock: Clock | None = None, key: str | None = KEY) -> OpenAIChatModel:
    return OpenAIChatModel("test", base_url=base_url, api_key=SecretStr(key) if key else None, limits=limits, clock=clock)


async def until(holds: Callable[[], bool]) -> None:
    """Give the loop turns until `holds`; fails after 5 s."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - a socket's end is announced by nobody
            await asyncio.sleep(0)
