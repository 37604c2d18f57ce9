"""What a load test does: who comes, how often, and over what."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

QUESTIONS: Final = (
    "How do I reset my password?",
    "How long do refunds take?",
    "Where can I find my invoices?",
    "Can I change the address of my order?",
    "Do you ship on Saturdays?",
    "How do I close my account?",
    "What does the team plan cost?",
    "Which file types can I upload?",
)


class Transport(StrEnum):
    """How a conversation is held: `rest` waits for whole answers, `sse` streams each, `websocket` keeps one connection."""

    REST = "rest"
    SSE = "sse"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate`: conversations that begin in a second, at random moments, whatever the server does (open loop). Where it is None, `at_once`
    conversations are held all the time (closed loop).

    Conversations begin for `seconds`; those that began are held to their end. `think_seconds` is the mean of the pauses before a customer
    says the next thing, `limit_seconds` what a customer waits for an answer. `idle` more WebSockets are open and silent all the time.
    """

    url: str
    prefix: str = "/api"
    transports: tuple[Transport, ...] = tuple(Transport)
    rate: float | None = None
    at_once: int = 10
    seconds: float = 30.0
    turns: int = 3
    think_seconds: float = 2.0
    limit_seconds: float = 150.0
    idle: int = 0
    questions: tuple[str, ...] = QUESTIONS
    key: str | None = None
    keep: bool = False
    seed: int = 1

    @property
    def api(self) -> str:
        return f"{self.url}{self.prefix}"
