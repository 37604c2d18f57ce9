"""What answers cost, and how many had no answer in them, by the session and the day: counted apart from the turn and kept, because what an
answer says of itself has to be parsed, which takes a second for half a million.

The invariant: the counts of a session hold its answers up to the event `counted_until`; what is missing is counted by whoever looks next.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

import sqlalchemy as sa

from deskhand.insights.repository import list_behind
from deskhand.insights.tables import answer_counts, counted_until
from deskhand.persistence import Database, Transaction, db_now
from deskhand.sessions import Author, MessageStatus
from deskhand.sessions.tables import messages, sessions

SECONDS_A_DAY: Final = 86_400
IS_ANSWER: Final = sa.and_(messages.c.role == Author.ASSISTANT, messages.c.status == MessageStatus.COMPLETE)
IS_UNANSWERED: Final = messages.c.data["metadata"]["answered"].as_boolean().is_(False)
_TOKENS = messages.c.data["metadata"]["tokens"].as_integer()
_ROUND_SECONDS = 30.0
_AT_ONCE = 200
# What is committed late is dated earlier.
_COMMITTED_LATE_SECONDS = 60.0


def day_of(moment: sa.ColumnElement[float], connection: sa.Connection) -> sa.ColumnElement[int]:
    """The day of UTC, counted from the epoch, of a moment in epoch seconds."""
    days = moment / SECONDS_A_DAY
    # SQLite, which need not have a floor, cuts off; PostgreSQL would round.
    return sa.cast(days if connection.dialect.name == "sqlite" else sa.func.floor(days), sa.Integer)


class AnswerCounts:
    def __init__(self, database: Database) -> None:
        self._database = database
        # Sessions in which nothing happened since are counted.
        self._since = 0.0
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Count what is answered, for ever."""
        while True:
            await self.catch_up(since=0.0)
            await asyncio.sleep(_ROUND_SECONDS)

    async def catch_up(self, *, since: float) -> None:
        """Count all answers that are stored by now, in sessions in which something happened since then (epoch seconds)."""
        now = await self._database.read(lambda connection: connection.execute(sa.select(db_now())).scalar_one())
        place: float | None = max(since, self._since)
        while place is not None:
            # Whoever comes meanwhile goes on from here, and counts nothing twice.
            async with self._turn:
                place = await self._count_next(place)
        if since <= self._since:
            self._since = max(self._since, now - _COMMITTED_LATE_SECONDS)

    async def _count_next(self, since: float) -> float | None:
        """Returns where the next ones begin, None where there are none."""
        found = await self._database.read(partial(list_behind, until=counted_until, since=since, limit=_AT_ONCE))
        if found:
            await self._database.write(partial(_count, session_ids=[row.id for row in found]), durable=False)
        return found[-1].last_activity if len(found) == _AT_ONCE else None


def _count(tx: Transaction, *, session_ids: Sequence[str]) -> None:
    # Some may be deleted by now. Those that are there get no answer meanwhile, and are counted by nobody else.
    rows = tx.execute(
        sa.select(sessions.c.id, sessions.c.last_seq)
        .where(sessions.c.id.in_(session_ids))
        .order_by(sessions.c.id)
        .with_for_update(key_share=True)
    ).all()
    there = [row.id for row in rows]
    for table in (answer_counts, counted_until):
        tx.execute(sa.delete(table).where(table.c.session_id.in_(there)))
    counted = (
        sa.select(
            messages.c.session_id,
            day_of(messages.c.created_at, tx.connection).label("on_day"),
            sa.func.coalesce(sa.func.sum(_TOKENS), 0),
            sa.func.coalesce(sa.func.sum(sa.case((IS_UNANSWERED, 1), else_=0)), 0),
        )
        .where(messages.c.session_id.in_(there), IS_ANSWER)
        .group_by(messages.c.session_id, sa.literal_column("on_day"))
    )
    tx.execute(sa.insert(answer_counts).from_select(["session_id", "day", "tokens", "unanswered"], counted))
    if rows:
        tx.execute(sa.insert(counted_until), [{"session_id": row.id, "seq": row.last_seq} for row in rows])
