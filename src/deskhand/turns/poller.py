"""What other processes did in the sessions that are watched here, read from the database at intervals.

This is what makes a lost notification harmless: a reader sees the end of a turn within the interval whoever wrote it. It reads two
indexed queries for all watched sessions together, so idle readers cost next to nothing.
"""

import asyncio
from functools import partial

import sqlalchemy as sa

from deskhand.ids import SessionId
from deskhand.persistence import Database
from deskhand.realtime import Begins, Hub
from deskhand.sessions import Turn, turn_repository
from deskhand.sessions.log import list_events, list_last_seqs
from deskhand.turns.events import SessionEvent
from deskhand.turns.render import to_event

_CHUNK = 500
_EVENTS = 200


class Poller:
    def __init__(self, *, database: Database, hub: Hub[SessionEvent], worker: str, interval_seconds: float) -> None:
        self._database = database
        self._hub = hub
        self._worker = worker
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_seconds)
            watched = [session_id for session_id, _ in self._hub.watched()]
            for start in range(0, len(watched), _CHUNK):
                await self._poll([SessionId(session_id) for session_id in watched[start : start + _CHUNK]])

    async def _poll(self, session_ids: list[SessionId]) -> None:
        def read(connection: sa.Connection) -> tuple[dict[SessionId, int], list[Turn]]:
            return list_last_seqs(connection, session_ids), turn_repository.list_active_turns(connection, session_ids, not_by=self._worker)

        last_seqs, active_turns = await self._database.read(read)
        for session_id in session_ids:
            if session_id not in last_seqs:
                self._hub.close_session(session_id)
            else:
                await self._catch_up(session_id, last_seqs[session_id])
        for turn in active_turns:
            self._mirror(turn)

    async def _catch_up(self, session_id: SessionId, last_seq: int) -> None:
        channel = self._hub.find_channel(session_id)
        while channel is not None and channel.last_seq is not None and channel.last_seq < last_seq:
            rows = await self._database.read(partial(list_events, session_id=session_id, after_seq=channel.last_seq, limit=_EVENTS))
            if not rows:
                return
            for row in rows:
                channel.publish(row.seq, to_event(row))

    def _mirror(self, turn: Turn) -> None:
        """Show the text of an answer that runs elsewhere, as far as it was checkpointed."""
        channel = self._hub.find_channel(turn.session_id)
        if channel is None or channel.answer is None or not channel.answer.remote:
            return
        answer = channel.answer
        if answer.begun == Begins(turn.id, turn.attempt) and not answer.ended and len(turn.partial) > answer.length:
            answer.append(turn.partial[answer.length :])
            channel.wake()
