"""What is handed to an ingest, on its way to being read: taken in batches that are not too heavy, and named by what it is inside of.

Invariant: the origin of what is inside something begins with that thing's origin, so whoever knows the one knows to whom the other belongs.
"""

import asyncio
import itertools
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from concurrent.futures import Executor
from dataclasses import replace

from deskhand.knowledge.documents import SourceDocument, UnchangedSource, UnreadableSource
from deskhand.parsing.wire import Member

_BATCH_DOCUMENTS = 32
_BATCH_BYTES = 8_000_000
# What stands in an origin between something and what is inside it; `unpack` writes it.
_INSIDE = re.compile(r"#|!/")

Source = SourceDocument | UnreadableSource | UnchangedSource
Sources = Iterable[Source] | AsyncIterable[Source]


def holders(origin: str) -> set[str]:
    """The origins of what a document may be inside of: the table of a row, the archive of a file."""
    return {origin[: mark.start()] for mark in _INSIDE.finditer(origin)}


def member_of(source: SourceDocument, member: Member) -> SourceDocument | UnreadableSource:
    """A document inside another, which it has its audience, dates and scope from."""
    origin = f"{source.origin}{member.key}"
    shown = f"{source.source}{member.key if member.shown is None else member.shown}"
    if member.problem is not None:
        return UnreadableSource(origin, shown, member.problem, source.scope)
    return replace(
        source,
        origin=origin,
        source=shown,
        filename=member.filename,
        data=member.data,
        content_type=None if member.key else source.content_type,
        title=member.title,
        url=member.url or source.url,
        metadata={**member.metadata, **source.metadata},
    )


async def grouped(sources: AsyncIterator[Source]) -> AsyncIterator[list[Source]]:
    """In batches, none of which holds much more than `_BATCH_BYTES` unless a single document does."""
    batch: list[Source] = []
    size = 0
    async for source in sources:
        batch.append(source)
        size += len(source.data) if isinstance(source, SourceDocument) else 0
        if len(batch) == _BATCH_DOCUMENTS or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def batches(sources: Sources, *, executor: Executor) -> AsyncIterator[list[Source]]:
    if isinstance(sources, AsyncIterable):
        # One at a time: whoever fetches them has the next ones ready, and `grouped` knows how much may be held.
        async for source in sources:
            yield [source]
        return
    # Taking the next one may read a file, so it is done in a thread.
    iterator = iter(sources)
    loop = asyncio.get_running_loop()
    while batch := await loop.run_in_executor(executor, lambda: list(itertools.islice(iterator, _BATCH_DOCUMENTS))):
        yield batch
