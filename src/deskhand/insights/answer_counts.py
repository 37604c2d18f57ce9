"""What answers cost, and how many had no answer in them: counted session by session and kept at hand, because what an answer says of itself
has to be parsed, which takes seconds for half a million.

The invariant: a count holds all that is stored up to the event it stands at; a session in which something happened since is counted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import sqlalchemy as sa

from deskhand.ids import SessionId
from deskhand.sessions import Author, MessageStatus
from deskhand.sessions.tables import messages, sessions

SECONDS_A_DAY: Final = 86_400
IS_ANSWER: Final = sa.and_(messages.c.role == Author.ASSISTANT, messages.c.status == MessageStatus.COMPLETE)
IS_UNANSWERED: Final = messages.c.data["metadata"]["answered"].as_boolean().is_(False)
_TOKENS = messages.c.data["metadata"]["tokens"].as_integer()
_AT_ONCE = 500
# About 30 MB; what was counted longest ago goes first.
_MOST_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Answers:
    """What answers cost, and how many of them had no answer in them."""

    tokens: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class _Counted:
    """The answers of one session up to the event `until`, by their days, counted from the epoch."""

    until: int
    by_day: tuple[tuple[int, Answers], ...]


class AnswerCounts:
    """For one reader at a time."""

    def __init__(self) -> None:
        self._known: dict[SessionId, _Counted] = {}

    def read(self, connection: sa.Connection, *, first_day: int) -> dict[SessionId, Answers]:
        """Of each session that has answers since that day, counted from the epoch; those with the newest activity first."""
        # Before the answers: what is stored in between is counted by the next one as well.
        rows = connection.execute(
            sa.select(sessions.c.id, sessions.c.last_seq)
            .where(sessions.c.last_activity >= first_day * SECONDS_A_DAY, sessions.c.last_seq > 0)
            .order_by(sessions.c.last_activity.desc())
        ).all()
        until = {SessionId(row.id): row.last_seq for row in rows}
        counted = {session_id: self._known[session_id] for session_id in until if session_id in self._known}
        changed = [session_id for session_id, seq in until.items() if session_id not in counted or counted[session_id].until != seq]
        for at in range(0, len(changed), _AT_ONCE):
            part = changed[at : at + _AT_ONCE]
            by_day = _count(connection, part)
            counted |= {session_id: _Counted(until[session_id], tuple(by_day.get(session_id, ()))) for session_id in part}
        self._keep({session_id: counted[session_id] for session_id in changed})
        return {session_id: answers for session_id in until if (answers := _since(first_day, counted[session_id])) is not None}

    def _keep(self, fresh: dict[SessionId, _Counted]) -> None:
        for session_id, counted in fresh.items():
            _ = self._known.pop(session_id, None)
            self._known[session_id] = counted
        for session_id in list(islice(self._known, max(0, len(self._known) - _MOST_KEPT))):
            del self._known[session_id]


def _since(first_day: int, counted: _Counted) -> Answers | None:
    found = [answers for day, answers in counted.by_day if day >= first_day]
    return Answers(sum(one.tokens for one in found), sum(one.unanswered for one in found)) if found else None


def _count(connection: sa.Connection, session_ids: Sequence[SessionId]) -> dict[SessionId, list[tuple[int, Answers]]]:
    days = messages.c.created_at / SECONDS_A_DAY
    # SQLite, which need not have a floor, cuts off; PostgreSQL would round.
    day = sa.cast(days if connection.dialect.name == "sqlite" else sa.func.floor(days), sa.Integer)
    rows = connection.execute(
        sa.select(
            messages.c.session_id,
            day.label("on_day"),
            sa.func.coalesce(sa.func.sum(_TOKENS), 0).label("tokens"),
            sa.func.coalesce(sa.func.sum(sa.case((IS_UNANSWERED, 1), else_=0)), 0).label("unanswered"),
        )
        .where(messages.c.session_id.in_(session_ids), IS_ANSWER)
        .group_by(messages.c.session_id, sa.literal_column("on_day"))
    )
    found: dict[SessionId, list[tuple[int, Answers]]] = {}
    for row in rows:
        found.setdefault(SessionId(row.session_id), []).append((row.on_day, Answers(row.tokens, row.unanswered)))
    return found
