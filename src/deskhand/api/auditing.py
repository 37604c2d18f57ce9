"""What staff do over HTTP, written into the audit log.

What is done to a conversation at the desk is recorded in the transaction that does it (`recorded`), and so is everything about accounts and
keys, by `deskhand.staff`. What other services do in transactions of their own is recorded by the route right after it was done and before
the answer leaves (`AuditedRoute`): a process that dies in between leaves it unrecorded here. A document's own history, which is kept in the
transaction that changes it, then still tells.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from deskhand.api.services import Services, services_of
from deskhand.handoff.repository import find_last_ticket
from deskhand.ids import SessionId, TurnId
from deskhand.persistence import Transaction
from deskhand.sessions import Staff
from deskhand.staff import Actor, Caller
from deskhand.turns.desk import Desk, Said

T = TypeVar("T")
Work = Callable[[Desk, Transaction, dict[TurnId, str]], T]

_READING = ("GET", "HEAD", "OPTIONS")
# A company's server opens a session for each of its customers. That is no act of staff.
_UNRECORDED = ("open_session",)
# What is recorded by `recorded` already.
_AT_THE_DESK = "/desk/conversations/"


class AuditedRoute(APIRoute):
    """A route whose changes are recorded when staff ask for them and they succeed, under the route's name."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.name in _UNRECORDED or _AT_THE_DESK in self.path or (self.methods or set()) <= set(_READING):
            return handle

        async def handle_and_record(request: Request) -> Response:
            response = await handle(request)
            caller: Caller | None = request.scope.get("deskhand.caller")
            if caller is not None and response.status_code < 400:
                await _record(request, caller, self.name)
            return response

        return handle_and_record


def recorded(work: Work[T], staff: Staff, session_id: str, *, action: str, services: Services) -> Work[T]:
    """`work` on a conversation, followed in its transaction by an entry in the log, if it changed something."""

    def run(desk: Desk, tx: Transaction, partials: dict[TurnId, str]) -> T:
        known_id = SessionId(session_id)
        before = find_last_ticket(tx.connection, known_id)
        result = work(desk, tx, partials)
        after = find_last_ticket(tx.connection, known_id)
        said = isinstance(result, Said) and not result.duplicate
        if said or before != after or action == "conversation.note":
            details = {} if after is None else {"ticket_id": after.id, "version": after.version, "assignee_id": after.assignee_id}
            services.staff.audit.record(tx, Actor(staff.id, staff.name), action, target=session_id, details=details)
        return result

    return run


async def _record(request: Request, caller: Caller, name: str) -> None:
    services = services_of(request)
    target = next(iter(request.path_params.values()), "")
    await services.database.write(lambda tx: services.staff.audit.record(tx, Actor(caller.id, caller.name), name, target=str(target)[:200]))
