"""An anonymous session becomes that of a signed customer.

The invariants: a token of the company's site counts once; a session never changes from one signed customer to another; and the session's
own token is a new one afterwards, so that whoever had it before has nothing. Nothing of the customer's other sessions is brought into it.
"""

import hashlib
from typing import Any

import sqlalchemy as sa

from deskhand.ids import SessionId
from deskhand.persistence import Database, Transaction
from deskhand.sessions.errors import OtherCustomer, SessionNotFound, UserTokenRefused
from deskhand.sessions.log import open_log
from deskhand.sessions.model import Session
from deskhand.sessions.repository import find_session
from deskhand.sessions.tables import sessions, used_tokens
from deskhand.sessions.user_tokens import UserClaims
from deskhand.tokens import hash_token, new_visitor_token


async def identify_session(database: Database, session_id: SessionId, claims: UserClaims) -> tuple[Session, str]:
    """The session as that of the customer, and its new token.

    Raises:
        SessionNotFound: no such session.
        UserTokenRefused: the customer's token was used before.
        OtherCustomer: the session belongs to another signed customer.
    """
    token = new_visitor_token()

    def change(tx: Transaction) -> Session:
        with open_log(tx, session_id) as log:
            if log.session.user_is_verified and log.session.user_id != claims.user_id:
                raise OtherCustomer
            _use(tx, claims, now=log.now)
            tx.execute(
                sa.update(sessions)
                .where(sessions.c.id == session_id)
                .values(
                    user_id=claims.user_id,
                    user_is_verified=True,
                    token_hash=hash_token(token),
                    metadata={**log.session.metadata, **_known(claims)},
                    updated_at=log.now,
                )
            )
        session = find_session(tx.connection, session_id)
        if session is None:
            raise SessionNotFound
        return session

    return await database.write(change), token


def _use(tx: Transaction, claims: UserClaims, *, now: float) -> None:
    """Two transactions that use the same token meet at the primary key: the second one waits for the first, and finds the row."""
    tx.execute(sa.delete(used_tokens).where(used_tokens.c.expires_at < now))
    digest = hashlib.sha256(claims.token_id.encode()).hexdigest()
    row = {"hash": digest, "expires_at": claims.expires_at}
    try:
        tx.execute(sa.insert(used_tokens), row)
    except sa.exc.IntegrityError as error:
        raise UserTokenRefused("The token was used before.", support="Sign a new token, with a 'jti' of its own.") from error


def _known(claims: UserClaims) -> dict[str, Any]:
    named = {"customer_name": claims.name, "customer_email": claims.email}
    return {name: value for name, value in named.items() if value is not None}
