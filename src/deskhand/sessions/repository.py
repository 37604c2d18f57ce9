"""All SQL of sessions, messages and files. Turns and events are in `turn_repository` and `log`."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deskhand.ids import AttachmentId, MessageId, SessionId, ThreadId, TurnId, UserId
from deskhand.persistence import Prepared, Transaction, db_now, insert_into, listed
from deskhand.sessions.model import Attachment, Author, Message, MessageStatus, Session, SessionStatus
from deskhand.sessions.tables import attachments, messages, sessions

SESSION_COLUMNS = (
    sessions.c.id,
    sessions.c.thread_id,
    sessions.c.user_id,
    sessions.c.user_is_verified,
    sessions.c.status,
    sessions.c.metadata,
    sessions.c.last_seq,
    sessions.c.fence,
    sessions.c.created_at,
    sessions.c.updated_at,
    sessions.c.last_activity,
)
_MESSAGE_COLUMNS = (
    messages.c.id,
    messages.c.session_id,
    messages.c.seq,
    messages.c.role,
    messages.c.content,
    messages.c.status,
    messages.c.client_message_id,
    messages.c.turn_id,
    messages.c.data,
    messages.c.created_at,
)
_ATTACHMENT_COLUMNS = (
    attachments.c.id,
    attachments.c.session_id,
    attachments.c.filename,
    attachments.c.content_type,
    attachments.c.size_bytes,
    attachments.c.text,
)

_SESSIONS_BY_TOKEN = Prepared(sa.select(sessions.c.token_hash, sessions.c.id).where(listed(sessions.c.token_hash, "token_hashes")))
_SESSION_BY_ID = Prepared(sa.select(*SESSION_COLUMNS).where(sessions.c.id == sa.bindparam("session_id")))
_MESSAGE_BY_CLIENT_ID = Prepared(
    sa.select(messages.c.id, messages.c.turn_id, messages.c.seq, messages.c.body_hash).where(
        messages.c.session_id == sa.bindparam("session_id"), messages.c.client_message_id == sa.bindparam("client_message_id")
    )
)
_MESSAGES_OF_TURN = Prepared(
    sa.select(*_MESSAGE_COLUMNS)
    .where(messages.c.turn_id == sa.bindparam("turn_id"), messages.c.role == Author.CUSTOMER)
    .order_by(messages.c.seq)
)

_RECENT_MESSAGES = Prepared(
    sa.select(*_MESSAGE_COLUMNS)
    .where(messages.c.session_id == sa.bindparam("session_id"), messages.c.seq > sa.bindparam("after_seq"))
    .order_by(messages.c.seq.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_LAST_BEFORE_TURN = Prepared(
    sa.select(messages.c.seq)
    .where(
        messages.c.session_id == sa.bindparam("session_id"),
        sa.or_(messages.c.turn_id.is_(None), messages.c.turn_id != sa.bindparam("turn_id")),
    )
    .order_by(messages.c.seq.desc())
    .limit(1)
)
_INSERT_MESSAGE = insert_into(
    messages,
    "id",
    "session_id",
    "seq",
    "role",
    "content",
    "status",
    "client_message_id",
    "body_hash",
    "turn_id",
    "data",
    "created_at",
)


def to_session(row: Any) -> Session:
    return Session(
        id=SessionId(row.id),
        thread_id=ThreadId(row.thread_id),
        user_id=UserId(row.user_id) if row.user_id is not None else None,
        # SQLite keeps 0 and 1.
        user_is_verified=bool(row.user_is_verified),
        status=SessionStatus(row.status),
        metadata=row.metadata,
        last_seq=row.last_seq,
        fence=row.fence,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_activity=row.last_activity,
    )


def _to_message(row: Any) -> Message:
    return Message(
        id=MessageId(row.id),
        session_id=SessionId(row.session_id),
        seq=row.seq,
        role=Author(row.role),
        content=row.content,
        status=MessageStatus(row.status),
        client_message_id=row.client_message_id,
        turn_id=TurnId(row.turn_id) if row.turn_id is not None else None,
        data=row.data,
        created_at=row.created_at,
    )


def _to_attachment(row: Any) -> Attachment:
    return Attachment(
        id=AttachmentId(row.id),
        session_id=SessionId(row.session_id),
        filename=row.filename,
        content_type=row.content_type,
        size_bytes=row.size_bytes,
        text=row.text,
    )


def insert_session(
    tx: Transaction,
    *,
    session_id: SessionId,
    thread_id: ThreadId,
    user_id: str | None,
    user_is_verified: bool,
    token_hash: str,
    metadata: dict[str, Any],
) -> Session:
    now = tx.execute(sa.select(db_now())).scalar_one()
    tx.execute(
        sa.insert(sessions),
        {
            "id": session_id,
            "thread_id": thread_id,
            "user_id": user_id,
            "user_is_verified": user_is_verified,
            "status": SessionStatus.ACTIVE,
            "token_hash": token_hash,
            "metadata": metadata,
            "last_seq": 0,
            "fence": 0,
            "created_at": now,
            "updated_at": now,
            "last_activity": now,
        },
    )
    return Session(
        id=session_id,
        thread_id=thread_id,
        user_id=UserId(user_id) if user_id is not None else None,
        user_is_verified=user_is_verified,
        status=SessionStatus.ACTIVE,
        metadata=metadata,
        last_seq=0,
        fence=0,
        created_at=now,
        updated_at=now,
        last_activity=now,
    )


def find_session(connection: sa.Connection, session_id: str) -> Session | None:
    row = _SESSION_BY_ID.one_or_none(connection, {"session_id": session_id})
    return to_session(row) if row is not None else None


def list_owners(connection: sa.Connection, keys: Sequence[str]) -> dict[str, SessionId]:
    """The session of each of these tokens, both by the token's hash. A token that no session has is missing from the answer."""
    rows = _SESSIONS_BY_TOKEN.all(connection, {"token_hashes": list(keys)})
    return {row.token_hash: SessionId(row.id) for row in rows}


