"""What happened at the desk, to the consoles of other instances by way of the database, where there is no Redis to pass it on.

The invariant: an instance hears of what another passed on once, and of nothing that it passed on itself. What is lost because an instance
died or stood still is a sound, or a label seen late: the lists come from the tables.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from secrets import token_hex

import sqlalchemy as sa

from deskhand.handoff.deadlines import Deadline
from deskhand.handoff.repository import list_open_tickets
from deskhand.ids import SessionId
from deskhand.insights.notice import Heard, NoticeKind, notice_of
from deskhand.insights.repository import COMMITTED_LATE_SECONDS
from deskhand.insights.tables import passed_notices
from deskhand.persistence import Database, Transaction, db_now

_KEPT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Passed:
    id: str
    heard: Heard


class Passing:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sender = f"inbox_{token_hex(8)}"
        self._since: float | None = None
        self._told: frozenset[str] = frozenset()

    async def pass_on(self, heard: Sequence[Heard]) -> None:
        """Let the others hear of what they would not find by themselves: what makes consoles ring, and changes that are no event."""
        ids = {SessionId(one.session_id) for one in heard if one.may_be_news}
        found = await self._database.read(lambda connection: list_open_tickets(connection, ids)) if ids else []
        tickets = {ticket.session_id: ticket for ticket in found}
        notices = [notice_of(one, tickets.get(SessionId(one.session_id))) for one in heard]
        changed = {one.session_id for one in heard if one.told is None and not one.happened}
        passed = [Heard.of(notice) for notice in notices if notice is not None]
        passed += [Heard(session_id) for session_id in sorted(changed - {one.session_id for one in passed})]
        if passed:
            await self._database.write(partial(_insert, passed=passed, sender=self._sender), durable=False)

    async def collect(self, *, limit: int) -> list[Heard] | None:
        """What other instances passed on since this was asked last, oldest first; None where that may be more than `limit`."""
        found, self._since = await self._database.read(partial(_list, sender=self._sender, since=self._since, limit=limit))
        fresh = [one.heard for one in found if one.id not in self._told]
        self._told = frozenset(one.id for one in found)
        return fresh if len(found) < limit else None

    def skip(self) -> None:
        """Nobody listens: what is passed on until `collect` is asked again is old by then."""
        self._since = None


def _insert(tx: Transaction, *, passed: Collection[Heard], sender: str) -> None:
    tx.execute(sa.delete(passed_notices).where(passed_notices.c.created_at < db_now() - _KEPT_SECONDS))
    now = tx.execute(sa.select(db_now())).scalar_one()
    tx.execute(
        sa.insert(passed_notices),
        [
            {
                "id": f"passed_{token_hex(12)}",
                "session_id": one.session_id,
                "sender": sender,
                "kind": one.told,
                "staff_id": one.staff_id,
                "deadline": one.deadline,
                "created_at": now,
            }
            for one in passed
        ],
    )


def _list(connection: sa.Connection, *, sender: str, since: float | None, limit: int) -> tuple[list[_Passed], float]:
    """What was passed on since a moment (None: just now) of the database's clock, and the moment to ask for next. Some are found twice,
    because what is committed late is dated earlier."""
    now = connection.execute(sa.select(db_now())).scalar_one()
    rows = connection.execute(
        sa.select(passed_notices)
        .where(passed_notices.c.created_at >= (now if since is None else since) - COMMITTED_LATE_SECONDS, passed_notices.c.sender != sender)
        .order_by(passed_notices.c.created_at)
        .limit(limit)
    )
    return [_Passed(row.id, _to_heard(row)) for row in rows], now


def _to_heard(row: sa.Row[tuple[str, str, str, str | None, str | None, str | None, float]]) -> Heard:
    return Heard(
        row.session_id,
        told=NoticeKind(row.kind) if row.kind is not None else None,
        staff_id=row.staff_id,
        deadline=Deadline(row.deadline) if row.deadline is not None else None,
    )
