"""The journal of a turn's tool calls: what was begun, and what came of it, under a key that every attempt shares.

A call with an effect is recorded before it is made. If its end was never recorded, nobody can know whether it happened, and it is not
made again. A call without an effect is recorded once, afterwards. Nothing is recorded for a session that was deleted: `SessionNotFound`.
"""

import hashlib
import json
from typing import Any

from deskhand.agent.errors import OutcomeUnknown
from deskhand.agent.run import Begun, Replayed, ToolCallKey
from deskhand.failpoints import Failpoint, reach
from deskhand.persistence import Database, Transaction
from deskhand.sessions import ToolCallState, turn_repository
from deskhand.sessions.log import open_log
from deskhand.sessions.turn_repository import ToolCallRow
from deskhand.turns.errors import FenceLost
from deskhand.turns.model import Claim

_ENDED = (ToolCallState.DONE, ToolCallState.FAILED)


class TurnJournal:
    """The journal of one attempt."""

    def __init__(self, database: Database, claim: Claim) -> None:
        self._database = database
        self._claim = claim
        self._begun: dict[str, ToolCallRow] = {}

    async def begin(self, key: ToolCallKey, *, arguments: dict[str, Any], idempotent: bool) -> Replayed | Begun:
        name = _key(self._claim.turn.id, key)
        row: ToolCallRow = {
            "key": name,
            "session_id": self._claim.session.id,
            "turn_id": self._claim.turn.id,
            "step": key.step,
            "idx": key.index,
            "name": key.name,
            "args_hash": hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest(),
            "idempotent": idempotent,
        }
        if idempotent:
            if self._claim.turn.attempt > 1:
                known = await self._database.read(lambda connection: turn_repository.find_tool_call(connection, name))
                if known is not None and known.state in _ENDED and known.args_hash == row["args_hash"]:
                    return Replayed(result=known.result, failed=known.state == ToolCallState.FAILED)
            self._begun[name] = row
            return Begun(idempotency_key=name)
        replayed = await self._database.write(lambda tx: self._record_intent(tx, row))
        reach(Failpoint.TOOL_INTENT_AFTER_COMMIT)
        return replayed or Begun(idempotency_key=name)

    async def finish(self, begun: Begun, *, result: dict[str, Any], failed: bool) -> None:
        state = ToolCallState.FAILED if failed else ToolCallState.DONE
        row = self._begun.pop(begun.idempotency_key, None)

        def record(tx: Transaction) -> None:
            reach(Failpoint.TOOL_RESULT_BEFORE_COMMIT)
            if row is None:
                turn_repository.end_tool_call(tx, begun.idempotency_key, state=state, result=result)
                return
            with open_log(tx, row["session_id"]):
                # Another attempt may have recorded it, an earlier one or, if this is a worker that was overtaken, a later one.
                turn_repository.delete_tool_call(tx, row["key"])
                turn_repository.insert_tool_call(tx, row, state=state, result=result)

        await self._database.write(record, durable=row is None)
        reach(Failpoint.TOOL_RESULT_AFTER_COMMIT)

    def _record_intent(self, tx: Transaction, row: ToolCallRow) -> Replayed | None:
        # The session first, as everybody else does: a call refers to it, and locking it after its turn would be a deadlock with a cancel.
        with open_log(tx, row["session_id"]):
            if not turn_repository.holds_turn(tx.connection, self._claim.turn.id, fence=self._claim.fence):
                raise FenceLost
            known = turn_repository.find_tool_call(tx.connection, row["key"])
            if known is None:
                turn_repository.insert_tool_call(tx, row, state=ToolCallState.INTENT)
                reach(Failpoint.TOOL_INTENT_BEFORE_COMMIT)
                return None
        if known.state in _ENDED:
            return Replayed(result=known.result, failed=known.state == ToolCallState.FAILED)
        raise OutcomeUnknown


def _key(turn_id: str, key: ToolCallKey) -> str:
    return hashlib.sha256(f"{turn_id}|{key.step}|{key.index}|{key.name}".encode()).hexdigest()
