"""What a run has found out so far: passages, notes, a wish for a person. Filled from tool results alone, fresh or replayed.

The invariant: a passage keeps its number for the whole turn, and the same results in the same order give the same numbers, so an attempt
that replays its tool calls cites as the first one did.
"""

from dataclasses import dataclass, field
from typing import Any

from deskhand.agent.run import EscalationRequest


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage as a tool result holds it. `key` is the same for the same passage; `score` is in [0, 1].

    `document_id` and `chunk_id` say where in the knowledge base it stood; `None` for what does not come from there.
    `trusted`: the company's own words. Not a customer's file, and nothing that reads like orders to the agent.
    """

    key: str
    text: str
    title: str
    source: str
    score: float
    url: str | None = None
    page: int | None = None
    section: str | None = None
    document_id: str | None = None
    chunk_id: int | None = None
    trusted: bool = True


@dataclass(slots=True)
class Findings:
    passages: list[FoundPassage] = field(default_factory=list)
    searches: int = 0
    failed_parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    forgot_notes: bool = False
    escalation: EscalationRequest | None = None
    tools_used: list[str] = field(default_factory=list)
    # Tools that would have had an effect which the customer's words do not call for.
    refused: list[str] = field(default_factory=list)
    # (origin, kinds of attack) of each text that reads like orders to the agent.
    suspicious: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    # (tool, result) of each call that succeeded.
    succeeded: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def number_of(self, passage: FoundPassage) -> int:
        """The passage's number in this turn, counted from 1; a new one is added."""
        for number, present in enumerate(self.passages, start=1):
            if present.key == passage.key:
                return number
        self.passages.append(passage)
        return len(self.passages)
