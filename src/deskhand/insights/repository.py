"""The SQL of the desk's lists. Plain functions on an open connection.

The invariant: a page costs what its list of open conversations costs, however long the conversations are: of each, only the first and
the last message are read, and only for those that are shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from deskhand.handoff.policy import Priority
from deskhand.handoff.repository import OPEN_STATES, to_ticket
from deskhand.handoff.tables import tickets
from deskhand.handoff.ticket import Ticket, TicketState
from deskhand.ids import SessionId, StaffId
from deskhand.insights.conversation import Conversation, View
from deskhand.insights.tables import ratings, said_words
from deskhand.persistence import db_now
from deskhand.sessions import Author, SessionStatus
from deskhand.sessions.repository import SESSION_COLUMNS, to_session
from deskhand.sessions.tables import messages, sessions

PREVIEW_CHARACTERS = 200
# Lists that only grow are not counted beyond this.
MOST_COUNTED = 1_000
# A moment is taken before its transaction is committed.
COMMITTED_LATE_SECONDS = 2.0
_ENDED_STATES = (TicketState.RESOLVED.value, TicketState.CLOSED.value)
_later = tickets.alias("later")
_open = tickets.alias("open_ticket")
_NEWEST = ~sa.exists().where(_later.c.session_id == tickets.c.session_id, _later.c.episode > tickets.c.episode)
_IS_OPEN = tickets.c.status.in_(OPEN_STATES)
_WITH_AI = sa.and_(
    sessions.c.status == SessionStatus.ACTIVE,
    sessions.c.last_seq > 0,
    ~sa.exists().where(_open.c.session_id == sessions.c.id, _open.c.status.in_(OPEN_STATES)),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversations are asked for. `words` must all be said in it, the last one perhaps only begun; `staff_id` is whose `mine` is."""

    view: View
    staff_id: StaffId
    words: tuple[str, ...] = ()
    priority: Priority | None = None
    assignee_id: StaffId | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a list the last page ended: the moment by which the list is ordered, and the session."""

    at: float
    session_id: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many conversations stand in each list. `assigned` has those of each person; `ai` and `resolved` are counted up to 1,000."""

    unassigned: int
    all: int
    ai: int
    snoozed: int
    resolved: int
    assigned: Mapping[StaffId, int]

    def of(self, staff_id: StaffId) -> dict[str, int]:
        return {
            "mine": self.assigned.get(staff_id, 0),
            "unassigned": self.unassigned,
            "all": self.all,
            "ai": self.ai,
            "snoozed": self.snoozed,
            "resolved": self.resolved,
        }


def list_places(connection: sa.Connection, wanted: Wanted, *, after: Place | None, limit: int) -> list[Place]:
    """The next `limit` conversations of a list, the newest first."""
    at, query = _select(wanted)
    if wanted.words:
        query = query.where(_saying(wanted.words))
    if wanted.priority is not None:
        query = query.where(tickets.c.priority == wanted.priority)
    if wanted.assignee_id is not None:
        query = query.where(tickets.c.assignee_id == wanted.assignee_id)
    if after is not None:
        query = query.where(sa.or_(at < after.at, sa.and_(at == after.at, sessions.c.id < after.session_id)))
    rows = connection.execute(query.order_by(at.desc(), sessions.c.id.desc()).limit(limit))
    return [Place(row.at, row.id) for row in rows]


def _select(wanted: Wanted) -> tuple[sa.ColumnElement[float], sa.Select[Any]]:
    """What orders the list, and the list."""
    activity: sa.ColumnElement[float] = sessions.c.last_activity
    columns = (sessions.c.id, activity.label("at"))
    with_tickets = sa.select(*columns).select_from(tickets.join(sessions, sessions.c.id == tickets.c.session_id))
    match wanted.view:
        case View.MINE:
            return activity, with_tickets.where(tickets.c.assignee_id == wanted.staff_id, tickets.c.status == TicketState.ASSIGNED)
        case View.UNASSIGNED:
            return activity, with_tickets.where(tickets.c.status == TicketState.WAITING)
        case View.SNOOZED:
            return activity, with_tickets.where(tickets.c.status == TicketState.SNOOZED)
        case View.ALL if wanted.words:
            # Whoever looks for something looks for it everywhere.
            everything = sessions.outerjoin(tickets, sa.and_(tickets.c.session_id == sessions.c.id, _NEWEST))
            return activity, sa.select(*columns).select_from(everything).where(sessions.c.last_seq > 0)
        case View.ALL:
            return activity, with_tickets.where(_IS_OPEN)
        case View.AI:
            everything = sessions.outerjoin(tickets, sa.and_(tickets.c.session_id == sessions.c.id, _NEWEST))
            has_ticket = wanted.priority is not None or wanted.assignee_id is not None
            return activity, sa.select(*columns).select_from(everything if has_ticket else sessions).where(_WITH_AI)
        case View.RESOLVED:
            ended: sa.ColumnElement[float] = sa.type_coerce(tickets.c.ended_at, sa.Double)
            columns = (sessions.c.id, ended.label("at"))
            joined = sa.select(*columns).select_from(tickets.join(sessions, sessions.c.id == tickets.c.session_id))
            return ended, joined.where(tickets.c.ended_at.is_not(None), tickets.c.status.in_(_ENDED_STATES), _NEWEST)


