"""What customers think: a rating of the conversation, and a thumb for each answer. The customer may change both.

The invariant: one rating for each session, one thumb for each answer of it; they are no part of what was said, and are gone with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from deskhand.errors import NotFound
from deskhand.ids import SessionId
from deskhand.insights.tables import feedback, ratings
from deskhand.persistence import Database, Transaction, db_now
from deskhand.sessions import Author
from deskhand.sessions.log import open_log
from deskhand.sessions.tables import messages

Thumb = Literal["up", "down"]


class AnswerNotFound(NotFound):
    """There is no such answer in this session."""

    code = "answer_not_found"
    support = "Take the 'message_id' of an answer from the transcript of this session."


@dataclass(frozen=True, slots=True)
class Rating:
    """`score` is from 1 to 5."""

    score: int
    comment: str


@dataclass(frozen=True, slots=True)
class Feedback:
    value: Thumb
    comment: str


@dataclass(frozen=True, slots=True)
class Told:
    """All that the customer of one session told us; `thumbs` by the id of the answer."""

    score: int | None
    thumbs: Mapping[str, Thumb]


class Opinions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def rate(self, session_id: SessionId, rating: Rating) -> None:
        """Keep the rating in place of an earlier one. Raises SessionNotFound."""

        def store(tx: Transaction) -> None:
            with open_log(tx, session_id) as log:
                tx.execute(sa.delete(ratings).where(ratings.c.session_id == session_id))
                tx.execute(sa.insert(ratings).values(session_id=session_id, score=rating.score, comment=rating.comment, created_at=log.now))

        await self._database.write(store)

    async def judge(self, session_id: SessionId, message_id: str, given: Feedback | None) -> None:
        """Keep what the customer thinks of an answer in place of what they thought before; None takes it back.

        Raises:
            AnswerNotFound: this is no answer of the session.
        """

        def store(tx: Transaction) -> None:
            answer = sa.select(messages.c.role).where(messages.c.id == message_id, messages.c.session_id == session_id)
            # Two clicks at once are one after the other.
            role = tx.execute(answer.with_for_update(key_share=True)).scalar_one_or_none()
            if role not in (Author.ASSISTANT, Author.OPERATOR):
                raise AnswerNotFound
            tx.execute(sa.delete(feedback).where(feedback.c.message_id == message_id))
            if given is not None:
                values = {"message_id": message_id, "session_id": session_id, "value": given.value, "comment": given.comment}
                tx.execute(sa.insert(feedback).values(**values, created_at=db_now()))

        await self._database.write(store)

    async def list_of_session(self, session_id: SessionId) -> Told:
        def read(connection: sa.Connection) -> Told:
            rated = connection.execute(sa.select(ratings.c.score).where(ratings.c.session_id == session_id)).scalar_one_or_none()
            judged = connection.execute(sa.select(feedback.c.message_id, feedback.c.value).where(feedback.c.session_id == session_id))
            return Told(score=rated, thumbs={row.message_id: row.value for row in judged})

        return await self._database.read(read)
