"""Readers of a session's events over HTTP: who they are, where they begin, and how they are followed up."""

import asyncio
from typing import Annotated, Any

from fastapi import Header, Query, Request

from deskhand.api.identity import SessionIdDep, access, identify, staff_id_of
from deskhand.api.services import Services, ServicesDep
from deskhand.api.sse import EventStream
from deskhand.api.streams import Closing, Reader
from deskhand.api.withdrawal import with_current_sources
from deskhand.errors import Forbidden, PartDown, Unauthenticated
from deskhand.ids import SessionId
from deskhand.sessions import SessionNotFound
from deskhand.turns import Accepted


class Draining(PartDown):
    """This server is stopping."""

    code = "draining"
    support = "Connect again in a moment; another instance, or this one restarted, goes on where you were."


async def follow(
    *,
    request: Request,
    authorised: SessionIdDep,
    services: ServicesDep,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
    after: Annotated[str | None, Query(max_length=64, description='An event id; "0" is the beginning.')] = None,
) -> EventStream:
    """A stream for ever, from the position the client names."""
    if services.turns.draining:
        raise Draining(retry_after_seconds=2)
    cursor = last_event_id if last_event_id is not None else after
    if cursor is None:
        cursor = await services.turns.last_event_id(authorised)
    return EventStream(
        with_current_sources(services.turns.stream_events(authorised, after=cursor), authorised, services),
        streams=services.streams,
        reader=reader_of(request, authorised, services),
        cursor=cursor,
    )


def follow_turn(request: Request, accepted: Accepted, *, session_id: SessionId, services: Services) -> EventStream:
    """The stream of one turn, which ends with it."""
    return EventStream(
        with_current_sources(services.turns.stream_turn(session_id, accepted), session_id, services),
        streams=services.streams,
        reader=reader_of(request, session_id, services),
    )


def reader_of(request: Request, session_id: str, services: Services) -> Reader:
    async def may_read() -> Closing | None:
        try:
            await access(session_id, await identify(request, services), services)
        except (Forbidden, Unauthenticated):
            return Closing.FORBIDDEN
        except SessionNotFound:
            return Closing.GONE
        return None

    current: asyncio.Task[Any] | None = asyncio.current_task()
    assert current is not None
    return Reader(session_id=session_id, transport="sse", task=current, may_read=may_read, staff_id=staff_id_of(request))