def list_sessions(
    connection: sa.Connection, *, user_id: str | None, status: SessionStatus | None, limit: int, offset: int
) -> tuple[list[Session], int]:
    """A page of sessions, newest first, and how many there are in all."""
    wanted: sa.ColumnElement[bool] = sa.true()
    if user_id is not None:
        wanted = sa.and_(wanted, sessions.c.user_id == user_id)
    if status is not None:
        wanted = sa.and_(wanted, sessions.c.status == status)
    total = connection.execute(sa.select(sa.func.count()).select_from(sessions).where(wanted)).scalar_one()
    rows = connection.execute(
        sa.select(*SESSION_COLUMNS).where(wanted).order_by(sessions.c.created_at.desc(), sessions.c.id).limit(limit).offset(offset)
    )
    return [to_session(row) for row in rows], total


def delete_session(tx: Transaction, session_id: SessionId) -> bool:
    return tx.execute(sa.delete(sessions).where(sessions.c.id == session_id)).rowcount == 1


def list_idle_sessions(connection: sa.Connection, *, idle_seconds: float, limit: int) -> tuple[list[SessionId], float]:
    """Sessions nobody works on that have been idle for longer, and the moment (epoch seconds) that divides."""
    cutoff = connection.execute(sa.select(db_now())).scalar_one() - idle_seconds
    rows = connection.execute(
        sa.select(sessions.c.id)
        .where(sessions.c.last_activity < cutoff, sessions.c.status != SessionStatus.ACTIVE)
        .order_by(sessions.c.last_activity)
        .limit(limit)
    )
    return [SessionId(row.id) for row in rows], cutoff


def insert_message(tx: Transaction, message: Message, *, body_hash: str | None) -> None:
    _INSERT_MESSAGE.run(
        tx.connection,
        {
            "id": message.id,
            "session_id": message.session_id,
            "seq": message.seq,
            "role": message.role,
            "content": message.content,
            "status": message.status,
            "client_message_id": message.client_message_id,
            "body_hash": body_hash,
            "turn_id": message.turn_id,
            "data": message.data,
            "created_at": message.created_at,
        },
    )


def find_message_by_client_id(connection: sa.Connection, session_id: SessionId, client_message_id: str) -> Any:
    """The row (id, turn_id, seq, body_hash), or None."""
    return _MESSAGE_BY_CLIENT_ID.one_or_none(connection, {"session_id": session_id, "client_message_id": client_message_id})


