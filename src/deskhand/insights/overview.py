"""How the desk does: what is so now, and what came of the last days. All of it is counted from the transcript, the tickets and what
customers said of it.

The invariant: a day is one of UTC, and a session counts on the day on which it began.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import mean
from typing import Any

import sqlalchemy as sa

from deskhand.handoff.tables import tickets
from deskhand.handoff.ticket import TicketState
from deskhand.ids import SessionId
from deskhand.insights.answer_counts import IS_ANSWER, IS_UNANSWERED, SECONDS_A_DAY, AnswerCounts, Answers
from deskhand.insights.tables import feedback, ratings
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


class OverviewReader:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = AnswerCounts()
        self._turn = asyncio.Lock()

    async def read(self, *, days: int) -> Overview:
        """The last `days` days, today included. The first time, all answers of these days are gone through."""
        async with self._turn:
            return await self._database.read(lambda connection: _read(connection, days, self._counts))


def _read(connection: sa.Connection, days: int, counts: AnswerCounts) -> Overview:
    now = connection.execute(sa.select(db_now())).scalar_one()
    first_day = int(now // SECONDS_A_DAY) - days + 1
    since = float(first_day * SECONDS_A_DAY)
    answers = counts.read(connection, first_day=first_day)
    by_day = _count_sessions(connection, since, answers)
    rated = connection.execute(sa.select(ratings.c.score, ratings.c.created_at).where(ratings.c.created_at >= since)).all()
    handed_over = connection.execute(
        sa.select(tickets.c.created_at, tickets.c.answered_at, tickets.c.ended_at, tickets.c.status, tickets.c.reason).where(
            tickets.c.created_at >= since
        )
    ).all()
    judged = connection.execute(
        sa.select(feedback.c.value, sa.func.count().label("how_many")).where(feedback.c.created_at >= since).group_by(feedback.c.value)
    )
    thumbs = {row.value: row.how_many for row in judged}
    waits = [row.answered_at - row.created_at for row in handed_over if row.answered_at is not None]
    solving = [row.ended_at - row.created_at for row in handed_over if row.status == TicketState.RESOLVED]
    reasons: dict[str, int] = {}
    for row in handed_over:
        reasons[row.reason] = reasons.get(row.reason, 0) + 1
    totals = Totals(
        sessions=sum(row.sessions for row in by_day.values()),
        resolved_by_ai=sum(row.by_ai for row in by_day.values()),
        escalated=sum(row.escalated for row in by_day.values()),
        first_response_p50_s=_percentile(waits, 0.5),
        first_response_p90_s=_percentile(waits, 0.9),
        resolve_p50_s=_percentile(solving, 0.5),
        csat_average=round(mean(row.score for row in rated), 3) if rated else None,
        csat_count=len(rated),
        thumbs_up=thumbs.get("up", 0),
        thumbs_down=thumbs.get("down", 0),
        tokens=sum(one.tokens for one in answers.values()),
        unanswered=sum(one.unanswered for one in answers.values()),
    )
    return Overview(
        totals=totals,
        by_day=[_day(first_day + at, by_day, rated) for at in range(days)],
        reasons=sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])),
        unanswered=_list_unanswered(connection, since, [session_id for session_id, one in answers.items() if one.unanswered > 0]),
    )


@dataclass(slots=True)
class _Counted:
    sessions: int = 0
    escalated: int = 0
    by_ai: int = 0


def _count_sessions(connection: sa.Connection, since: float, answers: Mapping[SessionId, Answers]) -> dict[int, _Counted]:
    """By the day, counted from the epoch."""
    handed_over = sa.exists().where(tickets.c.session_id == sessions.c.id)
    rows = connection.execute(
        sa.select(sessions.c.id, sessions.c.created_at, sa.case((handed_over, 1), else_=0).label("escalated")).where(
            sessions.c.created_at >= since, sessions.c.last_seq > 0
        )
    )
    counted: dict[int, _Counted] = {}
    for row in rows:
        day = counted.setdefault(int(row.created_at // SECONDS_A_DAY), _Counted())
        day.sessions += 1
        day.escalated += row.escalated
        day.by_ai += SessionId(row.id) in answers and not row.escalated
    return counted


def _day(day: int, counted: Mapping[int, _Counted], rated: Sequence[Any]) -> Day:
    row = counted.get(day, _Counted())
    scores = [rating.score for rating in rated if int(rating.created_at // SECONDS_A_DAY) == day]
    return Day(
        day=datetime.fromtimestamp(day * SECONDS_A_DAY, UTC).date().isoformat(),
        sessions=row.sessions,
        resolved_by_ai=row.by_ai,
        escalated=row.escalated,
        csat=round(mean(scores), 3) if scores else None,
    )


def _list_unanswered(connection: sa.Connection, since: float, session_ids: Sequence[SessionId]) -> list[Unanswered]:
    """What was asked most first; `session_ids` are those that have any, the newest first."""
    asked = messages.alias("asked")
    rows = connection.execute(
        sa.select(asked.c.content, asked.c.created_at, asked.c.session_id)
        .select_from(messages.join(asked, sa.and_(asked.c.turn_id == messages.c.turn_id, asked.c.role == Author.CUSTOMER)))
        .where(messages.c.session_id.in_(session_ids[:_MOST_UNANSWERED]), messages.c.created_at >= since, IS_ANSWER, IS_UNANSWERED)
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


def _percentile(values: Sequence[float], share: float) -> float | None:
    """By the nearest rank."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
