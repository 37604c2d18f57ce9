"""A desk that is full: open conversations by the thousand, written into SQLite beside the server that made it.

The invariant: every row is as the server writes it, so that what reads them cannot tell; the words to search for are not taken down.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.handoff.tables import tickets
from deskhand.handoff.ticket import TicketState
from deskhand.insights.answer_counts import AnswerCounts
from deskhand.insights.tables import said_until
from deskhand.persistence import Database, Transaction
from deskhand.sessions import SessionStatus
from deskhand.sessions.tables import messages, sessions

_AT_ONCE = 50
_SAID = (
    "The parcel says delivered since Tuesday, but nothing is here, and the neighbours have not seen it either.",
    "I changed the address before it was sent. Can you see that, and will it go back to you or come to me?",
    "It is order 48213, the green tent. I need it on Friday, because we leave on Saturday morning.",
)
_ANSWERED = (
    "A parcel that is marked as delivered is usually found within **two working days** [1]:\n\n1. Look for a card of the carrier.\n"
    "2. Ask at the collection point that stands on it.\n3. If there is neither, write to us, and we open an inquiry.",
    "Addresses can be changed until the parcel leaves our warehouse [1]. After that only the carrier can redirect it.",
)
_SOURCE = {
    "content": "A parcel that is marked as delivered is usually found within two working days.",
    "metadata": {"title": "Orders and shipping", "section": "Where is my parcel?"},
    "relevance_score": 0.82,
    "rank": 1,
}


def fill(database: Path, *, conversations: int, messages_each: int) -> str:
    """Write them, the newest activity last; returns the id of that session."""
    return asyncio.run(_fill(database, conversations, messages_each))


async def _fill(path: Path, conversations: int, messages_each: int) -> str:
    database = await Database.open(f"sqlite:///{path}")
    began = time.time() - conversations
    names = [f"sess_{secrets.token_hex(6)}" for _ in range(conversations)]
    try:
        for first in range(0, conversations, _AT_ONCE):
            part = [(name, number, began + number) for number, name in enumerate(names[first : first + _AT_ONCE], start=first)]
            await database.write(lambda tx, part=part: _write(tx, part, messages_each), durable=False)
        await AnswerCounts(database).catch_up(since=0.0)
    finally:
        await database.close()
    return names[-1]


def _write(tx: Transaction, part: list[tuple[str, int, float]], messages_each: int) -> None:
    tx.execute(sa.insert(sessions), [_session(name, number, at, messages_each) for name, number, at in part])
    tx.execute(sa.insert(messages), [row for name, _number, at in part for row in _messages(name, at, messages_each)])
    tx.execute(sa.insert(tickets), [_ticket(name, number, at) for name, number, at in part])
    tx.execute(sa.insert(said_until), [{"session_id": name, "seq": messages_each} for name, _number, _at in part])


def _session(name: str, number: int, at: float, messages_each: int) -> dict[str, Any]:
    return {
        "id": name,
        "thread_id": f"thread_{name}",
        "user_is_verified": False,
        "status": SessionStatus.ESCALATED,
        "token_hash": secrets.token_hex(32),
        "metadata": {"name": f"Customer {number:05d}"},
        "last_seq": messages_each,
        "fence": 0,
        "created_at": at - 3_600,
        "updated_at": at,
        "last_activity": at,
    }


def _messages(name: str, at: float, how_many: int) -> Iterator[dict[str, Any]]:
    for seq in range(1, how_many + 1):
        is_answer = seq % 2 == 0
        yield {
            "id": f"msg_{secrets.token_hex(8)}",
            "session_id": name,
            "seq": seq,
            "role": "assistant" if is_answer else "customer",
            "content": _ANSWERED[seq // 2 % 2] if is_answer else _SAID[seq % 3],
            "status": "complete",
            "data": {"sources": [_SOURCE], "confidence": 0.82, "tools_used": ["search_knowledge"]} if is_answer else {},
            "created_at": at - (how_many - seq) * 10,
        }


def _ticket(name: str, number: int, at: float) -> dict[str, Any]:
    return {
        "id": f"ticket_{secrets.token_hex(8)}",
        "session_id": name,
        "reason": EscalationReason.ASKED_FOR_PERSON,
        "priority": Priority.HIGH if number % 7 == 0 else Priority.NORMAL,
        "summary": "",
        "status": TicketState.WAITING,
        "created_at": at,
        "episode": 1,
        "version": 1,
        "brief": {"wants": f"Where is parcel {number}?", "tried": [], "sources": [], "open_actions": []},
        "tags": [],
        "unread": 1,
    }