def list_messages(connection: sa.Connection, session_id: SessionId, *, limit: int, offset: int) -> list[Message]:
    """A page of the transcript, oldest first."""
    query = sa.select(*_MESSAGE_COLUMNS).where(messages.c.session_id == session_id)
    return [_to_message(row) for row in connection.execute(query.order_by(messages.c.seq).limit(limit).offset(offset))]


def list_messages_before(connection: sa.Connection, session_id: SessionId, *, before_seq: int, limit: int) -> list[Message]:
    """The newest `limit` messages before a number, oldest first."""
    query = sa.select(*_MESSAGE_COLUMNS).where(messages.c.session_id == session_id, messages.c.seq < before_seq)
    return [_to_message(row) for row in reversed(connection.execute(query.order_by(messages.c.seq.desc()).limit(limit)).all())]


def count_messages(connection: sa.Connection, session_id: SessionId) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(messages).where(messages.c.session_id == session_id)).scalar_one()


def list_recent_messages(connection: sa.Connection, session_id: SessionId, *, limit: int, after_seq: int = 0) -> list[Message]:
    """The newest `limit` messages after `after_seq`, oldest first. Reads no more rows than it returns."""
    rows = _RECENT_MESSAGES.all(connection, {"session_id": session_id, "after_seq": after_seq, "limit": limit})
    return [_to_message(row) for row in reversed(rows)]


def find_last_seq_outside_turn(connection: sa.Connection, session_id: SessionId, turn_id: TurnId) -> int:
    """The number of the newest message that does not belong to the turn; 0 when there is none."""
    row = _LAST_BEFORE_TURN.one_or_none(connection, {"session_id": session_id, "turn_id": turn_id})
    return row.seq if row is not None else 0


def list_messages_of_turn(connection: sa.Connection, turn_id: TurnId) -> list[Message]:
    """What the customer said in this turn, in order."""
    return [_to_message(row) for row in _MESSAGES_OF_TURN.all(connection, {"turn_id": turn_id})]


def insert_attachment(tx: Transaction, attachment: Attachment, *, sha256: str, data: bytes) -> None:
    tx.execute(
        sa.insert(attachments),
        {
            "id": attachment.id,
            "session_id": attachment.session_id,
            "filename": attachment.filename,
            "content_type": attachment.content_type,
            "size_bytes": attachment.size_bytes,
            "sha256": sha256,
            "text": attachment.text,
            "data": data,
            "created_at": tx.execute(sa.select(db_now())).scalar_one(),
        },
    )


def find_same_attachment(connection: sa.Connection, attachment: Attachment, *, sha256: str) -> Attachment | None:
    """The same file, sent to the same session before."""
    row = connection.execute(
        sa.select(*_ATTACHMENT_COLUMNS).where(
            attachments.c.session_id == attachment.session_id,
            attachments.c.sha256 == sha256,
            attachments.c.filename == attachment.filename,
            attachments.c.content_type == attachment.content_type,
        )
    ).first()
    return _to_attachment(row) if row is not None else None


def find_attachment(connection: sa.Connection, session_id: SessionId, attachment_id: str) -> Attachment | None:
    row = connection.execute(
        sa.select(*_ATTACHMENT_COLUMNS).where(attachments.c.session_id == session_id, attachments.c.id == attachment_id)
    ).one_or_none()
    return _to_attachment(row) if row is not None else None


def find_file(connection: sa.Connection, session_id: SessionId, attachment_id: str) -> tuple[str, bytes] | None:
    """The name and the bytes of a file of the session."""
    row = connection.execute(
        sa.select(attachments.c.filename, attachments.c.data).where(
            attachments.c.session_id == session_id, attachments.c.id == attachment_id
        )
    ).one_or_none()
    return (row.filename, row.data) if row is not None else None


def list_attachments(connection: sa.Connection, session_id: SessionId, attachment_ids: Sequence[str]) -> list[Attachment]:
    """Those of the named files that belong to the session, in the order named."""
    rows = connection.execute(
        sa.select(*_ATTACHMENT_COLUMNS).where(attachments.c.session_id == session_id, attachments.c.id.in_(list(attachment_ids)))
    )
    found = {row.id: _to_attachment(row) for row in rows}
    return [found[attachment_id] for attachment_id in attachment_ids if attachment_id in found]
