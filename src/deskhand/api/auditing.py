"""What staff do over HTTP, written into the audit log.

The invariant: one request is one entry, in the transaction that does what it asks for, of several the first: what is done to a conversation
at the desk by `recorded`, everything about accounts and keys by `deskhand.staff`, all else by `recording`. What turns out to change
nothing is recorded by the route before the answer leaves (`AuditedRoute`).
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from deskhand.api.services import Services, services_of
from deskhand.handoff.repository import find_last_ticket
from deskhand.ids import SessionId, TurnId
from deskhand.knowledge import Along
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
# In the request's scope: who of staff asks, what it does, and whether that was written down.
_CALLER = "deskhand.caller"
_ACTION = "deskhand.action"
_IS_RECORDED = "deskhand.is_recorded"


class AuditedRoute(APIRoute):
    """A route whose changes are recorded when staff ask for them and they succeed, under the route's name."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.name in _UNRECORDED or _AT_THE_DESK in self.path or (self.methods or set()) <= set(_READING):
            return handle

        async def handle_and_record(request: Request) -> Response:
            request.scope[_ACTION] = self.name
            response = await handle(request)
            if request.scope.get(_CALLER) is not None and response.status_code < 400 and not request.scope.get(_IS_RECORDED):
                # Before what answers while it works, a stream, has begun.
                request.scope[_IS_RECORDED] = True
                await services_of(request).database.write(lambda tx: _record(tx, request))
            return response

        return handle_and_record


def recording(request: Request) -> Along:
    """What records the request's act along with it, once, if staff asked for it; the route is an `AuditedRoute`."""

    def record(tx: Transaction, *, indexed: int = 0, chunks: int = 0, removed: int = 0) -> None:  # noqa: ARG001 - how `Along` is called
        if request.scope.get(_CALLER) is not None and not request.scope.get(_IS_RECORDED):
            _record(tx, request)
            tx.after_commit(lambda: request.scope.update({_IS_RECORDED: True}))

    return record


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


def _record(tx: Transaction, request: Request) -> None:
    caller: Caller = request.scope[_CALLER]
    target = next(iter(request.path_params.values()), "")
    services_of(request).staff.audit.record(tx, Actor(caller.id, caller.name), request.scope[_ACTION], target=str(target)[:200])
