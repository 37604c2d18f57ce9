"""The desk's lists as server-sent events: `snapshot` first, then what changes.

The invariant: what may have been missed is answered by a new `snapshot`, upon which the console reads its list again; so nothing here is
numbered, and a reader that comes back begins anew.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.responses import StreamingResponse

from deskhand.api import streams
from deskhand.api.desk_schemas import ConversationView, SeatView
from deskhand.api.desk_team import RENEW_SECONDS, appear, deadlines_of, list_team
from deskhand.api.services import Services
from deskhand.api.sse import HEADERS, HEARTBEAT, frame
from deskhand.errors import Forbidden, PartDown, Unauthenticated
from deskhand.ids import StaffId
from deskhand.insights import Changed, Counted, Listener, Notice, NoticeKind, Removed, Typed, Update
from deskhand.sessions import Staff

_TICK_SECONDS = 1.0
_TEAM_SECONDS = 3.0
_RETRY = b"retry: 2000\n\n"


def stream_desk(staff: Staff, services: Services, *, check: Callable[[], Awaitable[Any]]) -> StreamingResponse:
    """`check` raises when the reader may not read (any more)."""
    return StreamingResponse(_Desk(staff, services, check).frames(), headers=HEADERS)


class _Desk:
    def __init__(self, staff: Staff, services: Services, check: Callable[[], Awaitable[Any]]) -> None:
        self._staff = staff
        self._services = services
        self._check = check
        self._losses = services.streams.losses
        self._checked_at = self._sent_at = self._appeared_at = self._team_at = services.clock.monotonic()
        self._team: list[dict[str, Any]] | None = None
        self._present: set[StaffId] = set()

    async def frames(self) -> AsyncIterator[bytes]:
        services, clock = self._services, self._services.clock
        with services.inbox.listen() as listener:
            await appear(self._staff.id, services)
            yield _RETRY + await self._snapshot() + await self._presence()
            while not services.turns.draining:
                news = await self._next(listener)
                now = clock.monotonic()
                if now - self._appeared_at >= RENEW_SECONDS:
                    self._appeared_at = now
                    await appear(self._staff.id, services)
                if now - self._team_at >= _TEAM_SECONDS:
                    self._team_at = now
                    news += await self._presence()
                if now - self._checked_at >= streams.RECHECK_SECONDS or self._losses != services.streams.losses:
                    self._checked_at, self._losses = now, services.streams.losses
                    if not await self._may_read():
                        return
                if not news and now - self._sent_at >= streams.HEARTBEAT_SECONDS:
                    news = HEARTBEAT
                if news:
                    self._sent_at = now
                    yield news

    async def _next(self, listener: Listener) -> bytes:
        """What is to be sent now; nothing after a while in which nothing changed."""
        try:
            async with asyncio.timeout(_TICK_SECONDS):
                updates = await listener.next()
        except TimeoutError:
            return b""
        if updates is None:
            return await self._snapshot()
        return b"".join([self._encode(update) for update in updates])

    async def _snapshot(self) -> bytes:
        counts = await self._services.desk.count()
        return frame("snapshot", {"counts": counts.of(self._staff.id)})

    async def _presence(self) -> bytes:
        """Who is there, if that has changed."""
        seats = await list_team(self._services)
        self._present = {seat.colleague.id for seat in seats if seat.is_present}
        team = [SeatView.of(seat.colleague, seat.presence).model_dump(mode="json") for seat in seats]
        if team == self._team:
            return b""
        self._team = team
        return frame("presence", {"staff": team})

    def _encode(self, update: Update) -> bytes:
        match update:
            case Changed(conversation):
                view = ConversationView.of(conversation, deadlines=deadlines_of(self._services))
                return frame("conversation", view.model_dump(mode="json"))
            case Removed(session_id):
                return frame("removed", {"session_id": session_id})
            case Counted(counts):
                return frame("counts", counts.of(self._staff.id))
            case Notice(kind, session_id, _, deadline):
                told = {"kind": kind.value, "session_id": session_id} | ({"deadline": deadline.value} if deadline is not None else {})
                return frame("notice", told) if self._concerns(update) else b""
            case Typed(session_id):
                return frame("typing", {"session_id": session_id})

    def _concerns(self, notice: Notice) -> bool:
        """Whether this person should look: at what is theirs or everybody's, and at a customer whose person is not there to see it."""
        if notice.staff_id in (None, self._staff.id):
            return True
        is_about_customer = notice.kind is not NoticeKind.ASSIGNED_TO_YOU
        return is_about_customer and self._services.inbox.knows_who_is_there and notice.staff_id not in self._present

    async def _may_read(self) -> bool:
        try:
            await self._check()
        except (Unauthenticated, Forbidden):
            return False
        except PartDown:
            # It cannot be known now: asked again with the next one.
            self._checked_at = 0.0
        return True
