"""Bugs to be sown into the turn engine, one at a time. A1 proves that it can fail by catching each of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from deskhand.ids import TurnId
from deskhand.persistence import Prepared, Transaction, db_now
from deskhand.sessions import SessionStatus, Turn, TurnState, repository, turn_repository
from deskhand.sessions.log import SessionLog
from deskhand.sessions.tables import ACTIVE_STATES
from deskhand.sessions.tables import turns as turn_table
from deskhand.turns import Accepted, journal
from deskhand.turns.lifecycle import TurnLifecycle
from deskhand.turns.model import Failure
from turns.machine import Dies, TurnMachine
from turns.store import Store

Mutant = Callable[[pytest.MonkeyPatch, Store], None]

_THIS_TURN = turn_table.c.id == sa.bindparam("turn_id")
_ENDS: dict[str, Any] = {
    "state": sa.bindparam("new_state"),
    "ended_at": sa.bindparam("now"),
    "lease_until": None,
    "partial": "",
    "error_code": sa.bindparam("new_error_code"),
    "cancel_reason": sa.bindparam("new_cancel_reason"),
}


def the_end_of_a_turn_compares_no_fence(patch: pytest.MonkeyPatch, _store: Store) -> None:
    statement = sa.update(turn_table).where(
        _THIS_TURN, turn_table.c.ended_at.is_(None), sa.bindparam("my_fence") == sa.bindparam("my_fence")
    )
    patch.setattr(turn_repository, "_END", Prepared(statement.values(_ENDS)))


def a_checkpoint_compares_no_fence(patch: pytest.MonkeyPatch, _store: Store) -> None:
    statement = sa.update(turn_table).where(
        _THIS_TURN, turn_table.c.state.in_(ACTIVE_STATES), sa.bindparam("my_fence") == sa.bindparam("my_fence")
    )
    lease = db_now() + sa.bindparam("lease_seconds", type_=sa.Double)
    patch.setattr(
        turn_repository,
        "_CHECKPOINT",
        Prepared(statement.values(state=TurnState.STREAMING, partial=sa.bindparam("new_partial"), lease_until=lease)),
    )


def an_action_compares_no_fence(patch: pytest.MonkeyPatch, _store: Store) -> None:
    patch.setattr(turn_repository, "holds_turn", lambda _connection, _turn_id, *, fence: True)


def a_terminal_state_may_change(patch: pytest.MonkeyPatch, _store: Store) -> None:
    patch.setattr(turn_repository, "_END", Prepared(sa.update(turn_table).where(_THIS_TURN).values(_ENDS)))

    def end_turn(tx: Transaction, turn_id: TurnId, **fields: Any) -> bool:
        values = {
            "turn_id": turn_id,
            "new_state": fields["state"],
            "now": fields["now"],
            "new_error_code": fields.get("error_code"),
            "new_cancel_reason": fields.get("cancel_reason"),
        }
        return turn_repository._END.run(tx.connection, values) == 1

    patch.setattr(turn_repository, "end_turn", end_turn)


def a_finish_ignores_that_it_lost(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = turn_repository.end_turn

    def end_turn(tx: Transaction, turn_id: TurnId, **fields: Any) -> bool:
        return real(tx, turn_id, **fields) or True

    patch.setattr(turn_repository, "end_turn", end_turn)


def nobody_takes_over(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = turn_repository.list_open_turns

    def list_open_turns(connection: sa.Connection, session_id: Any) -> list[Turn]:
        for_ever = 1e12
        return [replace(turn, lease_until=for_ever) if turn.lease_until is not None else turn for turn in real(connection, session_id)]

    patch.setattr(turn_repository, "list_open_turns", list_open_turns)


def a_lease_is_not_respected(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = turn_repository.list_open_turns

    def list_open_turns(connection: sa.Connection, session_id: Any) -> list[Turn]:
        return [replace(turn, lease_until=0.0) if turn.lease_until is not None else turn for turn in real(connection, session_id)]

    patch.setattr(turn_repository, "list_open_turns", list_open_turns)


def two_turns_run_together(patch: pytest.MonkeyPatch, store: Store) -> None:
    """No unique index, and a claim that looks at what waits alone."""
    store.write(lambda tx: tx.connection.exec_driver_sql("DROP INDEX one_active"))
    real = turn_repository.list_open_turns

    def list_open_turns(connection: sa.Connection, session_id: Any) -> list[Turn]:
        return [turn for turn in real(connection, session_id) if turn.state is TurnState.QUEUED]

    patch.setattr(turn_repository, "list_open_turns", list_open_turns)


def the_newest_turn_starts_first(patch: pytest.MonkeyPatch, store: Store) -> None:
    store.write(lambda tx: tx.connection.exec_driver_sql("DROP INDEX one_active"))
    real = turn_repository.list_open_turns
    patch.setattr(turn_repository, "list_open_turns", lambda connection, session_id: real(connection, session_id)[::-1])


def a_message_is_acknowledged_before_its_commit(patch: pytest.MonkeyPatch, _store: Store) -> None:
    def accept(self: TurnMachine, session: Any, *, content: str, client_message_id: str | None, worker: str | None, dies: bool) -> Accepted:
        told: list[Accepted] = []

        def work(tx: Transaction) -> None:
            accepted = self.lifecycle.accept(
                tx, session.id, content=content, client_message_id=client_message_id, attachment_ids=(), worker=worker
            )
            told.append(accepted)
            if dies:
                raise Dies

        try:
            self.store.write(work)
        except Dies:
            return told[0]
        return told[0]

    patch.setattr(TurnMachine, "_accept", accept)


def an_event_is_published_before_its_commit(patch: pytest.MonkeyPatch, _store: Store) -> None:
    def publish(self: TurnLifecycle, _tx: Transaction, log: SessionLog) -> None:
        self._publish(tuple(log.appended))

    patch.setattr(TurnLifecycle, "publish_after_commit", publish)


def a_sent_message_is_not_recognised(patch: pytest.MonkeyPatch, _store: Store) -> None:
    patch.setattr(repository, "find_message_by_client_id", lambda _connection, _session_id, _client_message_id: None)


def a_repeated_send_is_stored_again(patch: pytest.MonkeyPatch, _store: Store) -> None:
    """As above, and the database does not object."""
    patch.setattr(repository, "find_message_by_client_id", lambda _connection, _session_id, _client_message_id: None)
    real = repository.insert_message

    def insert_message(tx: Transaction, message: Any, *, body_hash: str | None) -> None:
        real(tx, replace(message, client_message_id=None), body_hash=body_hash)

    patch.setattr(repository, "insert_message", insert_message)


def a_number_of_the_log_is_left_out(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = SessionLog.append

    def append(self: SessionLog, event_type: str, data: dict[str, Any], **fields: Any) -> Any:
        if event_type == "mode":
            self.session = replace(self.session, last_seq=self.session.last_seq + 1)
        return real(self, event_type, data, **fields)

    patch.setattr(SessionLog, "append", append)


def an_answer_is_stored_twice(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = TurnLifecycle.finish

    def finish(self: TurnLifecycle, tx: Transaction, claim: Any, answered: Any) -> int | None:
        real(self, tx, claim, answered)
        with pytest.MonkeyPatch.context() as patch_within:
            patch_within.setattr(turn_repository, "end_turn", lambda *_args, **_fields: True)
            return real(self, tx, claim, answered)

    patch.setattr(TurnLifecycle, "finish", finish)


def a_queued_turn_starts_after_the_hand_off(patch: pytest.MonkeyPatch, _store: Store) -> None:
    def change_mode(self: TurnLifecycle, _tx: Transaction, log: SessionLog, status: SessionStatus, *, partials: Any) -> None:
        log.set_status(status)
        log.append("mode", {"status": str(status)})

    patch.setattr(TurnLifecycle, "change_mode", change_mode)
    patch.setattr(SessionLog, "has_left_ai", lambda _self: False)


def a_fence_is_not_raised(patch: pytest.MonkeyPatch, _store: Store) -> None:
    patch.setattr(SessionLog, "raise_fence", lambda self: self.session.fence)


def attempts_never_end(patch: pytest.MonkeyPatch, _store: Store) -> None:
    patch.setattr(TurnLifecycle, "_hopeless", lambda _self, _tx, _turn, _now: None)


def an_open_action_is_forgotten_at_takeover(patch: pytest.MonkeyPatch, _store: Store) -> None:
    patch.setattr(turn_repository, "list_unfinished_effects", lambda _connection, _turn_id: [])


def each_attempt_has_its_own_tool_keys(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = journal.TurnJournal.begin

    async def begin(self: journal.TurnJournal, key: Any, **fields: Any) -> Any:
        attempt = self._claim.turn.attempt
        return await real(self, replace(key, step=key.step + 100 * attempt), **fields)

    patch.setattr(journal.TurnJournal, "begin", begin)


def a_recorded_result_is_not_replayed(patch: pytest.MonkeyPatch, _store: Store) -> None:
    patch.setattr(turn_repository, "find_tool_call", lambda _connection, _key: None)


def what_was_said_is_lost_at_a_cancel(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = TurnLifecycle._end_with_partial

    def end(self: TurnLifecycle, tx: Transaction, log: SessionLog, turn: Turn, **fields: Any) -> None:
        real(self, tx, log, replace(turn, partial=""), **fields)

    patch.setattr(TurnLifecycle, "_end_with_partial", end)


def an_interrupted_answer_is_shown_as_complete(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = repository.insert_message

    def insert_message(tx: Transaction, message: Any, *, body_hash: str | None) -> None:
        real(tx, replace(message, status="complete"), body_hash=body_hash)

    patch.setattr(repository, "insert_message", insert_message)


def the_end_of_a_failed_turn_is_told_twice(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = TurnLifecycle._fail

    def fail(self: TurnLifecycle, tx: Transaction, log: SessionLog, turn: Turn, *, failure: Failure) -> None:
        real(self, tx, log, turn, failure=failure)
        real(self, tx, log, replace(turn, partial=""), failure=failure)

    patch.setattr(TurnLifecycle, "_fail", fail)


def a_worker_renews_what_another_holds(patch: pytest.MonkeyPatch, _store: Store) -> None:
    def renew(tx: Transaction, *, worker: str, turn_ids: Any, lease_seconds: float) -> set[TurnId]:
        rows = tx.execute(
            sa.update(turn_table)
            .where(turn_table.c.id.in_(list(turn_ids)), turn_table.c.state.in_(ACTIVE_STATES))
            .values(lease_until=db_now() + lease_seconds)
            .returning(turn_table.c.id)
        )
        return {TurnId(row.id) for row in rows}

    patch.setattr(turn_repository, "renew_leases", renew)


def nobody_is_told_of_an_uncertain_action(patch: pytest.MonkeyPatch, _store: Store) -> None:
    patch.setattr(TurnLifecycle, "escalate", lambda _self, _tx, _log, _request, *, turn_id: None)


def nobody_is_told_of_an_action_that_a_cancel_cut_off(patch: pytest.MonkeyPatch, _store: Store) -> None:
    real = TurnLifecycle._cancel

    def cancel(self: TurnLifecycle, *given: Any, **fields: Any) -> None:
        with pytest.MonkeyPatch.context() as patch_within:
            patch_within.setattr(TurnLifecycle, "_open_ticket", lambda *_args, **_fields: None)
            real(self, *given, **fields)

    patch.setattr(TurnLifecycle, "_cancel", cancel)


MUTANTS: tuple[Mutant, ...] = (
    the_end_of_a_turn_compares_no_fence,
    a_checkpoint_compares_no_fence,
    an_action_compares_no_fence,
    a_terminal_state_may_change,
    a_finish_ignores_that_it_lost,
    nobody_takes_over,
    a_lease_is_not_respected,
    two_turns_run_together,
    the_newest_turn_starts_first,
    a_message_is_acknowledged_before_its_commit,
    an_event_is_published_before_its_commit,
    a_sent_message_is_not_recognised,
    a_repeated_send_is_stored_again,
    a_number_of_the_log_is_left_out,
    an_answer_is_stored_twice,
    a_queued_turn_starts_after_the_hand_off,
    a_fence_is_not_raised,
    attempts_never_end,
    an_open_action_is_forgotten_at_takeover,
    each_attempt_has_its_own_tool_keys,
    a_recorded_result_is_not_replayed,
    what_was_said_is_lost_at_a_cancel,
    an_interrupted_answer_is_shown_as_complete,
    the_end_of_a_failed_turn_is_told_twice,
    a_worker_renews_what_another_holds,
    nobody_is_told_of_an_uncertain_action,
    nobody_is_told_of_an_action_that_a_cancel_cut_off,
)
