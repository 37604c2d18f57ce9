"""All SQL of turns. Every change of a running turn compares the fence, so a worker that was overtaken changes nothing."""

from collections.abc import Sequence
from typing import Any, TypedDict

import sqlalchemy as sa

from deskhand.ids import SessionId, TurnId
from deskhand.persistence import Prepared, Transaction, db_now, insert_into, listed
from deskhand.sessions.model import Author, ToolCallState, Turn, TurnState
from deskhand.sessions.tables import ACTIVE_STATES, messages, tool_calls, turns

_NOW: sa.ColumnElement[float] = db_now()
_ACTIVE = turns.c.state.in_(ACTIVE_STATES)

_OPEN_TURNS = Prepared(
    sa.select(turns, _NOW.label("now"))
    .where(turns.c.session_id == sa.bindparam("session_id"), turns.c.ended_at.is_(None))
    .order_by(turns.c.seq)
)
_INSERT = insert_into(
    turns,
    "id",
    "session_id",
    "seq",
    "state",
    "attempt",
    "fence",
    "lease_until",
    "deadline",
    "worker",
    "started_seq",
    "partial",
    "created_at",
)
_COUNT_WAITING = Prepared(
    sa.select(sa.func.count().label("count"))
    .select_from(messages)
    .where(messages.c.turn_id == sa.bindparam("turn_id"), messages.c.role == Author.CUSTOMER)
)
_CLAIM = Prepared(
    sa.update(turns)
    .where(turns.c.id == sa.bindparam("turn_id"))
    .values(
        state=TurnState.RUNNING,
        attempt=sa.bindparam("new_attempt"),
        fence=sa.bindparam("new_fence"),
        lease_until=sa.bindparam("new_lease_until"),
        deadline=sa.bindparam("new_deadline"),
        worker=sa.bindparam("new_worker"),
        started_seq=sa.bindparam("new_started_seq"),
        partial="",
    )
)
_CHECKPOINT = Prepared(
    sa.update(turns)
    .where(turns.c.id == sa.bindparam("turn_id"), turns.c.fence == sa.bindparam("my_fence"), _ACTIVE)
    .values(
        state=TurnState.STREAMING, partial=sa.bindparam("new_partial"), lease_until=_NOW + sa.bindparam("lease_seconds", type_=sa.Double)
    )
)
_END = Prepared(
    sa.update(turns)
    .where(turns.c.id == sa.bindparam("turn_id"), turns.c.fence == sa.bindparam("my_fence"), turns.c.ended_at.is_(None))
    .values(
        state=sa.bindparam("new_state"),
        ended_at=sa.bindparam("now"),
        lease_until=None,
        partial="",
        error_code=sa.bindparam("new_error_code"),
        cancel_reason=sa.bindparam("new_cancel_reason"),
    )
)
_OTHER = turns.alias("other")
_WITH_WORK = Prepared(
    sa.select(turns.c.session_id)
    .where(
        turns.c.ended_at.is_(None),
        sa.or_(
            sa.and_(turns.c.state == TurnState.QUEUED, turns.c.created_at < _NOW - sa.bindparam("queued_for_seconds", type_=sa.Double)),
            sa.and_(_ACTIVE, turns.c.lease_until < _NOW),
        ),
        ~sa.exists().where(_OTHER.c.session_id == turns.c.session_id, _OTHER.c.state.in_(ACTIVE_STATES), _OTHER.c.lease_until >= _NOW),
    )
    .distinct()
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ACTIVE_ELSEWHERE = Prepared(
    sa.select(turns).where(listed(turns.c.session_id, "session_ids"), _ACTIVE, turns.c.worker != sa.bindparam("not_by"))
)

_INSERT_TOOL_CALL = Prepared(
    sa.insert(tool_calls).values(
        {
            **{
                name: sa.bindparam(name, type_=tool_calls.c[name].type)
                for name in ("key", "session_id", "turn_id", "step", "idx", "name", "args_hash", "idempotent", "state", "result")
            },
            "created_at": _NOW,
        }
    )
)
_DELETE_TOOL_CALL = Prepared(sa.delete(tool_calls).where(tool_calls.c.key == sa.bindparam("key")))


class ToolCallRow(TypedDict):
    """What is known of a call when it begins."""

    key: str
    session_id: SessionId
    turn_id: TurnId
    step: int
    idx: int
    name: str
    args_hash: str
    idempotent: bool


def to_turn(row: Any) -> Turn:
    return Turn(
        id=TurnId(row.id),
        session_id=SessionId(row.session_id),
        seq=row.seq,
        state=TurnState(row.state),
        attempt=row.attempt,
        fence=row.fence,
        worker=row.worker,
        started_seq=row.started_seq,
        partial=row.partial,
        error_code=row.error_code,
        cancel_reason=row.cancel_reason,
        deadline=row.deadline,
        lease_until=row.lease_until,
        created_at=row.created_at,
    )


def insert_turn(tx: Transaction, turn: Turn) -> None:
    _INSERT.run(
        tx.connection,
        {
            "id": turn.id,
            "session_id": turn.session_id,
            "seq": turn.seq,
            "state": turn.state,
            "attempt": turn.attempt,
            "fence": turn.fence,
            "lease_until": turn.lease_until,
            "deadline": turn.deadline,
            "worker": turn.worker,
            "started_seq": turn.started_seq,
            "partial": turn.partial,
            "created_at": turn.created_at,
        },
    )


def list_open_turns(connection: sa.Connection, session_id: SessionId) -> list[Turn]:
    """The turns of a session that have not ended, in order. At most one of them is active."""
    return [to_turn(row) for row in _OPEN_TURNS.all(connection, {"session_id": session_id})]


def count_waiting_messages(connection: sa.Connection, turn_id: TurnId) -> int:
    count: int = _COUNT_WAITING.one_or_none(connection, {"turn_id": turn_id}).count
    return count


def claim_turn(tx: Transaction, begun: Turn) -> None:
    """Store that a turn has begun."""
    _CLAIM.run(
        tx.connection,
        {
            "turn_id": begun.id,
            "new_attempt": begun.attempt,
            "new_fence": begun.fence,
            "new_lease_until": begun.lease_until,
            "new_deadline": begun.deadline,
            "new_worker": begun.worker,
            "new_started_seq": begun.started_seq,
        },
    )


def checkpoint_turn(tx: Transaction, turn_id: TurnId, *, fence: int, partial: str, lease_seconds: float) -> bool:
    """Keep the text so far and extend the lease. False: the fence is no longer ours."""
    parameters = {"turn_id": turn_id, "my_fence": fence, "new_partial": partial, "lease_seconds": lease_seconds}
    return _CHECKPOINT.run(tx.connection, parameters) == 1


def end_turn(
    tx: Transaction,
    turn_id: TurnId,
    *,
    fence: int,
    state: TurnState,
    now: float,
    error_code: str | None = None,
    cancel_reason: str | None = None,
) -> bool:
    """Move the turn to a terminal state. False: the fence is no longer ours, or it had ended."""
    parameters = {
        "turn_id": turn_id,
        "my_fence": fence,
        "new_state": state,
        "now": now,
        "new_error_code": error_code,
        "new_cancel_reason": cancel_reason,
    }
    return _END.run(tx.connection, parameters) == 1


def renew_leases(tx: Transaction, *, worker: str, turn_ids: Sequence[TurnId], lease_seconds: float) -> set[TurnId]:
    """Extend the leases that `worker` still holds among these turns; returns which those are."""
    rows = tx.execute(
        sa.update(turns)
        .where(turns.c.id.in_(list(turn_ids)), turns.c.worker == worker, _ACTIVE)
        .values(lease_until=_NOW + lease_seconds)
        .returning(turns.c.id)
    )
    return {TurnId(row.id) for row in rows}


def release_leases(tx: Transaction, *, worker: str) -> None:
    """Give up every lease of `worker` at once, so that another takes over without waiting."""
    tx.execute(sa.update(turns).where(turns.c.worker == worker, _ACTIVE).values(lease_until=_NOW - 1.0))


def expire_leases_of_others(tx: Transaction, *, worker: str) -> None:
    """End the leases of all other workers. Only for who knows that no other worker is alive."""
    tx.execute(sa.update(turns).where(turns.c.worker != worker, _ACTIVE).values(lease_until=_NOW - 1.0))


def list_sessions_with_work(connection: sa.Connection, *, queued_for_seconds: float, limit: int) -> list[SessionId]:
    """Sessions with a turn that nobody works on: queued for a while with none active, or active with its lease run out."""
    rows = _WITH_WORK.all(connection, {"queued_for_seconds": queued_for_seconds, "limit": limit})
    return [SessionId(row.session_id) for row in rows]


def list_active_turns(connection: sa.Connection, session_ids: Sequence[SessionId], *, not_by: str) -> list[Turn]:
    """The running turns of these sessions that other workers hold, with their text as last checkpointed."""
    rows = _ACTIVE_ELSEWHERE.all(connection, {"session_ids": list(session_ids), "not_by": not_by})
    return [to_turn(row) for row in rows]


def find_tool_call(connection: sa.Connection, key: str) -> Any:
    """The row (state, result, args_hash), or None."""
    return connection.execute(
        sa.select(tool_calls.c.state, tool_calls.c.result, tool_calls.c.args_hash).where(tool_calls.c.key == key)
    ).one_or_none()


def list_unfinished_effects(connection: sa.Connection, turn_id: TurnId) -> list[str]:
    """Keys of calls that were begun, must not be repeated, and of which no end is recorded."""
    rows = connection.execute(
        sa.select(tool_calls.c.key).where(
            tool_calls.c.turn_id == turn_id, tool_calls.c.state == ToolCallState.INTENT, tool_calls.c.idempotent.is_(False)
        )
    )
    return [row.key for row in rows]


def insert_tool_call(tx: Transaction, row: ToolCallRow, *, state: ToolCallState, result: Any = None) -> None:
    _INSERT_TOOL_CALL.run(tx.connection, {**row, "state": state, "result": result})


def delete_tool_call(tx: Transaction, key: str) -> None:
    _DELETE_TOOL_CALL.run(tx.connection, {"key": key})


def end_tool_call(tx: Transaction, key: str, *, state: ToolCallState, result: Any) -> None:
    """Record how a call ended. By key alone: a result is true whoever records it."""
    tx.execute(sa.update(tool_calls).where(tool_calls.c.key == key).values(state=state, result=result, ended_at=_NOW))


def holds_turn(connection: sa.Connection, turn_id: TurnId, *, fence: int) -> bool:
    """Whether the turn is active under this fence. Locks the row where the database locks rows."""
    row = connection.execute(
        sa.select(turns.c.id).where(turns.c.id == turn_id, turns.c.fence == fence, _ACTIVE).with_for_update()
    ).one_or_none()
    return row is not None
