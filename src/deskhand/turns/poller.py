"""What other processes did in the sessions that are watched here, read from the database at intervals.

This is what makes a lost notification harmless: a reader sees the end of a turn within the interval whoever wrote it. It reads two
indexed queries for all watched sessions together, so idle readers cost next to nothing.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
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
# Many may ask for a look at once, as when a thousand readers come over from another process: they are looked at together.
_BETWEEN_LOOKS_SECONDS = 0.05


class Poller:
    def __init__(
        self,
        *,
        database: Database,
        hub: Hub[SessionEvent],
        worker: str,
        find_interval: Callable[[], float],
        want: Callable[[str, str], None] | None = None,
    ) -> None:
        """`find_interval` gives the seconds to the next look. `want` asks a worker for the text of the answer it gives in a session."""
        self._database = database
        self._hub = hub
        self._worker = worker
        self._find_interval = find_interval
        self._want = want
        self._lagging: set[str] = set()
        self._hurry = asyncio.Event()

    def look_soon(self, session_id: str) -> None:
        """Look at a session of which something may be stored that is not known here: now, or a moment after the last look."""
        self._lagging.add(session_id)
        self._hurry.set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._find_interval()
        looked_at = -_BETWEEN_LOOKS_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._hurry.wait()
            await asyncio.sleep(looked_at + _BETWEEN_LOOKS_SECONDS - loop.time())
            self._hurry.clear()
            lagging, self._lagging = self._lagging, set()
            if loop.time() >= due:
                await self._poll_all(self._hub.list_watched(), lagging=lagging)
                due = loop.time() + self._find_interval()
            else:
                await self._poll_all(lagging, lagging=lagging)
            looked_at = loop.time()

    async def _poll_all(self, session_ids: Iterable[str], *, lagging: set[str]) -> None:
        watched = list(session_ids)
        for start in range(0, len(watched), _CHUNK):
            await self._poll([SessionId(session_id) for session_id in watched[start : start + _CHUNK]], lagging=lagging)

    async def _poll(self, session_ids: list[SessionId], *, lagging: set[str]) -> None:
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
            if self._want is not None and turn.worker is not None and turn.session_id in lagging:
                self._want(turn.session_id, turn.worker)

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
