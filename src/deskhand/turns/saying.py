"""What somebody says becomes a line of the transcript, and the same thing sent again becomes none."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deskhand.ids import MessageId, TurnId
from deskhand.persistence import Transaction
from deskhand.sessions import AttachmentNotFound, Author, Message, MessageConflict, MessageStatus, Session, StoredEvent, repository


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """A message that is stored under the same client_message_id. `seq` is the number of its event."""

    id: MessageId
    turn_id: TurnId | None
    seq: int


def find_said_before(tx: Transaction, session: Session, client_message_id: str | None, *, body_hash: str) -> SaidBefore | None:
    """What was stored when this message came before; None for one that is new, or that has no id to know it by.

    Raises:
        MessageConflict: another message has this id.
    """
    if client_message_id is None:
        return None
    known = repository.find_message_by_client_id(tx.connection, session.id, client_message_id)
    if known is None:
        return None
    if known.body_hash != body_hash:
        raise MessageConflict
    return SaidBefore(MessageId(known.id), TurnId(known.turn_id) if known.turn_id else None, known.seq)


def describe_files(tx: Transaction, session: Session, attachment_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The files as a message names them. Raises AttachmentNotFound: not all of them are this session's."""
    files = repository.list_attachments(tx.connection, session.id, attachment_ids) if attachment_ids else []
    if len(files) != len(set(attachment_ids)):
        raise AttachmentNotFound
    return [
        {"attachment_id": file.id, "filename": file.filename, "content_type": file.content_type, "size_bytes": file.size_bytes}
        for file in files
    ]


def insert_message(  # noqa: PLR0913 - a row has that many columns
    tx: Transaction,
    event: StoredEvent,
    message_id: MessageId,
    *,
    role: Author,
    content: str,
    data: dict[str, Any],
    status: MessageStatus = MessageStatus.COMPLETE,
    client_message_id: str | None = None,
    body_hash: str | None = None,
) -> Message:
    """Store what `event` tells of as a line of the transcript."""
    message = Message(
        id=message_id,
        session_id=event.session_id,
        seq=event.seq,
        role=role,
        content=content,
        status=status,
        client_message_id=client_message_id,
        turn_id=event.turn_id,
        data=data,
        created_at=event.created_at,
    )
    repository.insert_message(tx, message, body_hash=body_hash)
    return message


def hash_body(content: str, attachment_ids: Sequence[str]) -> str:
    """What tells two messages apart that carry the same client_message_id."""
    return hashlib.sha256("\x00".join([content, *attachment_ids]).encode("utf-8", "surrogatepass")).hexdigest()
