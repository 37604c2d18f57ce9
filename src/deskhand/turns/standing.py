"""Where a session stands, as the database has it: what a reader needs to know to begin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from deskhand.ids import SessionId
from deskhand.sessions import StoredEvent, Turn, turn_repository
from deskhand.sessions.log import list_events, list_last_seqs

_EVENTS = 200


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An answer that another process gives: its turn as last checkpointed, and the events since it began."""

    turn: Turn
    later: list[StoredEvent]


@dataclass(frozen=True, slots=True)
class Standing:
    """The number of the newest event, and the answer that another process gives, if one does."""

    last_seq: int
    elsewhere: Elsewhere | None


def find_standings(connection: sa.Connection, keys: Sequence[SessionId], *, not_by: str | None) -> Mapping[SessionId, Standing]:
    """Where each of these sessions stands; one that is gone is missing.

    `not_by`: the name of this process's worker, whose answers are known here; None if no other process serves the same sessions.
    """
    last_seqs = list_last_seqs(connection, keys)
    turns = turn_repository.list_active_turns(connection, keys, not_by=not_by) if not_by is not None else []
    elsewhere = {
        turn.session_id: Elsewhere(turn, list_events(connection, turn.session_id, after_seq=turn.started_seq, limit=_EVENTS))
        for turn in turns
        if turn.started_seq is not None
    }
    return {session_id: Standing(last_seq, elsewhere.get(session_id)) for session_id, last_seq in last_seqs.items()}
