"""Which turn a customer's message belongs to, and the turn that it opens.

The invariant: a turn that nobody has begun takes in what is said meanwhile, so a session has at most one turn that waits.
"""

from dataclasses import dataclass

from deskhand.ids import TurnId, new_turn_id
from deskhand.persistence import Transaction
from deskhand.sessions import QueueFull, Session, SessionStatus, StoredEvent, Turn, TurnState, turn_repository


@dataclass(frozen=True, slots=True)
class Place:
    """A message's turn: None where a person answers. `opens`: the message is its first; `is_next`: no other turn comes before it."""

    turn_id: TurnId | None
    opens: bool = False
    is_next: bool = False


def find_place(tx: Transaction, session: Session, *, queue_limit: int) -> Place:
    """Where a new message of the session goes.

    Raises:
        QueueFull: `queue_limit` messages wait already.
    """
    if session.status is not SessionStatus.ACTIVE:
        return Place(None)
    open_turns = turn_repository.list_open_turns(tx.connection, session.id)
    waiting = [turn for turn in open_turns if turn.state is TurnState.QUEUED]
    if not waiting:
        return Place(new_turn_id(), opens=True, is_next=not open_turns)
    turn_id = waiting[-1].id
    if turn_repository.count_waiting_messages(tx.connection, turn_id) >= queue_limit:
        raise QueueFull(retry_after_seconds=5)
    return Place(turn_id)


def waiting_turn(turn_id: TurnId, event: StoredEvent) -> Turn:
    """A turn that nobody has begun, for the message that `event` acknowledges."""
    return Turn(
        id=turn_id,
        session_id=event.session_id,
        seq=event.seq,
        state=TurnState.QUEUED,
        attempt=0,
        fence=0,
        worker=None,
        started_seq=None,
        partial="",
        error_code=None,
        cancel_reason=None,
        deadline=None,
        lease_until=None,
        created_at=event.created_at,
    )
