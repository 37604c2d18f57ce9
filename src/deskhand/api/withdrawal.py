"""Sources of earlier answers, as they may be shown now.

The invariant: what was said to a customer stays in the transcript, which is a record. The passages beside it are shown only while the
customer would still be answered from them: one of a document that was changed, deleted, disabled, has expired or is for others by now is
shown as withdrawn, without its words, its title or its address.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec

from deskhand.api import schemas
from deskhand.api.assembled import Services
from deskhand.ids import SessionId
from deskhand.knowledge import Audience, DocumentId, Quote
from deskhand.turns.events import Complete, SessionEvent, Source, Sources

Sourced = TypeVar("Sourced", Complete, Sources)

_WITHDRAWN: Mapping[str, Any] = {"source": "", "title": "Withdrawn", "withdrawn": True}


async def with_current_sources(
    batches: AsyncGenerator[list[SessionEvent]], session_id: SessionId, services: Services
) -> AsyncGenerator[list[SessionEvent]]:
    """Events of the session, with what was withdrawn taken out of their sources. Costs one read for each that has sources."""
    async with aclosing(batches):
        async for batch in batches:
            yield [await _shown(event, session_id, services) for event in batch]


async def _shown(event: SessionEvent, session_id: SessionId, services: Services) -> SessionEvent:
    match event:
        case Complete():
            return await with_current(event, session_id, services)
        case Sources():
            return await with_current(event, session_id, services)
        case _:
            return event


async def with_current(event: Sourced, session_id: SessionId, services: Services) -> Sourced:
    """The event, with what was withdrawn taken out of its sources."""
    withdrawn = await _withdrawn([(source.metadata, source.content) for source in event.sources], session_id, services)
    if not any(withdrawn):
        return event
    shown = [
        Source(content="", metadata=dict(_WITHDRAWN), relevance_score=source.relevance_score, rank=source.rank) if is_withdrawn else source
        for source, is_withdrawn in zip(event.sources, withdrawn, strict=True)
    ]
    return msgspec.structs.replace(event, sources=shown)


async def hide_withdrawn(messages: Sequence[schemas.MessageView], session_id: SessionId, services: Services) -> None:
    """Take what was withdrawn out of the sources of a transcript."""
    sources = [source for message in messages for source in message.sources]
    withdrawn = await _withdrawn([(source.metadata, source.content) for source in sources], session_id, services)
    for source, is_withdrawn in zip(sources, withdrawn, strict=True):
        if is_withdrawn:
            source.content, source.metadata = "", dict(_WITHDRAWN)


async def _withdrawn(sources: Sequence[tuple[Mapping[str, Any], str]], session_id: SessionId, services: Services) -> list[bool]:
    quotes = [
        Quote(DocumentId(metadata["document_id"]), metadata["chunk_id"], content) if "chunk_id" in metadata else None
        for metadata, content in sources
    ]
    asked = [quote for quote in quotes if quote is not None]
    if not asked:
        return [False] * len(sources)
    session = await services.sessions.find_session(session_id)
    audience = Audience.of_session(session_id, session.customer_id if session is not None else None)
    current = await services.knowledge.find_current(asked, audience=audience)
    return [quote is not None and quote not in current for quote in quotes]
