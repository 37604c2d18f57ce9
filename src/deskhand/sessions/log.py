"""The log of a session while a transaction holds it: who holds it numbers events and moves the fence, and nobody else does.

Opening the log locks the session's row. Two transactions on one session therefore run one after the other on both databases, and the
numbers of its events have neither gap nor repeat.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from deskhand.ids import SessionId, TurnId
from deskhand.persistence import Prepared, Transaction, db_now, insert_into, listed
from deskhand.sessions.errors import SessionNotFound
from deskhand.sessions.model import Session, SessionStatus, StoredEvent
from deskhand.sessions.repository import SESSION_COLUMNS, to_session
from deskhand.sessions.tables import events, sessions

_LOCKED = Prepared(sa.select(*SESSION_COLUMNS, db_now().label("now")).where(sessions.c.id == sa.bindparam("session_id")).with_for_update())
_INSERT = insert_into(events, "session_id", "seq", "turn_id", "fence", "attempt", "type", "data", "created_at")
_UPDATE = Prepared(
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("session_id"))
    .values(
        last_seq=sa.bindparam("new_seq"),
        fence=sa.bindparam("new_fence"),
        status=sa.bindparam("new_status"),
        updated_at=sa.bindparam("new_updated_at"),
        last_activity=sa.bindparam("new_last_activity"),
    )
)
_AFTER = Prepared(
    sa.select(events)
    .where(events.c.session_id == sa.bindparam("session_id"), events.c.seq > sa.bindparam("after_seq"))
    .order_by(events.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_LAST_SEQS = Prepared(sa.select(sessions.c.id, sessions.c.last_seq).where(listed(sessions.c.id, "session_ids")))


class SessionLog:
    """An open log. `session` shows the session as it will be when the transaction commits."""

    __slots__ = ("appended", "now", "session")

    def __init__(self, session: Session, *, now: float) -> None:
        self.session = session
        self.now = now
        self.appended: list[StoredEvent] = []

    def has_left_ai(self) -> bool:
        """Whether somebody else than the AI answers in this session."""
        return self.session.status is not SessionStatus.ACTIVE

    def append(self, event_type: str, data: dict[str, Any], *, turn_id: TurnId | None = None, attempt: int = 0) -> StoredEvent:
        seq = self.session.last_seq + 1
        event = StoredEvent(
            session_id=self.session.id,
            seq=seq,
            turn_id=turn_id,
            fence=self.session.fence,
            attempt=attempt,
            type=event_type,
            data=data,
            created_at=self.now,
        )
        self.appended.append(event)
        self.session = replace(self.session, last_seq=seq, updated_at=self.now, last_activity=self.now)
        return event

    def raise_fence(self) -> int:
        """Shut out whoever wrote for this session so far; returns the fence that is valid from here on."""
        self.session = replace(self.session, fence=self.session.fence + 1)
        return self.session.fence

    def set_status(self, status: SessionStatus) -> None:
        self.session = replace(self.session, status=status, updated_at=self.now, last_activity=self.now)


@contextmanager
def open_log(tx: Transaction, session_id: str) -> Iterator[SessionLog]:
    """Lock the session, and write what was appended when the block ends.

    Raises:
        SessionNotFound: no such session.
    """
    row = _LOCKED.one_or_none(tx.connection, {"session_id": session_id})
    if row is None:
        raise SessionNotFound
    before = to_session(row)
    log = SessionLog(before, now=row.now)
    yield log
    for event in log.appended:
        _INSERT.run(tx.connection, _to_row(event))
    if log.session is not before:
        after = log.session
        _UPDATE.run(
            tx.connection,
            {
                "session_id": session_id,
                "new_seq": after.last_seq,
                "new_fence": after.fence,
                "new_status": after.status,
                "new_updated_at": after.updated_at,
                "new_last_activity": after.last_activity,
            },
        )


def list_events(connection: sa.Connection, session_id: str, *, after_seq: int, limit: int) -> list[StoredEvent]:
    """The next `limit` events after `after_seq`, in order."""
    rows = _AFTER.all(connection, {"session_id": session_id, "after_seq": after_seq, "limit": limit})
    return [_to_event(row) for row in rows]


def list_events_of(
    connection: sa.Connection, session_id: str, *, types: Collection[str], from_seq: int, before_seq: int | None, limit: int
) -> list[StoredEvent]:
    """The newest `limit` events of these types from one number to before another (None: to the end), in order."""
    query = sa.select(events).where(events.c.session_id == session_id, events.c.seq >= from_seq, events.c.type.in_(list(types)))
    if before_seq is not None:
        query = query.where(events.c.seq < before_seq)
    rows = connection.execute(query.order_by(events.c.seq.desc()).limit(limit)).all()
    return [_to_event(row) for row in reversed(rows)]


def list_last_seqs(connection: sa.Connection, session_ids: Sequence[SessionId]) -> dict[SessionId, int]:
    """The number of the newest event of each of these sessions. A session that is gone is missing from the answer."""
    rows = _LAST_SEQS.all(connection, {"session_ids": list(session_ids)})
    return {SessionId(row.id): row.last_seq for row in rows}


def _to_event(row: Any) -> StoredEvent:
    return StoredEvent(
        session_id=SessionId(row.session_id),
        seq=row.seq,
        turn_id=TurnId(row.turn_id) if row.turn_id is not None else None,
        fence=row.fence,
        attempt=row.attempt,
        type=row.type,
        data=row.data,
        created_at=row.created_at,
    )


def _to_row(event: StoredEvent) -> dict[str, Any]:
    return {
        "session_id": event.session_id,
        "seq": event.seq,
        "turn_id": event.turn_id,
        "fence": event.fence,
        "attempt": event.attempt,
        "type": event.type,
        "data": event.data,
        "created_at": event.created_at,
    }
