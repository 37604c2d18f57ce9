"""Bugs to be sown into a server before it starts. The chaos tests prove that they can fail by catching each of them."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from deskhand.persistence import Prepared, Transaction, sqlite
from deskhand.realtime import channel, relay
from deskhand.sessions import TurnState, repository, turn_repository
from deskhand.sessions.tables import turns as turn_table
from deskhand.turns import attempt, journal, lifecycle, reader
from deskhand.turns.position import Position


def a_worker_that_was_overtaken_writes_on() -> None:
    """No fence: neither the database compares it, nor does a worker look at its own clock."""
    values = {
        "state": sa.bindparam("new_state"),
        "ended_at": sa.bindparam("now"),
        "lease_until": None,
        "partial": "",
        "error_code": sa.bindparam("new_error_code"),
        "cancel_reason": sa.bindparam("new_cancel_reason"),
    }
    statement = sa.update(turn_table).where(
        turn_table.c.id == sa.bindparam("turn_id"), sa.bindparam("my_fence", type_=sa.BigInteger) == sa.bindparam("my_fence")
    )
    turn_repository._END = Prepared(statement.values(values))
    turn_repository.checkpoint_turn = lambda *_ignored, **_fields: True
    attempt._STOP_AT = 1_000.0
    attempt.Running.stop = lambda _self: None


def a_message_is_acknowledged_before_its_commit() -> None:
    """On SQLite: who waits is told, and a moment later it is committed."""
    real = sqlite.SqliteEngine._run_in_savepoint

    def run(self: sqlite.SqliteEngine, job: Any, raw: Any) -> None:
        real(self, job, raw)
        job.loop.call_soon_threadsafe(job.settle)
        time.sleep(0.01)

    sqlite.SqliteEngine._run_in_savepoint = run
    sqlite._settle_all = lambda _jobs: None


def a_repeated_send_is_stored_again() -> None:
    real = repository.insert_message

    def insert_message(tx: Transaction, message: Any, *, body_hash: str | None) -> None:
        real(tx, replace(message, client_message_id=None), body_hash=body_hash)

    repository.find_message_by_client_id = lambda _connection, _session_id, _client_message_id: None
    repository.insert_message = insert_message


def nobody_takes_over() -> None:
    """A turn whose worker is gone is nobody's."""
    real = turn_repository.list_open_turns

    def list_open_turns(connection: sa.Connection, session_id: Any) -> list[Any]:
        return [replace(turn, lease_until=1e12) if turn.lease_until is not None else turn for turn in real(connection, session_id)]

    turn_repository.list_open_turns = list_open_turns


def each_attempt_has_its_own_tool_keys() -> None:
    """And so an action that was begun is begun again."""
    real = journal._key
    journal._key = lambda turn_id, key: real(f"{turn_id}{secrets.token_hex(4)}", key)
    turn_repository.list_unfinished_effects = lambda _connection, _turn_id: []


def two_turns_of_a_session_run_at_once() -> None:
    """Nobody looks whether a turn runs, and no index of the database refuses the second."""
    real = turn_repository.list_open_turns

    def list_open_turns(connection: sa.Connection, session_id: Any) -> list[Any]:
        return [turn for turn in real(connection, session_id) if turn.state is TurnState.QUEUED]

    lifecycle.turn_repository.list_open_turns = list_open_turns
    turn_table.indexes.discard(next(index for index in turn_table.indexes if index.name == "one_active"))


def who_comes_back_is_given_one_event_too_few() -> None:
    class OneTooFar(Position):
        @classmethod
        def parse(cls, event_id: str) -> Position | None:
            position = Position.parse(event_id)
            return position if position is None or position.attempt is not None else replace(position, seq=position.seq + 1)

    reader.Position = OneTooFar


def what_the_bus_loses_is_not_missed() -> None:
    """One event in five does not reach the other process, which takes the next one as if nothing had been before it."""
    tell = relay.Relay.tell_stored

    def tell_stored(self: relay.Relay[Any], session_id: str, seq: int, event: Any) -> None:
        if secrets.randbelow(5):
            tell(self, session_id, seq, event)

    def admit_early(self: channel.Channel[Any]) -> None:
        assert self.last_seq is not None
        for seq in sorted(self.early):
            event = self.early.pop(seq)
            if seq > self.last_seq:
                self.last_seq = seq
                self._admit(seq, event)
        self.wake()

    relay.Relay.tell_stored = tell_stored
    channel.Channel._admit_early = admit_early


BUGS: Final[dict[str, Callable[[], None]]] = {
    bug.__name__: bug
    for bug in (
        a_worker_that_was_overtaken_writes_on,
        a_message_is_acknowledged_before_its_commit,
        a_repeated_send_is_stored_again,
        nobody_takes_over,
        each_attempt_has_its_own_tool_keys,
        two_turns_of_a_session_run_at_once,
        who_comes_back_is_given_one_event_too_few,
        what_the_bus_loses_is_not_missed,
    )
}


def sow(name: str) -> None:
    """Put the bug called `name` into this process."""
    BUGS[name]()
