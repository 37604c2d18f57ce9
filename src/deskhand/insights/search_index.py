"""The words that customers said, their names and their ids, so that a conversation is found by them. Taken down a moment after they were
said, apart from the turn.

The invariant: what is taken down is what the transcript has up to `said_until`; whatever is missing is taken down by whoever looks next.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import sqlalchemy as sa

from deskhand.ids import SessionId
from deskhand.insights.repository import list_behind
from deskhand.insights.tables import said_until, said_words
from deskhand.persistence import Database, Transaction, db_now
from deskhand.sessions import Author, Session, SessionNotFound
from deskhand.sessions.log import open_log
from deskhand.sessions.tables import messages
from deskhand.words import words

_ROUND_SECONDS = 2.0
_AT_ONCE = 100
_LONGEST_WORD = 64
# What is committed late is dated earlier.
_COMMITTED_LATE_SECONDS = 5.0


class SearchIndex:
    def __init__(self, database: Database) -> None:
        self._database = database
        # What was said in sessions in which nothing happened since is taken down.
        self._since = 0.0

    async def run(self) -> None:
        """Take down what is said, for ever."""
        while True:
            if not await self.take_down():
                await asyncio.sleep(_ROUND_SECONDS)

    async def take_down(self) -> bool:
        """Take down what the next conversations have to it; False when there is nothing left."""
        found, now = await self._database.read(partial(_find, since=self._since))
        for row in found:
            await self._database.write(partial(_take_down, session_id=SessionId(row.id)), durable=False)
        is_more = len(found) == _AT_ONCE
        self._since = min(found[-1].last_activity if is_more else now, now - _COMMITTED_LATE_SECONDS)
        return is_more


def _find(connection: sa.Connection, *, since: float) -> tuple[Sequence[Any], float]:
    """The next sessions to look at, and the moment of the look."""
    now = connection.execute(sa.select(db_now())).scalar_one()
    return list_behind(connection, said_until, since=since, limit=_AT_ONCE), now


def _take_down(tx: Transaction, *, session_id: SessionId) -> None:
    # It may be deleted by now.
    with suppress(SessionNotFound), open_log(tx, session_id) as log:
        until = tx.execute(sa.select(said_until.c.seq).where(said_until.c.session_id == session_id)).scalar_one_or_none()
        said = tx.execute(
            sa.select(messages.c.content).where(
                messages.c.session_id == session_id, messages.c.seq > (until or 0), messages.c.role == Author.CUSTOMER
            )
        ).scalars()
        _add(tx, session_id, [*said, *(_about(log.session) if until is None else ())])
        tx.execute(sa.delete(said_until).where(said_until.c.session_id == session_id))
        tx.execute(sa.insert(said_until).values(session_id=session_id, seq=log.session.last_seq))


def _about(session: Session) -> list[str]:
    """What else a conversation is found by."""
    told = [session.metadata.get(name) for name in ("name", "email", "order", "company")]
    return [session.id, session.user_id or "", *(value for value in told if isinstance(value, str))]


def _add(tx: Transaction, session_id: SessionId, texts: Sequence[str]) -> None:
    fresh = {word[:_LONGEST_WORD] for text in texts for word in words(text)}
    known = set(tx.execute(sa.select(said_words.c.word).where(said_words.c.session_id == session_id)).scalars())
    if missing := sorted(fresh - known):
        tx.execute(sa.insert(said_words), [{"word": word, "session_id": session_id} for word in missing])
