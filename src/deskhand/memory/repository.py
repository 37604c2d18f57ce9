"""All SQL of facts."""

from typing import Any

import sqlalchemy as sa

from deskhand.ids import FactId, SessionId, UserId, new_fact_id
from deskhand.memory.fact import Fact
from deskhand.memory.tables import facts
from deskhand.persistence import Transaction, db_now

_COLUMNS = (facts.c.id, facts.c.user_id, facts.c.session_id, facts.c.text, facts.c.created_at)


def insert_fact(transaction: Transaction, *, user_id: UserId, session_id: SessionId | None, key: str, text: str) -> Fact:
    """Store a fact, or return the one that has this key or says the same already."""
    present = transaction.execute(
        sa.select(*_COLUMNS).where(facts.c.user_id == user_id, sa.or_(facts.c.key == key, facts.c.text == text)).limit(1)
    ).first()
    if present is not None:
        return _fact(present)
    fact = Fact(
        id=new_fact_id(),
        user_id=user_id,
        session_id=session_id,
        text=text,
        created_at=transaction.execute(sa.select(db_now())).scalar_one(),
    )
    transaction.execute(
        sa.insert(facts).values(id=fact.id, user_id=user_id, session_id=session_id, key=key, text=text, created_at=fact.created_at)
    )
    return fact


def list_facts(connection: sa.Connection, user_id: UserId, *, limit: int) -> list[Fact]:
    """The newest facts about one customer, newest first."""
    rows = connection.execute(
        sa.select(*_COLUMNS).where(facts.c.user_id == user_id).order_by(facts.c.created_at.desc(), facts.c.id).limit(limit)
    )
    return [_fact(row) for row in rows]


def delete_fact(transaction: Transaction, user_id: UserId, fact_id: FactId) -> int:
    return transaction.execute(sa.delete(facts).where(facts.c.user_id == user_id, facts.c.id == fact_id)).rowcount


def delete_facts(transaction: Transaction, user_id: UserId) -> int:
    return transaction.execute(sa.delete(facts).where(facts.c.user_id == user_id)).rowcount


def delete_oldest_facts(transaction: Transaction, user_id: UserId, *, keep: int) -> int:
    """Delete all but the newest `keep`."""
    oldest = (
        sa.select(facts.c.id).where(facts.c.user_id == user_id).order_by(facts.c.created_at.desc(), facts.c.id).limit(10_000).offset(keep)
    )
    gone = [row.id for row in transaction.execute(oldest)]
    if not gone:
        return 0
    return transaction.execute(sa.delete(facts).where(facts.c.user_id == user_id, facts.c.id.in_(gone))).rowcount


def _fact(row: Any) -> Fact:
    return Fact(
        id=FactId(row.id),
        user_id=UserId(row.user_id),
        session_id=SessionId(row.session_id) if row.session_id is not None else None,
        text=row.text,
        created_at=row.created_at,
    )
