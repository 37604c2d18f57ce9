"""Who is at the desk, and what happens there by itself: what was put aside comes back, deadlines pass, and what waits is given to whoever
is free.

The invariant: any number of processes may do this at once; each conversation is locked while it is decided upon, and whoever comes late
finds it changed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
import structlog

from deskhand.api.assembled import Services
from deskhand.errors import Conflict, NotFound
from deskhand.handoff import repository as tickets
from deskhand.handoff.assignment import Colleague, choose
from deskhand.handoff.deadlines import Deadline, Deadlines
from deskhand.handoff.ticket import Ticket
from deskhand.ids import SessionId, StaffId, TurnId
from deskhand.insights import NoticeKind
from deskhand.persistence import Transaction, db_now
from deskhand.staff import Presence
from deskhand.staff.repository import lock_capacity
from deskhand.turns.desk import Desk, Operator

log = structlog.get_logger(__name__)

_GROUP = "desk"
_OFFLINE = "offline"
# How long somebody whose console has gone is still taken to be there, and how often a console says that it is there.
_PRESENT_SECONDS = 20.0
RENEW_SECONDS = 8.0
_ROUND_SECONDS = 1.0
_AT_ONCE = 50


class NobodyFree(Conflict):
    """Nobody who could take this conversation is there."""

    code = "nobody_free"
    support = "Release it instead: it then waits for whoever comes."


@dataclass(frozen=True, slots=True)
class Seat:
    """A colleague as the others see them."""

    colleague: Colleague
    presence: str

    @property
    def is_present(self) -> bool:
        """Whether a console of theirs is open, also while they take nothing new."""
        return self.presence != _OFFLINE


def deadlines_of(services: Services) -> Deadlines:
    settings = services.settings
    return Deadlines(answer_seconds=settings.desk_answer_minutes * 60, resolve_seconds=settings.desk_resolve_minutes * 60)


async def appear(staff_id: StaffId, services: Services) -> None:
    """Say that this person's console is open."""
    await services.presence.appear(_GROUP, staff_id, ttl_seconds=_PRESENT_SECONDS)


async def list_team(services: Services) -> list[Seat]:
    """Everybody who may work at the desk, by name."""
    accounts = [account for account in await services.staff.accounts.list() if not account.is_disabled]
    present = set(await services.presence.list_present(_GROUP))
    ids = [account.id for account in accounts]
    counts, given = await services.database.read(
        lambda connection: (tickets.count_assigned(connection, ids), tickets.find_last_given(connection, ids))
    )
    seats = []
    for account in accounts:
        presence = account.presence.value if account.id in present else _OFFLINE
        colleague = Colleague(
            id=account.id,
            name=account.name,
            is_online=presence == Presence.ONLINE,
            open=counts.get(account.id, 0),
            capacity=account.capacity,
            skills=account.skills,
            given_at=given.get(account.id, 0.0),
        )
        seats.append(Seat(colleague, presence))
    return seats


async def find_free(services: Services, *, skill: str | None, but: StaffId | None = None, before: StaffId | None = None) -> Operator:
    """Whoever is free, of those who have the skill; first `before`, who had the conversation. Raises NobodyFree."""
    team = [seat.colleague for seat in await list_team(services) if seat.colleague.id != but]
    chosen = choose(team, skill=skill, before=before)
    if chosen is None:
        raise NobodyFree
    return Operator(chosen.id, chosen.name)


def giving(session_id: str, *, to: Operator, version: int | None) -> Callable[[Desk, Transaction, dict[TurnId, str]], object]:
    """What gives a conversation to somebody in one transaction, if they have room for it.

    Raises, when it is done:
        NobodyFree: since they were chosen, they were given as many as they can take; SessionNotFound, NotHandedOver, ConversationChanged.
    """

    def give(desk: Desk, tx: Transaction, partials: dict[TurnId, str]) -> Ticket:
        # Locked, so that nobody else gives them one until this transaction ends.
        capacity = lock_capacity(tx, to.id)
        if tickets.count_assigned(tx.connection, [to.id]).get(to.id, 0) >= capacity:
            raise NobodyFree
        return desk.assign(tx, session_id, to=to, version=version, partials=partials)

    return give


async def assign(services: Services, session_id: str, *, to: Operator, version: int | None) -> None:
    """Give a conversation to somebody who has room for it, and tell them. Raises as `giving` does."""
    await services.turns.act(session_id, giving(session_id, to=to, version=version))
    services.inbox.notify(NoticeKind.ASSIGNED_TO_YOU, SessionId(session_id), staff_id=to.id)


async def look_after_desk(services: Services) -> None:
    """Wake what was put aside until now, tell of deadlines that have passed and, if the settings say so, give what waits to whoever is
    free; for ever."""
    while True:
        await _wake(services)
        await tell_overdue(services)
        if services.settings.desk_assignment == "round_robin":
            await _give_out(services)
        await asyncio.sleep(_ROUND_SECONDS)


async def _wake(services: Services) -> None:
    def find(connection: sa.Connection) -> list[SessionId]:
        now = connection.execute(sa.select(db_now())).scalar_one()
        return tickets.list_snoozed_until(connection, now=now, limit=_AT_ONCE)

    for session_id in await services.database.read(find):
        await _wake_one(session_id, services)


async def _wake_one(session_id: SessionId, services: Services) -> None:
    try:
        woken = await services.turns.act(session_id, lambda desk, tx, _partials: desk.wake(tx, session_id))
    except NotFound:
        # Deleted meanwhile.
        return
    if woken is not None and woken.assignee_id is not None:
        services.inbox.notify(NoticeKind.ASSIGNED_TO_YOU, session_id, staff_id=woken.assignee_id)


async def tell_overdue(services: Services) -> None:
    """Tell whoever has a conversation, or everybody where nobody has it, that its customer has waited too long; once for each deadline."""
    deadlines = deadlines_of(services)

    def find(connection: sa.Connection) -> list[tuple[Ticket, Deadline]]:
        return [(ticket, one) for one in Deadline for ticket in tickets.list_overdue(connection, one, deadlines, limit=_AT_ONCE)]

    for ticket, deadline in await services.database.read(find):
        if await services.database.write(partial(tickets.note_told, ticket=ticket, deadline=deadline)):
            services.inbox.notify(NoticeKind.SLA, ticket.session_id, staff_id=ticket.assignee_id, deadline=deadline)


async def _give_out(services: Services) -> None:
    waiting = await services.database.read(lambda connection: tickets.list_waiting(connection, limit=_AT_ONCE))
    for ticket in waiting:
        if not await _give_one(ticket, services) and ticket.skill is None:
            # Nobody at all is free.
            return


async def _give_one(ticket: Ticket, services: Services) -> bool:
    """False: nobody who could take it is free."""
    # One that was given back by somebody is not theirs again.
    is_fresh = ticket.version == 1
    known = partial(tickets.find_last_assignee, session_id=ticket.session_id)
    before = await services.database.read(known) if is_fresh and ticket.episode > 1 else None
    try:
        free = await find_free(services, skill=ticket.skill, before=before)
    except NobodyFree:
        return False
    try:
        await assign(services, ticket.session_id, to=free, version=ticket.version)
    except (Conflict, NotFound) as error:
        # Somebody else was faster.
        log.debug("conversation_not_assigned", session_id=ticket.session_id, code=error.code)
    return True
