"""How the desk does: what is so now, and what came of the last days. All of it is counted from the transcript, the tickets and what
customers said of it.

The invariant: a day is one of UTC, and a session counts on the day on which it began.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from deskhand.handoff.tables import tickets
from deskhand.handoff.ticket import TicketState
from deskhand.ids import SessionId
from deskhand.insights.answer_counts import IS_ANSWER, IS_UNANSWERED, SECONDS_A_DAY, AnswerCounts, day_of
from deskhand.insights.tables import answer_counts, feedback, ratings
from deskhand.persistence import Database, db_now
from deskhand.sessions import Author
from deskhand.sessions.tables import messages, sessions
from deskhand.words import fold

_MOST_QUESTIONS = 20
_MOST_UNANSWERED = 500
_QUESTION_CHARACTERS = 280


@dataclass(frozen=True, slots=True)
class Day:
    """`csat` is the mean of the day's ratings, None where there are none."""

    day: str
    sessions: int
    resolved_by_ai: int
    escalated: int
    csat: float | None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What customers asked without getting an answer; `last_at` in epoch seconds, `session_id` where it was asked last."""

    question: str
    count: int
    last_at: float
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the days asked for. Times in seconds, None where there is nothing to measure; `resolved_by_ai`: sessions with an answer and
    without a hand-off; `tokens`: read and written by the model."""

    sessions: int
    resolved_by_ai: int
    escalated: int
    first_response_p50_s: float | None
    first_response_p90_s: float | None
    resolve_p50_s: float | None
    csat_average: float | None
    csat_count: int
    thumbs_up: int
    thumbs_down: int
    tokens: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class Overview:
    totals: Totals
    by_day: list[Day]
    reasons: list[tuple[str, int]]
    unanswered: list[Unanswered]


@dataclass(frozen=True, slots=True)
class _Rated:
    """How many ratings, and their sum."""

    count: int
    score: int

    @property
    def average(self) -> float | None:
        return round(self.score / self.count, 3) if self.count else None


class OverviewReader:
    def __init__(self, database: Database, counts: AnswerCounts) -> None:
        self._database = database
        self._counts = counts

    async def read(self, *, days: int) -> Overview:
        """The last `days` days, today included."""
        now = await self._database.read(lambda connection: connection.execute(sa.select(db_now())).scalar_one())
        first_day = int(now // SECONDS_A_DAY) - days + 1
        await self._counts.catch_up(since=float(first_day * SECONDS_A_DAY))
        return await self._database.read(lambda connection: _read(connection, first_day=first_day, days=days))


def _read(connection: sa.Connection, *, first_day: int, days: int) -> Overview:
    since = float(first_day * SECONDS_A_DAY)
    sessions_by_day = _count_sessions(connection, since)
    rated_by_day = _count_ratings(connection, since)
    reasons = _count_reasons(connection, since)
    rated = _Rated(sum(day.count for day in rated_by_day.values()), sum(day.score for day in rated_by_day.values()))
    thumbs = _count_thumbs(connection, since)
    waits = _lasting(since, tickets.c.answered_at, tickets.c.answered_at.is_not(None))
    resolving = _lasting(since, tickets.c.ended_at, tickets.c.status == TicketState.RESOLVED)
    answers = connection.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(answer_counts.c.tokens), 0).label("tokens"),
            sa.func.coalesce(sa.func.sum(answer_counts.c.unanswered), 0).label("unanswered"),
        ).where(answer_counts.c.day >= first_day)
    ).one()
    totals = Totals(
        sessions=sum(row.sessions for row in sessions_by_day.values()),
        resolved_by_ai=sum(row.by_ai for row in sessions_by_day.values()),
        escalated=sum(row.escalated for row in sessions_by_day.values()),
        first_response_p50_s=_find_rank(connection, waits, tenths=5),
        first_response_p90_s=_find_rank(connection, waits, tenths=9),
        resolve_p50_s=_find_rank(connection, resolving, tenths=5),
        csat_average=rated.average,
        csat_count=rated.count,
        thumbs_up=thumbs.get("up", 0),
        thumbs_down=thumbs.get("down", 0),
        tokens=int(answers.tokens),
        unanswered=answers.unanswered,
    )
    return Overview(
        totals=totals,
        by_day=[_day(day, sessions_by_day, rated_by_day) for day in range(first_day, first_day + days)],
        reasons=reasons,
        unanswered=_list_unanswered(connection, first_day) if totals.unanswered else [],
    )


