"""A conversation as its readers page through it: messages, and between them what became of it.

The invariant: whichever way a transcript is paged through, each message and each notice stands on one page.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from deskhand.ids import SessionId
from deskhand.sessions import repository
from deskhand.sessions.log import list_events_of
from deskhand.sessions.model import Message, StoredEvent

# What became of a conversation: people were asked for, came and went; who answers.
_NOTICES = ("escalation", "handoff", "mode")
_MOST_NOTICES = 500


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """`messages` and `notices` (of which there are at most 500), oldest first; `total`: messages in the conversation; `has_more`: there are
    older ones than these."""

    messages: list[Message]
    notices: list[StoredEvent]
    total: int
    has_more: bool


def read_newest(connection: sa.Connection, session_id: SessionId, *, limit: int, before_seq: int | None = None) -> TranscriptPage:
    """The newest `limit` messages, of those before an event where `before_seq` says so."""
    if before_seq is None:
        found = repository.list_recent_messages(connection, session_id, limit=limit + 1)
    else:
        found = repository.list_messages_before(connection, session_id, before_seq=before_seq, limit=limit + 1)
    return _page(connection, session_id, found[-limit:], has_more=len(found) > limit, before_seq=before_seq)


def read_from(connection: sa.Connection, session_id: SessionId, *, limit: int, offset: int) -> TranscriptPage:
    """At most `limit` messages, counted from the beginning."""
    found = repository.list_messages(connection, session_id, limit=limit + 1, offset=offset)
    next_seq = found[limit].seq if len(found) > limit else None
    return _page(connection, session_id, found[:limit], has_more=offset > 0, before_seq=next_seq)


def _page(
    connection: sa.Connection, session_id: SessionId, messages: list[Message], *, has_more: bool, before_seq: int | None
) -> TranscriptPage:
    notices: list[StoredEvent] = []
    if messages or not has_more:
        # What stands before the first message of this page belongs to the page before.
        first = messages[0].seq if has_more else 0
        notices = list_events_of(connection, session_id, types=_NOTICES, from_seq=first, before_seq=before_seq, limit=_MOST_NOTICES)
    return TranscriptPage(messages, notices, repository.count_messages(connection, session_id), has_more)
