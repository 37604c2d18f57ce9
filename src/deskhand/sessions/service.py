"""Sessions as their owners and the staff see them. What happens inside a session is written by `turns` alone."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from deskhand.clock import Clock, SystemClock
from deskhand.errors import Unauthenticated
from deskhand.ids import SessionId, new_attachment_id, new_session_id, new_thread_id
from deskhand.persistence import Database, GatheredRead, Transaction
from deskhand.sessions import repository
from deskhand.sessions.access import Anonymous, Principal, Visitor
from deskhand.sessions.errors import AttachmentNotFound, SessionNotFound
from deskhand.sessions.identification import identify_session
from deskhand.sessions.log import open_log
from deskhand.sessions.model import Attachment, Message, Session, SessionStatus
from deskhand.sessions.transcript import TranscriptPage, read_from, read_newest
from deskhand.sessions.user_tokens import UserClaims
from deskhand.tokens import hash_token, new_visitor_token

_MOST_REMEMBERED = 10_000
# Another process may have given the session a new token meanwhile.
_REMEMBERED_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session and its visitor's token, which is shown this once."""

    session: Session
    token: str


class SessionService:
    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._sessions_of_tokens = GatheredRead(database, repository.list_owners)
        # By the token's hash: its session, and when that was read.
        self._owners: OrderedDict[str, tuple[SessionId, float]] = OrderedDict()

    async def open_session(self, *, user_id: str | None, metadata: dict[str, Any], user_is_verified: bool = False) -> OpenedSession:
        """Open a session. `user_is_verified`: the caller is staff and answers for `user_id`; else it is a claim that unlocks nothing."""
        token = new_visitor_token()
        session = await self._database.write(
            lambda tx: repository.insert_session(
                tx,
                session_id=new_session_id(),
                thread_id=new_thread_id(),
                user_id=user_id,
                user_is_verified=user_is_verified,
                token_hash=hash_token(token),
                metadata=metadata,
            )
        )
        return OpenedSession(session=session, token=token)

    async def authenticate(self, token: str) -> Visitor | None:
        """Whose token this is; `None` when no session has it (any more)."""
        token_hash = hash_token(token)
        session_id = await self._sessions_of_tokens.ask(token_hash)
        if session_id is None:
            self._owners.pop(token_hash, None)
            return None
        self._owners[token_hash] = (session_id, self._clock.monotonic())
        if len(self._owners) > _MOST_REMEMBERED:
            self._owners.popitem(last=False)
        return Visitor(session_id)

    async def recognise(self, token: str) -> Visitor | None:
        """As `authenticate`, but a token that was seen in the last half minute is not looked up again: its session may be gone meanwhile.

        For those alone who go on to a transaction that locks the session's row, and find it out there. A token never changes its session.
        """
        session_id, seen_at = self._owners.get(hash_token(token), (None, 0.0))
        if session_id is None or self._clock.monotonic() - seen_at > _REMEMBERED_SECONDS:
            return await self.authenticate(token)
        return Visitor(session_id)

    async def identify(self, session_id: SessionId, claims: UserClaims) -> OpenedSession:
        """Make the session that of a signed customer; its old token is void, in other processes within half a minute.

        Raises:
            SessionNotFound: no such session.
            UserTokenRefused: the customer's token was used before.
            OtherCustomer: the session belongs to another signed customer.
        """
        session, token = await identify_session(self._database, session_id, claims)
        for token_hash in [known for known, (owned, _) in self._owners.items() if owned == session_id]:
            del self._owners[token_hash]
        return OpenedSession(session=session, token=token)

    async def access_session(self, session_id: str, principal: Principal) -> Session:
        """The session, if `principal` may see it.

        Raises:
            Unauthenticated: no token was shown.
            SessionNotFound: no such session, or it is another's.
        """
        if isinstance(principal, Anonymous):
            raise Unauthenticated
        if isinstance(principal, Visitor) and principal.session_id != session_id:
            raise SessionNotFound
        session = await self.find_session(session_id)
        if session is None:
            raise SessionNotFound
        return session

    async def find_session(self, session_id: str) -> Session | None:
        return await self._database.read(lambda connection: repository.find_session(connection, session_id))

    async def list_sessions(
        self, *, user_id: str | None = None, status: SessionStatus | None = None, limit: int = 20, offset: int = 0
    ) -> tuple[list[Session], int]:
        """A page of sessions, newest first, and how many there are in all."""
        return await self._database.read(
            lambda connection: repository.list_sessions(connection, user_id=user_id, status=status, limit=limit, offset=offset)
        )

    async def read_transcript(self, session_id: SessionId, *, limit: int, offset: int = 0, before: int | None = None) -> TranscriptPage:
        """At most `limit` messages: the newest before the event of the number `before`, else those from `offset` on."""
        if before is not None:
            return await self._database.read(lambda connection: read_newest(connection, session_id, limit=limit, before_seq=before))
        return await self._database.read(lambda connection: read_from(connection, session_id, limit=limit, offset=offset))

    async def list_recent_messages(self, session_id: SessionId, *, limit: int, after_seq: int = 0) -> list[Message]:
        """The newest `limit` messages after `after_seq`, oldest first."""
        return await self._database.read(
            lambda connection: repository.list_recent_messages(connection, session_id, limit=limit, after_seq=after_seq)
        )

    async def add_attachment(self, session_id: SessionId, *, filename: str, content_type: str, data: bytes, text: str) -> Attachment:
        """Keep a file of the session; `text` is what can be read in it. The same file sent again is the same attachment, so that a message
        that is sent again with its files stays one message.

        Raises:
            SessionNotFound: no such session (any more).
        """
        attachment = Attachment(
            id=new_attachment_id(), session_id=session_id, filename=filename, content_type=content_type, size_bytes=len(data), text=text
        )
        digest = hashlib.sha256(data).hexdigest()

        def store(tx: Transaction) -> Attachment:
            with open_log(tx, session_id):
                known = repository.find_same_attachment(tx.connection, attachment, sha256=digest)
                if known is None:
                    repository.insert_attachment(tx, attachment, sha256=digest, data=data)
            return known or attachment

        return await self._database.write(store)

    async def get_attachment(self, session_id: SessionId, attachment_id: str) -> Attachment:
        """Raises AttachmentNotFound: no such file in this session."""
        found = await self._database.read(lambda connection: repository.find_attachment(connection, session_id, attachment_id))
        if found is None:
            raise AttachmentNotFound
        return found

    async def read_file(self, session_id: SessionId, attachment_id: str) -> tuple[str, bytes]:
        """The name and the bytes of a file of the session. Raises AttachmentNotFound."""
        found = await self._database.read(lambda connection: repository.find_file(connection, session_id, attachment_id))
        if found is None:
            raise AttachmentNotFound
        return found