def _saying(words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Whether all of the words were said in a session; of the last one the beginning is enough."""
    *whole, begun = words
    begins = sa.and_(said_words.c.word >= begun, said_words.c.word < begun + "\U0010ffff")
    # One word finds the sessions, and only those are asked for the others.
    first, *others = [*(said_words.c.word == word for word in whole), begins]
    found = sessions.c.id.in_(sa.select(said_words.c.session_id).where(first))
    return sa.and_(found, *(sa.exists().where(said_words.c.session_id == sessions.c.id, other) for other in others))


def count_lists(connection: sa.Connection) -> Counts:
    rows = connection.execute(
        sa.select(tickets.c.status, tickets.c.assignee_id, sa.func.count().label("how_many"))
        .where(_IS_OPEN)
        .group_by(tickets.c.status, tickets.c.assignee_id)
    ).all()
    by_state = dict.fromkeys(OPEN_STATES, 0)
    assigned: dict[StaffId, int] = {}
    for row in rows:
        by_state[row.status] += row.how_many
        if row.status == TicketState.ASSIGNED:
            assigned[StaffId(row.assignee_id)] = row.how_many
    return Counts(
        unassigned=by_state[TicketState.WAITING],
        all=sum(by_state.values()),
        ai=_count(connection, sa.select(sa.literal(1)).select_from(sessions).where(_WITH_AI)),
        snoozed=by_state[TicketState.SNOOZED],
        resolved=_count(
            connection,
            sa.select(sa.literal(1))
            .select_from(tickets)
            .where(tickets.c.ended_at.is_not(None), tickets.c.status.in_(_ENDED_STATES), _NEWEST),
        ),
        assigned=assigned,
    )


def _count(connection: sa.Connection, some: sa.Select[Any]) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(some.limit(MOST_COUNTED).subquery())).scalar_one()


def list_conversations(connection: sa.Connection, session_ids: Sequence[str]) -> list[Conversation]:
    """These conversations, in this order; those that are gone are missing."""
    rows = connection.execute(
        sa.select(
            *SESSION_COLUMNS,
            _of_last_message(messages.c.role).label("preview_role"),
            _of_last_message(_beginning(messages.c.content)).label("preview"),
            _OPENING.label("opening"),
            ratings.c.score,
        )
        .select_from(sessions.outerjoin(ratings, ratings.c.session_id == sessions.c.id))
        .where(sessions.c.id.in_(list(session_ids)))
    )
    newest = _find_newest_tickets(connection, session_ids)
    found = {
        row.id: Conversation(
            session=to_session(row),
            ticket=newest.get(SessionId(row.id)),
            preview=row.preview or "",
            preview_author=Author(row.preview_role) if row.preview_role is not None else None,
            opening=row.opening or "",
            rating=row.score,
        )
        for row in rows
    }
    return [found[session_id] for session_id in session_ids if session_id in found]


def _find_newest_tickets(connection: sa.Connection, session_ids: Sequence[str]) -> dict[SessionId, Ticket]:
    rows = connection.execute(sa.select(tickets).where(tickets.c.session_id.in_(list(session_ids)), _NEWEST))
    return {SessionId(row.session_id): to_ticket(row) for row in rows}


def list_changed_since(connection: sa.Connection, moment: float | None, *, limit: int) -> tuple[list[SessionId], float]:
    """Sessions in which something happened since a moment (None: just now), and the moment to ask for next; in epoch seconds of the
    database's clock. A little is told twice, because what is committed late is dated earlier."""
    now = connection.execute(sa.select(db_now())).scalar_one()
    rows = connection.execute(
        sa.select(sessions.c.id)
        .where(sessions.c.last_activity >= (now if moment is None else moment) - COMMITTED_LATE_SECONDS)
        .order_by(sessions.c.last_activity)
        .limit(limit)
    )
    return [SessionId(row.id) for row in rows], now


def list_behind(connection: sa.Connection, until: sa.Table, *, since: float, limit: int) -> Sequence[Any]:
    """The rows (id, last_activity) of sessions with newer events than `until` (session_id, seq) goes to, in which something happened since
    a moment in epoch seconds, by that activity."""
    return connection.execute(
        sa.select(sessions.c.id, sessions.c.last_activity)
        .select_from(sessions.outerjoin(until, until.c.session_id == sessions.c.id))
        .where(sessions.c.last_activity >= since, sessions.c.last_seq > sa.func.coalesce(until.c.seq, 0))
        .order_by(sessions.c.last_activity)
        .limit(limit)
    ).all()


def list_earlier(connection: sa.Connection, *, session_id: SessionId, user_id: str, limit: int) -> list[SessionId]:
    """The customer's other sessions in which something was said, newest first."""
    rows = connection.execute(
        sa.select(sessions.c.id)
        .where(sessions.c.user_id == user_id, sessions.c.id != session_id, sessions.c.last_seq > 0, sessions.c.user_is_verified)
        .order_by(sessions.c.last_activity.desc())
        .limit(limit)
    )
    return [SessionId(row.id) for row in rows]


def _beginning(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.func.substr(text, 1, PREVIEW_CHARACTERS)


def _of_last_message(column: sa.ColumnElement[str]) -> sa.ScalarSelect[str]:
    mine = sa.select(column).where(messages.c.session_id == sessions.c.id)
    return mine.order_by(messages.c.seq.desc()).limit(1).correlate(sessions).scalar_subquery()


_OPENING = (
    sa.select(_beginning(messages.c.content))
    .where(messages.c.session_id == sessions.c.id, messages.c.role == Author.CUSTOMER)
    .order_by(messages.c.seq)
    .limit(1)
    .correlate(sessions)
    .scalar_subquery()
)
