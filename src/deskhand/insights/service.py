"""What those behind the desk read: their lists, one conversation with all that is known of it. Changes nothing that a customer sees."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from deskhand.handoff import repository as tickets
from deskhand.ids import SessionId
from deskhand.insights import repository
from deskhand.insights.answer_counts import AnswerCounts
from deskhand.insights.conversation import Conversation
from deskhand.insights.overview import Overview, OverviewReader
from deskhand.insights.repository import Counts, Place, Wanted
from deskhand.memory.fact import Fact
from deskhand.memory.repository import list_facts
from deskhand.persistence import Database
from deskhand.sessions import SessionNotFound
from deskhand.sessions.transcript import TranscriptPage, read_newest

_MOST_EARLIER = 10
_MOST_FACTS = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list; `next_place` is where the next one begins, None at the end."""

    items: list[Conversation]
    next_place: Place | None
    counts: Counts


@dataclass(frozen=True, slots=True)
class Opened:
    """One conversation. `page` has its newest messages; `notes` are rows (id, author_id, author_name, text, created_at)."""

    conversation: Conversation
    page: TranscriptPage
    notes: list[Any]
    facts: list[Fact]
    earlier: list[Conversation]


class DeskReader:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.answer_counts = AnswerCounts(database)
        self._overview = OverviewReader(database, self.answer_counts)

    async def overview(self, *, days: int) -> Overview:
        """What came of the last days, today included."""
        return await self._overview.read(days=days)

    async def list_page(self, wanted: Wanted, *, after: Place | None, limit: int) -> Listed:
        def read(connection: sa.Connection) -> Listed:
            places = repository.list_places(connection, wanted, after=after, limit=limit + 1)
            shown = places[:limit]
            return Listed(
                items=repository.list_conversations(connection, [place.session_id for place in shown]),
                next_place=shown[-1] if len(places) > limit else None,
                counts=repository.count_lists(connection),
            )

        return await self._database.read(read)

    async def get(self, session_id: str) -> Conversation:
        """
        Raises:
            SessionNotFound: there is no such session.
        """
        found = await self._database.read(lambda connection: repository.list_conversations(connection, [session_id]))
        if not found:
            raise SessionNotFound
        return found[0]

    async def open(self, session_id: SessionId, *, messages: int) -> Opened:
        """
        Raises:
            SessionNotFound: there is no such session.
        """

        def read(connection: sa.Connection) -> Opened:
            found = repository.list_conversations(connection, [session_id])
            if not found:
                raise SessionNotFound
            customer_id = found[0].session.customer_id
            earlier: list[SessionId] = []
            facts: list[Fact] = []
            if customer_id is not None:
                earlier = repository.list_earlier(connection, session_id=session_id, user_id=customer_id, limit=_MOST_EARLIER)
                facts = list_facts(connection, customer_id, limit=_MOST_FACTS)
            return Opened(
                conversation=found[0],
                page=read_newest(connection, session_id, limit=messages),
                notes=tickets.list_notes(connection, session_id),
                facts=facts,
                earlier=repository.list_conversations(connection, earlier) if earlier else [],
            )

        return await self._database.read(read)

    async def count(self) -> Counts:
        return await self._database.read(repository.count_lists)
