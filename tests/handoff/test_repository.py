"""Tickets on both databases."""

from collections.abc import AsyncIterator

import pytest

from deskhand.handoff import repository
from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.handoff.ticket import Ticket, TicketState
from deskhand.ids import SessionId, TurnId
from deskhand.persistence import Database, Transaction, metadata
from deskhand.sessions import SessionService, tables
from handoff.stored import list_tickets


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
        return repository.open_ticket(
            transaction,
            session_id=session_id,
            turn_id=TurnId(turn),
            reason=EscalationReason.ANGER,
            priority=Priority.HIGH,
            summary="Wants help",
            brief={"wants": "help"},
            created_at=created_at,
        )

    return await database.write(insert)


async def test_a_turn_that_is_finished_twice_has_one_ticket(database: Database, session_id: SessionId) -> None:
    first = await open_ticket(database, session_id, "turn_1")
    again = await open_ticket(database, session_id, "turn_1", created_at=2.0)
    assert again == first
    assert await database.read(lambda connection: list_tickets(connection, session_id)) == [first]


async def test_a_second_reason_joins_the_ticket_that_is_open(database: Database, session_id: SessionId) -> None:
    first = await open_ticket(database, session_id, "turn_1")
    joined = await open_ticket(database, session_id, "turn_2", created_at=2.0)
    assert (joined.id, joined.version) == (first.id, first.version + 1)
    assert await database.read(lambda connection: repository.find_open_ticket(connection, session_id)) == joined


async def test_after_its_end_a_new_ticket_is_the_next_episode(database: Database, session_id: SessionId) -> None:
    first = await open_ticket(database, session_id, "turn_1")
    ended = await database.write(lambda tx: repository.save_ticket(tx, first.ended(TicketState.RESOLVED, now=2.0)))
    assert await database.read(lambda connection: repository.find_open_ticket(connection, session_id)) is None
    second = await open_ticket(database, session_id, "turn_2", created_at=3.0)
    assert second.episode == 2
    assert await database.read(lambda connection: list_tickets(connection, session_id)) == [ended, second]


async def test_a_ticket_goes_with_its_session(database: Database, session_id: SessionId) -> None:
    await open_ticket(database, session_id, "turn_1")
    await database.write(lambda tx: tx.execute(tables.sessions.delete()))
    assert await database.read(lambda connection: repository.find_ticket_of_turn(connection, TurnId("turn_1"))) is None
