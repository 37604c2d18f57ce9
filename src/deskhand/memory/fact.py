"""A fact about a customer as a value. It knows nothing of how it is stored."""

from dataclasses import dataclass

from deskhand.ids import FactId, SessionId, UserId


@dataclass(frozen=True, slots=True)
class Fact:
    """`text` is the customer's or the model's words: data, never an instruction. `session_id`: where it was learned."""

    id: FactId
    user_id: UserId
    session_id: SessionId | None
    text: str
    created_at: float
