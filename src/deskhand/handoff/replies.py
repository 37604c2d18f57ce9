"""Replies that people at the desk prepare once and send often. The invariant: a shortcut leads to one reply."""

from dataclasses import dataclass

from deskhand.errors import Conflict, NotFound
from deskhand.handoff import repository
from deskhand.ids import ReplyId, new_reply_id
from deskhand.persistence import Alongside, Database, Transaction, nothing_else, serialise

_LOCK = 0x5265706C69657320


class ReplyNotFound(NotFound):
    """There is no such reply."""

    code = "reply_not_found"
    support = "'GET /desk/replies' lists them all."


class ShortcutTaken(Conflict):
    """Another reply has this shortcut."""

    code = "shortcut_taken"
    support = "Take another shortcut, or change that reply."


@dataclass(frozen=True, slots=True)
class Reply:
    id: ReplyId
    shortcut: str
    title: str
    text: str


class Replies:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> list[Reply]:
        """All of them, by shortcut."""
        rows = await self._database.read(repository.list_replies)
        return [Reply(ReplyId(row.id), row.shortcut, row.title, row.text) for row in rows]

    async def add(self, *, shortcut: str, title: str, text: str, along: Alongside = nothing_else) -> Reply:
        """Raises ShortcutTaken."""
        reply = Reply(new_reply_id(), shortcut, title, text)

        def store(tx: Transaction) -> Reply:
            _check_shortcut(tx, reply)
            repository.insert_reply(tx, id=reply.id, shortcut=shortcut, title=title, text=text)
            along(tx)
            return reply

        return await self._database.write(store)

    async def replace(self, reply: Reply, *, along: Alongside = nothing_else) -> Reply:
        """Raises ReplyNotFound, ShortcutTaken."""

        def store(tx: Transaction) -> Reply:
            _check_shortcut(tx, reply)
            if not repository.update_reply(tx, reply.id, shortcut=reply.shortcut, title=reply.title, text=reply.text):
                raise ReplyNotFound
            along(tx)
            return reply

        return await self._database.write(store)

    async def delete(self, reply_id: str, *, along: Alongside = nothing_else) -> None:
        """Raises ReplyNotFound."""

        def delete(tx: Transaction) -> None:
            if not repository.delete_reply(tx, reply_id):
                raise ReplyNotFound
            along(tx)

        await self._database.write(delete)


def _check_shortcut(tx: Transaction, reply: Reply) -> None:
    # Somebody else may be about to take the same one.
    serialise(tx, _LOCK)
    known = repository.find_reply_by_shortcut(tx.connection, reply.shortcut)
    if known is not None and known.id != reply.id:
        raise ShortcutTaken
