"""Bugs to be sown into a server before it starts. The chaos tests prove that they can fail by catching each of them."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from deskhand.persistence import Prepared, Transaction, sqlite
from deskhand.sessions import repository, turn_repository
from deskhand.sessions.tables import turns as turn_table
from deskhand.turns import journal, worker


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
    worker._STOP_AT = 1_000.0
    worker.Running.stop = lambda _self: None


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


BUGS: Final[dict[str, Callable[[], None]]] = {
    bug.__name__: bug
    for bug in (
        a_worker_that_was_overtaken_writes_on,
        a_message_is_acknowledged_before_its_commit,
        a_repeated_send_is_stored_again,
        nobody_takes_over,
        each_attempt_has_its_own_tool_keys,
    )
}


def sow(name: str) -> None:
    """Put the bug called `name` into this process."""
    BUGS[name]()
