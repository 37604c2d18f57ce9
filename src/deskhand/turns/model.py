"""The nouns of the turn engine as values: its limits, the right to work on a turn, what came of a message, why a turn failed."""

from dataclasses import dataclass
from typing import Self

from deskhand.ids import MessageId, TurnId
from deskhand.sessions import Message, Session, Turn
from deskhand.settings import Settings


@dataclass(frozen=True, slots=True)
class TurnRules:
    """The limits of a turn. Times in seconds."""

    timeout_seconds: float = 120.0
    lease_seconds: float = 15.0
    max_attempts: int = 3
    queue_limit: int = 5

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            timeout_seconds=settings.turn_timeout_seconds,
            lease_seconds=settings.turn_lease_seconds,
            max_attempts=settings.turn_max_attempts,
            queue_limit=settings.queue_limit,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a turn, as long as `fence` is the turn's and the lease lasts.

    `history_until` is the number of the newest message of the session that is not of this turn; 0 when there is none.
    """

    session: Session
    turn: Turn
    messages: tuple[Message, ...]
    history_until: int
    seconds_left: float

    @property
    def fence(self) -> int:
        return self.turn.fence


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that is stored. `turn_id` is None when a person will answer; `seq` is the number of its event; `claim` is the right to
    work on its turn, where that was begun with it."""

    message_id: MessageId
    turn_id: TurnId | None
    seq: int
    duplicate: bool = False
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a turn failed: a code for programs, a sentence and a way out for the customer."""

    code: str
    message: str
    support: str


TIMED_OUT = Failure("turn_timeout", "The answer took too long and was stopped.", "Please try again, or ask to talk to a person.")
GAVE_UP = Failure("attempts_exhausted", "The answer could not be finished.", "Please try again, or ask to talk to a person.")
NEEDS_PERSON = Failure(
    "needs_human",
    "It is not certain whether an action was carried out, so it was not tried again.",
    "A person has been told and will look into it.",
)