def _count_sessions(connection: sa.Connection, since: float) -> dict[int, Any]:
    """By the day, rows (sessions, escalated, by_ai)."""
    handed_over = sa.exists().where(tickets.c.session_id == sessions.c.id)
    answered = sa.exists().where(answer_counts.c.session_id == sessions.c.id)
    rows = connection.execute(
        sa.select(
            day_of(sessions.c.created_at, connection).label("on_day"),
            sa.func.count().label("sessions"),
            sa.func.sum(sa.case((handed_over, 1), else_=0)).label("escalated"),
            sa.func.sum(sa.case((sa.and_(~handed_over, answered), 1), else_=0)).label("by_ai"),
        )
        .where(sessions.c.created_at >= since, sessions.c.last_seq > 0)
        .group_by(sa.literal_column("on_day"))
    )
    return {row.on_day: row for row in rows}


def _count_ratings(connection: sa.Connection, since: float) -> dict[int, _Rated]:
    rows = connection.execute(
        sa.select(
            day_of(ratings.c.created_at, connection).label("on_day"),
            sa.func.count().label("how_many"),
            sa.func.sum(ratings.c.score).label("score"),
        )
        .where(ratings.c.created_at >= since)
        .group_by(sa.literal_column("on_day"))
    )
    return {row.on_day: _Rated(row.how_many, row.score) for row in rows}


def _count_reasons(connection: sa.Connection, since: float) -> list[tuple[str, int]]:
    """The most frequent first."""
    rows = connection.execute(
        sa.select(tickets.c.reason, sa.func.count().label("how_many")).where(tickets.c.created_at >= since).group_by(tickets.c.reason)
    )
    return sorted(((row.reason, row.how_many) for row in rows), key=lambda pair: (-pair[1], pair[0]))


def _count_thumbs(connection: sa.Connection, since: float) -> dict[str, int]:
    rows = connection.execute(
        sa.select(feedback.c.value, sa.func.count().label("how_many")).where(feedback.c.created_at >= since).group_by(feedback.c.value)
    )
    return {row.value: row.how_many for row in rows}


def _find_rank(connection: sa.Connection, of: sa.Select[Any], *, tenths: int) -> float | None:
    """Of the only column `seconds`: the value by the nearest rank, None where there is none."""
    some = of.subquery()
    place = (sa.func.row_number().over(order_by=some.c.seconds) - 1).label("place")
    ranked = sa.select(some.c.seconds, place, sa.func.count().over().label("how_many")).subquery()
    found = connection.execute(sa.select(ranked.c.seconds).where(ranked.c.place == ranked.c.how_many * tenths // 10)).scalar_one_or_none()
    return None if found is None else round(found, 3)


def _lasting(since: float, until: sa.ColumnElement[Any], condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """From the making of a ticket."""
    return sa.select((until - tickets.c.created_at).label("seconds")).where(tickets.c.created_at >= since, condition)


def _day(day: int, counted: Mapping[int, Any], rated: Mapping[int, _Rated]) -> Day:
    row = counted.get(day)
    return Day(
        day=datetime.fromtimestamp(day * SECONDS_A_DAY, UTC).date().isoformat(),
        sessions=row.sessions if row else 0,
        resolved_by_ai=row.by_ai if row else 0,
        escalated=row.escalated if row else 0,
        csat=rated[day].average if day in rated else None,
    )


def _list_unanswered(connection: sa.Connection, first_day: int) -> list[Unanswered]:
    """What was asked most first, in the sessions with the newest activity that have any."""
    since = float(first_day * SECONDS_A_DAY)
    has_any = sa.exists().where(
        answer_counts.c.session_id == sessions.c.id, answer_counts.c.day >= first_day, answer_counts.c.unanswered > 0
    )
    newest = (
        sa.select(sessions.c.id)
        .where(sessions.c.last_activity >= since, has_any)
        .order_by(sessions.c.last_activity.desc())
        .limit(_MOST_UNANSWERED)
    )
    asked = messages.alias("asked")
    rows = connection.execute(
        sa.select(asked.c.content, asked.c.created_at, asked.c.session_id)
        .select_from(messages.join(asked, sa.and_(asked.c.turn_id == messages.c.turn_id, asked.c.role == Author.CUSTOMER)))
        .where(messages.c.session_id.in_(newest), messages.c.created_at >= since, IS_ANSWER, IS_UNANSWERED)
        .order_by(messages.c.created_at.desc())
        .limit(_MOST_UNANSWERED)
    )
    found: dict[str, Unanswered] = {}
    for row in rows:
        question = " ".join(row.content.split())[:_QUESTION_CHARACTERS]
        key = fold(question).strip(" ?!.")
        known = found.get(key)
        found[key] = Unanswered(
            question=known.question if known else question,
            count=known.count + 1 if known else 1,
            last_at=known.last_at if known else row.created_at,
            session_id=known.session_id if known else SessionId(row.session_id),
        )
    return sorted(found.values(), key=lambda one: (-one.count, -one.last_at))[:_MOST_QUESTIONS]
