"""Tickets on both databases."""

from collections.abc import AsyncIterator

import pytest

from deskhand.handoff import repository
from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.handoff.ticket import Ticket, TicketStatus
from deskhand.ids import SessionId, TurnId
from deskhand.persistence import Database, Transaction, metadata
from deskhand.sessions import SessionService, tables


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    await opened.write(lambda tx: metadata.create_all(tx.connection))
    yield opened
    await opened.close()


@pytest.fixture
async def session_id(database: Database) -> SessionId:
    return (await SessionService(database).open_session(user_id=None, metadata={})).session.id


async def open_ticket(database: Database, session_id: SessionId, turn: str, *, created_at: float = 1.0) -> Ticket:
    def insert(transaction: Transaction) -> Ticket:
        return repository.insert_ticket(
            transaction,
            session_id=session_id,
            turn_id=TurnId(turn),
            reason=EscalationReason.ANGER,
            priority=Priority.HIGH,
            summary="Wants help",
            created_at=created_at,
        )

    return await database.write(insert)


async def test_a_turn_that_is_finished_twice_has_one_ticket(database: Database, session_id: SessionId) -> None:
    first = await open_ticket(database, session_id, "turn_1")
    again = await open_ticket(database, session_id, "turn_1", created_at=2.0)
    assert again == first
    assert await database.read(lambda connection: repository.list_tickets(connection, session_id)) == [first]


async def test_tickets_are_listed_oldest_first_and_can_be_closed(database: Database, session_id: SessionId) -> None:
    later = await open_ticket(database, session_id, "turn_2", created_at=2.0)
    earlier = await open_ticket(database, session_id, "turn_1", created_at=1.0)
    listed = await database.read(lambda connection: repository.list_tickets(connection, session_id))
    assert listed == [earlier, later]
    assert await database.write(lambda tx: repository.close_tickets(tx, session_id)) == 2
    assert await database.write(lambda tx: repository.close_tickets(tx, session_id)) == 0
    closed = await database.read(lambda connection: repository.find_ticket_of_turn(connection, TurnId("turn_1")))
    assert closed is not None
    assert closed.status is TicketStatus.CLOSED


async def test_a_ticket_goes_with_its_session(database: Database, session_id: SessionId) -> None:
    await open_ticket(database, session_id, "turn_1")
    await database.write(lambda tx: tx.execute(tables.sessions.delete()))
    assert await database.read(lambda connection: repository.find_ticket_of_turn(connection, TurnId("turn_1"))) is None
